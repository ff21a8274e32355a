"""Places where people live, as far as they have a form: street and number, box, unit, post code."""

from pipeline.redact.rule import WITH_DIGIT, Rule

CLEAR = (
    r"(?:Street|St\.|Road|Rd\.?|Avenue|Ave\.?|Boulevard|Blvd\.?|Lane|Ln\.?|Highway|Hwy\.?|Parkway|Pkwy\.?"
    r"|Crescent|Wynd)"
)
"""What hardly any other title ends in."""
ANY = (
    rf"(?:{CLEAR}|St|Drive|Dr\.?|Court|Ct\.?|Way|Place|Pl\.?|Square|Sq\.?|Terrace|Close|Circle|Cir\.?|Trail|Row"
    r"|Mews|Quay)"
)
NAME = r"(?:[NSEW]\.?\s)?(?:(?:\p{Lu}[\w'’.-]*+|\d{1,3}(?:st|nd|rd|th))\s){1,3}?"
DWELLING = "Apt|Apartment|Suite|Ste|Unit|Flat"
UNIT_NUMBER = r"\.?\s?#?\d{1,5}[A-Z]?"
UNIT = rf"(?i:{DWELLING}|Room|Floor){UNIT_NUMBER}"
TOWN = r"\p{Lu}[\w'’.-]*+(?:\s\p{Lu}[\w'’.-]*+){0,2}"
NUMBER = r"(?<![\w.,/-])\d{1,5}[A-Za-z]?,?\s"
GERMANIC = (
    r"(?:stra(?:ß|ss)e|str\.|gasse|allee|platz|straat|laan|gracht|kade|vägen|gatan|veien|vej|gade|stræde|katu|utca)"
)
ROMANCE = r"(?:[Rr]ue|Via|Viale|Corso|Piazza|Calle|C/|[Rr]ua|[Aa]venida|Plaza|[Cc]hemin|Quai|Triq)"
LINK = r"(?:(?:de|del|della|delle|dei|di|da|do|dos|des|du|la|le|los|las)\s|[ld]['’]|i[lnrstxz]-)*+"
LIVES = ("address", "live", "living", "reside", "moved", "deliver", "ship", "mail", "located", "home", "house", "visit")

STREET_RULES = (
    Rule(
        "ADDRESS",
        "street, state and code",
        rf"(?-i:{NUMBER}{NAME}{ANY}(?:,?\s{UNIT})?(?:,?\s{TOWN})?,?\s[A-Z]{{2}},?\s\d{{5}}(?:-\d{{4}})?(?!\w))",
        0.95,
        shapes=("aa 00000", "aa, 00000"),
    ),
    Rule(
        "ADDRESS",
        "number and street",
        rf"(?-i:{NUMBER}{NAME}{CLEAR}(?!\w)(?:,?\s{UNIT})?)",
        0.75,
        words=(
            "street",
            "st.",
            "road",
            "rd",
            "ave",
            "boulevard",
            "blvd",
            "lane",
            "ln",
            "highway",
            "hwy",
            "parkway",
            "pkwy",
            "crescent",
            "wynd",
        ),
        shapes=WITH_DIGIT,
    ),
    Rule(
        "ADDRESS",
        "number and perhaps a street",
        rf"(?-i:{NUMBER}{NAME}{ANY}(?!\w)(?:,?\s{UNIT})?)",
        0.3,
        near=LIVES,
        needs=r"\d[a-z]?,?\s",
        shapes=WITH_DIGIT,
    ),
    Rule(
        "ADDRESS",
        "germanic street and number",
        rf"(?-i:(?:{NUMBER})?(?<!\w)\p{{Lu}}[\p{{L}}-]{{0,40}}{GERMANIC}\s\d{{1,5}}[A-Za-z]?(?!\w))",
        0.8,
        words=(
            "stra",
            "str.",
            "gasse",
            "allee",
            "platz",
            "laan",
            "gracht",
            "kade",
            "vägen",
            "gatan",
            "veien",
            "vej",
            "gade",
            "stræde",
            "katu",
            "utca",
        ),
        shapes=WITH_DIGIT,
    ),
    Rule(
        "ADDRESS",
        "romance street and number",
        rf"(?-i:(?:{NUMBER})?(?<!\w){ROMANCE}\s{LINK}(?:\p{{Lu}}[\w'’-]*+,?\s)"
        rf"(?:(?:de|e|y|et|{LINK})\s?\p{{Lu}}[\w'’-]*+,?\s){{0,4}}\d{{1,5}}(?![\w.]))",
        0.8,
        words=("rue", "via", "corso", "piazza", "calle", "c/", "rua", "avenida", "plaza", "chemin", "quai", "triq"),
        shapes=WITH_DIGIT,
    ),
    Rule(
        "ADDRESS",
        "box",
        r"\b(?:P\.?\s?O\.?\s?Box|Postfach|Private\s++Bag|PSC)\s\d{1,6}(?:,?\sBox\s\d{1,6})?"
        r"(?:,?\s(?:[AFD]PO|\p{L}{3,20}),?\s(?:A[AEP]\s)?\d{4,5})?(?!\w)",
        0.85,
        words=("box", "postfach", "bag", "psc"),
        shapes=WITH_DIGIT,
    ),
    Rule(
        "ADDRESS",
        "unit on a line of its own",
        rf"^[^\w\n]*+(?P<v>(?:{DWELLING}){UNIT_NUMBER})[ \t]*+$",
        0.6,
        words=tuple(DWELLING.lower().split("|")),
        shapes=WITH_DIGIT,
    ),
    Rule(
        "ADDRESS",
        "named post code",
        r"\b(?:zip|post(?:al)?)[ -]?(?:code)?(?:\s++(?:is|number))?\s*+[:=#]?\s*+"
        r"(?P<v>\d{4,6}(?:-\d{4})?|[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2})(?![\w-])",
        0.7,
        words=("zip", "post"),
        shapes=WITH_DIGIT,
    ),
    Rule(
        "ADDRESS",
        "uk post code",
        r"(?-i:(?<![\w-])(?:[A-Z]{1,2}\d[A-Z\d]?) \d[ABD-HJLNP-UW-Z]{2}(?![\w-]))",
        0.3,
        near=("postcode", "post code", "address", "street", "road", "lane", "live", "flat", "house"),
        shapes=("0 0aa", "0a 0aa"),
    ),
)
