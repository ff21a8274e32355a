"""The patterns: what each looks for, how sure a match is, which words nearby make it surer.

They read the ASCII form of a text (`pipeline.redact.visible`): look-alike letters, full-width digits, odd
hyphens, hard spaces and invisible characters are dealt with before.

Regular expressions are those of the `regex` package: `++` and `*+` never give characters back, so no
pattern can take more than linear time on a hostile text.
"""

import re
from itertools import product

from pipeline.redact import checks
from pipeline.redact.announced import ANNOUNCED_RULES
from pipeline.redact.national import NATIONAL_RULES
from pipeline.redact.rule import LONG_NUMBER, WITH_DIGIT, Rule
from pipeline.redact.streets import STREET_RULES
from pipeline.schema.curate_redact import CodePattern

AT = r"@|[\[({]\s*at\s*[\])}]"
DIGIT_WORD = r"(?:zero|oh|o|nought|naught|nil|one|two|three|four|five|six|seven|eight|nine)"
MONTHS = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\.?"
)
DATE = (
    rf"(?:\d{{1,2}}(?:st|nd|rd|th)?\s++(?:of\s++)?{MONTHS},?\s++(?:19|20)?\d\d|{MONTHS}\s++\d{{1,2}}(?:st|nd|rd|th)?,?\s++(?:19|20)\d\d"
    r"|(?:19|20)\d\d[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:19|20)?\d\d"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?\s++(?:of\s++)?{MONTHS}\b)"
)
PHONE_NEAR = (
    "phone",
    "tel",
    "call",
    "mobile",
    "cell",
    "fax",
    "ring",
    "reach",
    "contact",
    "number",
    "dial",
    "whatsapp",
    "sms",
    "text",
)
TITLES = r"(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Sir|Dame|Lady|Rev|Herr|Frau|Mme|Sig)"

RULES = (
    Rule(
        "EMAIL",
        "e-mail",
        r"(?:(?<![\w.+-])[\w.!#$%&'*+/=?^`{|}~-]++|\"[^\"\n@]{1,64}+\")(?:@|\s?[\[({]\s*at\s*[\])}]\s?)"
        r"[\w-]++(?:(?:\.|\s?[\[({]\s*dot\s*[\])}]\s?)[\w-]++)++",
        1.0,
        checks.mailbox,
        needs=AT,
        shapes=("@", *map("".join, product("[({", "a "))),
    ),
    Rule(
        "EMAIL",
        "spoken e-mail",
        r"\b[\w.-]++(?: (?:dot|underscore|dash|hyphen|plus) [\w-]++)*+ at [\w-]++(?: dot [\w-]++)++\b",
        0.85,
        words=(" dot ",),
    ),
    Rule(
        "EMAIL",
        "spaced e-mail",
        r"(?<![\w.])[\w+-]++(?:\s?\.\s?[\w+-]++)*+\s@\s[\w-]++(?:\s?\.\s?[\w-]++)++",
        0.85,
        shapes=(" @ ",),
    ),
    Rule(
        "SPOKEN_NUMBER",
        "spoken number",
        rf"\b(?:plus\s++)?(?:(?:double|triple|treble)\s++)?(?:{DIGIT_WORD}|\d{{1,4}})"
        rf"(?:[\s,.-]++(?:hundred|(?:(?:double|triple|treble)\s++)?(?:{DIGIT_WORD}|\d{{1,4}}(?!\d))\b)){{4,}}+",
        0.85,
        checks.spoken,
        needs=rf"\b{DIGIT_WORD}[\s,.-]+(?:{DIGIT_WORD}|double|triple|treble)\b",
        words=("zero", "nought", "naught", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    ),
    Rule(
        "PHONE",
        "mistyped phone",
        r"(?<![\w.-])(?=\S*[OIl])[O0][\dOIl]{2,4}[ .-][\dOIl]{3}[ .-]?[\dOIl]{3,4}(?!\w)",
        0.5,
        checks.mistyped,
        PHONE_NEAR,
        needs=r"\d[oil]|[oil]\d",
        shapes=("a0", "0a"),
    ),
    Rule(
        "IBAN",
        "iban",
        r"(?<![\w-])[A-Z]{2}\d{2}(?:[ .-]?[A-Z0-9]{2,4}+){2,8}+(?:[ .-]?[A-Z0-9]{1,3}\b)?",
        0.6,
        checks.iban,
        ("iban", "account", "bank", "transfer"),
        shapes=("aa00",),
    ),
    Rule(
        "CREDIT_CARD",
        "card",
        r"(?<![\w.+-])\d(?:[ -]?\d){12,18}(?![\w-])",
        0.6,
        checks.card,
        ("card", "credit", "debit", "visa", "mastercard", "amex", "payment", "cc", "pan"),
        LONG_NUMBER,
        shapes=WITH_DIGIT,
    ),
    Rule(
        "CREDIT_CARD",
        "short card",
        r"(?<![\w.+-])(?:5[0678]|6\d)\d{10}(?![\w-])",
        0.3,
        checks.luhn,
        ("card", "credit", "debit", "cc", "maestro"),
        LONG_NUMBER,
        shapes=WITH_DIGIT,
    ),
    Rule(
        "PHONE",
        "international phone",
        r"(?<![\w.+])(?=(?:\+|00)[\d\W_]{6,}\d)(?:\+|00)(?:\s?\(?\d{1,4}\)?[ .\-/]{0,3}){2,7}\d"
        r"(?:\s?(?:x|ext\.?|#)\s?\d{1,6})?(?!\w)",
        0.8,
        checks.phone,
        PHONE_NEAR,
        r"(?:\+|00)[\d\W_]{6,}\d",
        shapes=WITH_DIGIT,
    ),
    Rule(
        "PHONE",
        "national phone",
        r"(?<![\w.,/#$€£+-])(?:\(0?\d{1,5}\)[ .\-]?|(?:1[-. ])?\d{2,5}[ .\-/])\d{3,4}[ .\-]?\d{2,4}(?:[ .\-]\d{2,4})?"
        r"(?:\s?(?:x|ext\.?)\s?\d{1,6})?(?![\w-]|[.,]\d)",
        0.55,
        checks.phone,
        PHONE_NEAR,
        LONG_NUMBER,
        shapes=WITH_DIGIT,
    ),
    Rule(
        "PHONE",
        "grouped phone",
        r"(?<![\w.,/#$€£+-])0\d{1,4}(?:[ .\-/]?\d{2,4}){2,4}(?![\w-]|[.,]\d)",
        0.6,
        checks.phone,
        PHONE_NEAR,
        LONG_NUMBER,
        shapes=WITH_DIGIT,
    ),
    Rule(
        "PHONE",
        "bare phone",
        r"(?<![\w.,/#$€£+-])(?:\d{3}[-. ]?\d{4}|\d{10,11})(?:x\d{1,6})?(?![\w-]|[.,]\d)",
        0.3,
        checks.phone,
        PHONE_NEAR,
        LONG_NUMBER,
        shapes=WITH_DIGIT,
    ),
    Rule(
        "PHONE",
        "short phone",
        r"(?<![\w.,/#$€£+-])(?:\(\d{2,4}\) ?|\d{2,4}[ -])\d{2,4}(?:[ -]\d{2,4}){0,3}(?![\w]|[.,]\d|-\d)",
        0.3,
        checks.phone,
        (
            "phone",
            "tel",
            "call me",
            "mobile",
            "cell",
            "fax",
            "ring",
            "dial",
            "whatsapp",
            "sms",
            "answering",
            "desk",
            "reach me",
            "office",
            "registered",
        ),
        needs=LONG_NUMBER,
        shapes=WITH_DIGIT,
    ),
    Rule(
        "PHONE",
        "extension",
        r"(?<=\bextension )\d{3,6}\b|\bext\b\.? ?\d{3,6}\b",
        0.75,
        words=("ext",),
        shapes=WITH_DIGIT,
    ),
    Rule(
        "IP_ADDRESS",
        "ipv4",
        r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)",
        0.7,
        checks.address,
        shapes=("0.0.0", "0.00.0", "0.000.0"),
    ),
    Rule(
        "IP_ADDRESS",
        "ipv6",
        r"(?<![\w:.])(?=[0-9a-f]*:[0-9a-f]*:)[0-9a-f:]{3,39}+(?![\w:])",
        0.8,
        checks.address,
        needs=r":[0-9a-f]*:",
        words=(":",),
    ),
    Rule(
        "MAC_ADDRESS",
        "mac",
        r"(?<![\w:-])(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}(?![\w:-])",
        0.9,
        shapes=tuple(map("".join, product(":-", "0a", "0a", ":-"))),
    ),
    Rule(
        "URL_CREDENTIALS",
        "url login",
        r"\b[a-z][a-z0-9+.-]*+://(?P<v>[^\s/:@]++:[^\s/@]++)@",
        1.0,
        words=("://",),
        shapes=("@",),
    ),
    Rule(
        "URL_CREDENTIALS",
        "url secret",
        r"[?&](?:access_token|token|api_?key|key|password|passwd|secret|sig|signature|auth)=(?P<v>[^&\s\"'<>]{6,}+)",
        0.9,
        needs=r"[?&]\w+=",
        words=("?", "&"),
    ),
    Rule(
        "SECRET",
        "key prefix",
        r"\b(?:sk|pk|rk)[-_][\w-]{16,}+|\bgh[pousr]_\w{20,}+|\bgithub_pat_\w{20,}+|\b(?:glpat|xapp)-[\w-]{16,}+"
        r"|\bA(?:KIA|SIA)[0-9A-Z]{16}\b|\bxox[abprs]-[\w-]{10,}+|\beyJ[\w-]{10,}+\.[\w-]++\.[\w-]*+"
        r"|\bAIza[\w-]{35}|\b(?:hf|npm)_\w{30,}+|\bSG\.[\w-]{16,}+\.[\w-]{16,}+",
        1.0,
        words=(
            *(f"{first}k{sign}" for first in "spr" for sign in "-_"),
            *(f"gh{sort}_" for sort in "pousr"),
            "github_pat_",
            "glpat-",
            "xapp-",
            "akia",
            "asia",
            *(f"xox{sort}-" for sort in "abprs"),
            "eyj",
            "aiza",
            "hf_",
            "npm_",
            "sg.",
        ),
    ),
    Rule(
        "SECRET",
        "named secret",
        r"(?:pass(?:word|wd|phrase|code)?|pwd|secret|api[ _-]?key|(?:access|auth|bearer)[ _-]?token|credentials?"
        r"|identified\s++by)"
        r"[\"'`]?"
        r"\s*(?::=|[:=]>?|\bis\b|\bwas\b|\bto\b|(?=[\"'`(]?[^\s\"'`,|]*[\d!#$%^&*]))\s*[\"'`(]?(?P<v>[^\s\"'`,|]{6,}+)",
        0.8,
        checks.secret,
        words=("pass", "pwd", "secret", "key", "token", "credential", "identified"),
    ),
    Rule(
        "SECRET",
        "quoted secret",
        r"\b(?:password|passphrase|passcode|pwd)\s++(?:(?:is|was|of|:)\s++)?(?P<q>[\"'`])(?P<v>[^\"'`\n]{6,40}+)(?P=q)",
        0.8,
        checks.secret,
        words=("pass", "pwd"),
    ),
    Rule(
        "SECRET",
        "login pair",
        r"@[\w-]++(?:\.[\w-]++)++\s?+[/|:]\s?+(?P<v>[^\s\"'`,|/]{6,40}+)",
        0.75,
        checks.secret,
        words=("@",),
    ),
    Rule(
        "SECRET",
        "bearer",
        r"\bbearer\s++(?P<v>[\w.~+/=-]{20,}+)",
        0.9,
        checks.secret,
        words=("bearer",),
    ),
    Rule(
        "SECRET", "private key", r"-----BEGIN [A-Z ]*+PRIVATE KEY-----(?P<v>[^-]++)", 1.0, words=("private key-----",)
    ),
    Rule(
        "USERNAME",
        "named user",
        r"\b(?:db_?)?(?:user|login)(?:[ _-]?(?:name|id))?[\"']?\s*(?::=|=>|[:=])\s*[\"']?(?P<v>[\w@][\w.@-]{2,40}+)"
        r"|\buser\s?(?:id|name)\s*(?:is|was)?\s*[\"'](?P<v>\w[\w.@-]{2,40}+)",
        0.7,
        checks.user,
        words=("user", "login"),
    ),
    Rule("USERNAME", "sql user", r"'(?P<v>\w[\w.-]{1,40}+)'@'", 0.9, words=("'@'",)),
    Rule(
        "DATE_OF_BIRTH",
        "birth date",
        rf"(?:\bborn|birth|\bdob\b|d\.o\.b|birthday|geboren|\bnée?\b|\bb\.)(?:[^\w\n]*+\w++){{0,4}}?[^\w\n]*+(?P<v>{DATE})",
        0.9,
        words=("born", "birth", "dob", "d.o.b", "geboren", "née", "b."),
        shapes=WITH_DIGIT,
    ),
    Rule(
        "DATE_OF_BIRTH",
        "date, then birth",
        rf"(?P<v>{DATE})(?:[^\w\n]++\w++){{0,9}}?[^\w\n]++(?:date\s++of\s++birth|birth\s?date|birthday|dob)\b",
        0.7,
        words=("birth", "dob"),
        shapes=WITH_DIGIT,
    ),
    Rule(
        "DATE_OF_BIRTH",
        "an age reached",
        r"\bturn(?:ed|s|ing)\s++(?:\d{1,3}|(?:twen|thir|for|fif|six|seven|eigh|nine)(?:ty|teen)(?:-\w++)?)"
        rf"\s++on\s++(?:the\s++)?(?P<v>{DATE})",
        0.7,
        words=("turn",),
        shapes=WITH_DIGIT,
    ),
    Rule(
        "PERSON",
        "title and name",
        rf"(?-i:\b{TITLES}\.?\s++(?P<v>\p{{Lu}}[\w'’-]++(?:\s\p{{Lu}}[\w'’-]++)?))",
        0.6,
        needs=rf"\b{TITLES.lower()}\b",
        words=("mr", "ms", "miss", "mx", "dr", "prof", "sir", "dame", "lady", "rev", "herr", "frau", "mme", "sig"),
    ),
    *ANNOUNCED_RULES,
    *NATIONAL_RULES,
    *STREET_RULES,
)


def code_rules(codes: tuple[CodePattern, ...]) -> tuple[Rule, ...]:
    """The firm's own codes as rules."""
    return tuple(_code_rule(f"code {number}", code) for number, code in enumerate(codes, start=1))


def _code_rule(name: str, code: CodePattern) -> Rule:
    if code.syntax == "regex":
        return Rule(code.kind, name, code.pattern, code.score, None, code.context, timed=True)
    words = tuple(re.findall(r"[a-z]+", code.pattern.lower())[:1])
    return Rule(code.kind, name, of_form(code.pattern), code.score, None, code.context, words=words, shapes=WITH_DIGIT)


def of_form(form: str) -> str:
    """The pattern of a code that looks like `form` (see `CodePattern`).

    People write a code with other separators or none, and with a blank inside its digits. Where it stands glued
    to a word ("userbw44190") it is taken as it is spelt in `form`, or without separators, and only if two
    letters and four digits of it are fixed: less is found in any long string.
    """
    pieces = re.findall(r"#+|@+|[A-Za-z0-9]+|[ ./_-]+", form)
    loose = "".join(_piece(piece, r"[-_ ./]?", r"\d ?") for piece in pieces)
    pattern = rf"(?<![^\W_]){loose}(?![^\W_])"
    if form.count("#") < 4 or len(re.findall(r"[A-Za-z]", form)) < 2:
        return pattern
    glued = ("".join(_piece(piece, separator, r"\d") for piece in pieces) for separator in ("", None))
    return "|".join((pattern, *(rf"(?<!\d){one}(?!\d)" for one in glued)))


def _piece(piece: str, separator: str | None, digit: str) -> str:
    """Pattern of a run of one sort. `separator`: for any of them; None: as it is."""
    if piece[0] == "#":
        return digit * (len(piece) - 1) + r"\d"
    if piece[0] == "@":
        return f"[A-Z]{{{len(piece)}}}"
    return re.escape(piece) if piece[0].isalnum() or separator is None else separator
