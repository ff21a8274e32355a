"""Values told by the word before them ("passport no.", "acct", "PIN", "plate"), masked numbers, wallets."""

from itertools import product

from pipeline.redact import checks
from pipeline.redact.rule import WITH_DIGIT, Rule

IDENTIFIED = (
    r"passport|(?:driv(?:er|ing)['’]?s?['’]?\s++)?licen[cs]e|account|acct|acc|iban|routing|sort\s++code|policy(?:\s?holder)?|patient|visa|permit"
    r"|medical\s++(?:record|file)|chart|mrn|tax(?:payer)?|tin|vat|national|insurance|voter|social|nhs|imei|vin|chassis"
    r"|social\s++security|ssn|aadhaa?r|pan|member(?:ship)?|employee|badge|staff|police|student|customer|client|user|payroll|claim(?:ant)?"
    r"|subscriber|beneficiary|identity|identification|id(?=\s++(?:number|no\b|card))|dl(?=:)"
)
IDENTIFIED_WORDS = (
    "passport", "licen", "acc", "iban", "routing", "sort", "policy", "patient", "visa", "permit", "medical", "chart",
    "mrn", "tax", "tin", "vat", "national", "insurance", "voter", "social", "nhs", "imei", "vin", "chassis", "ssn",
    "aadha", "pan", "member", "employee", "badge", "staff", "police", "student", "customer", "client", "user",
    "payroll", "claim", "subscriber", "beneficiary", "ident", "id", "dl:",
)  # fmt: skip
"""What IDENTIFIED begins with or holds; a test keeps the two together."""
NOUN = (
    r"(?:\s*+(?:security|identification|identity|insurance|registration|reference|record|file|policy|bank|number|num\b|nos?\b\.?|id\b|card|code"
    r"|details?|data|information|ref\b\.?|#))*+"
)
LINKS = r"(?:\s*+(?:\bis\b|\bwas\b|\blike\b|\bending\b|\bwith\b|\bin\b|\breads\b|[:=#(])){0,4}+\s*+"

ANNOUNCED_RULES = (
    Rule(
        "IDENTIFIER",
        "named number",
        rf"\b(?:{IDENTIFIED}){NOUN}{LINKS}[\"'“‘(]?"
        r"(?P<v>#?(?=[A-Z/_-]{0,20}[\d*])[A-Z0-9*][A-Z0-9*/_-]*+(?:[ -]\d[A-Z0-9*/-]*+)*+)",
        0.7,
        checks.reference,
        needs=rf"\b(?:{'|'.join(IDENTIFIED_WORDS)})[a-z\s.#:=(\"'“‘’/_-]*[\d*]",
        words=IDENTIFIED_WORDS,
        shapes=WITH_DIGIT,
    ),
    Rule(
        "IDENTIFIER",
        "masked number",
        r"(?<![\w*-])(?:[X*•]{3,4}[- ]?(?:[X*•]{2,4}[- ]?){1,3}\d{3,4}|\d{4}[ -]?[X*•]{4,12}[ -]?\d{4})(?!\w)",
        0.75,
        words=tuple(map("".join, product("x*•", repeat=3))),
        shapes=WITH_DIGIT,
    ),
    Rule(
        "IDENTIFIER",
        "vehicle",
        r"(?<![\w-])[A-HJ-NPR-Z0-9]{17}(?![\w-])",
        0.3,
        checks.vehicle,
        ("vin", "vehicle", "chassis", "car"),
        needs=r"[a-z0-9]{17}",
        shapes=("a0", "0a", "0" * 17),
    ),
    Rule(
        "IDENTIFIER",
        "plate",
        r"\b(?:(?:licen[cs]e|number|registration)\s++plates?|vehicle\s++reg(?:istration)?|reg(?:istration|\.)?\s++(?:no\b\.?|number|mark))"
        r"(?:\s++(?:number|no\b\.?))?\s*+(?:\bis\b|\bwas\b|[:=#(])?\s*+[\"']?"
        r"(?P<v>(?-i:(?=[A-Z0-9 -]*\d)[A-Z0-9]{1,4}[ -][A-Z0-9]{1,5}(?!\w)|(?=[A-Z0-9]*\d)[A-Z0-9]{5,8}(?!\w)))",
        0.8,
        words=("plate", "vehicle", "reg"),
        shapes=WITH_DIGIT,
    ),
    Rule(
        "SECRET",
        "pin",
        r"\bpin(?:\s++(?:code|number|no\b\.?))?\s*+(?:\bis\b|\bwas\b|[:=#])?\s*+(?P<v>\d{4,8})(?![\w.,-]\d|\w)",
        0.75,
        words=("pin",),
        shapes=WITH_DIGIT,
    ),
    Rule(
        "SECRET",
        "card check",
        r"\b(?:cvv2?|cvc2?|card\s++verification(?:\s++(?:code|value))?)\s*+(?:\bis\b|\bwas\b|[:=#])?\s*+(?P<v>\d{3,4})(?!\w)",
        0.85,
        words=("cvv", "cvc", "verification"),
        shapes=WITH_DIGIT,
    ),
    Rule(
        "SECRET",
        "one-time code",
        r"\b(?:verification|one[- ]time|access|confirmation|login|otp)(?:\s++(?:pass)?code)?"
        r"\s*+(?:\bis\b|\bwas\b|[:=])\s*+(?P<v>\d{4,8})(?!\w)",
        0.75,
        words=("code", "otp"),
        shapes=WITH_DIGIT,
    ),
    Rule(
        "CRYPTO_WALLET",
        "wallet",
        r"\b(?-i:bc1[a-z0-9]{25,62}|[13][a-km-zA-HJ-NP-Z1-9]{25,34}|0x[0-9a-fA-F]{40})\b",
        0.85,
        checks.wallet,
        needs=r"bc1\w{25}|0x\w{40}|\b[13]\w{25}",
        shapes=("a0", "0a", "0" * 26),
    ),
    Rule(
        "EMAIL",
        "payment handle",
        r"(?<![\w.+@-])[\w.-]{3,40}+@[a-z]{3,20}+(?![\w.@-])",
        0.3,
        None,
        ("upi", "vpa", "payment", "pay"),
        words=("@",),
    ),
    Rule(
        "IDENTIFIER",
        "passport strip",
        r"(?-i:(?<!\w)P[A-Z<][A-Z]{3}[A-Z<]{39}\s++[A-Z0-9<]{44})",
        0.95,
        words=("<<",),
        shapes=WITH_DIGIT,
    ),
)
