"""Decide whether a match of a pattern is what it looks like: checksums, lengths, plausible digits.

A check takes the matched text and gives (score, length): 0 refuses the match, `None` keeps the score
of its rule, and `length` may cut off a tail the pattern took too many of.
"""

import hashlib
import ipaddress
import re
from typing import NamedTuple

from pipeline.redact.words import fold

IBAN_LENGTHS = {
    "AD": 24,
    "AE": 23,
    "AL": 28,
    "AT": 20,
    "AZ": 28,
    "BA": 20,
    "BE": 16,
    "BG": 22,
    "BH": 22,
    "BR": 29,
    "BY": 28,
    "CH": 21,
    "CR": 22,
    "CY": 28,
    "CZ": 24,
    "DE": 22,
    "DK": 18,
    "DO": 28,
    "EE": 20,
    "EG": 29,
    "ES": 24,
    "FI": 18,
    "FO": 18,
    "FR": 27,
    "GB": 22,
    "GE": 22,
    "GI": 23,
    "GL": 18,
    "GR": 27,
    "GT": 28,
    "HR": 21,
    "HU": 28,
    "IE": 22,
    "IL": 23,
    "IQ": 23,
    "IS": 26,
    "IT": 27,
    "JO": 30,
    "KW": 30,
    "KZ": 20,
    "LB": 28,
    "LC": 32,
    "LI": 21,
    "LT": 20,
    "LU": 20,
    "LV": 21,
    "LY": 25,
    "MC": 27,
    "MD": 24,
    "ME": 22,
    "MK": 19,
    "MR": 27,
    "MT": 31,
    "MU": 30,
    "NL": 18,
    "NO": 15,
    "PK": 24,
    "PL": 28,
    "PS": 29,
    "PT": 25,
    "QA": 29,
    "RO": 24,
    "RS": 22,
    "SA": 24,
    "SC": 31,
    "SE": 24,
    "SI": 19,
    "SK": 24,
    "SM": 27,
    "TN": 24,
    "TR": 26,
    "UA": 29,
    "VA": 22,
    "VG": 24,
    "XK": 20,
}
"""Characters by country, SWIFT IBAN registry."""
PHONE_DIGITS = (7, 15)
"""E.164 allows 15 digits; fewer than 7 is an extension."""
DATE_LIKE = re.compile(r"^\(?(?:(?:19|20)\d\d[-./ ]\d{1,2}[-./ ]\d{1,2}|\d{1,2}[-./ ]\d{1,2}[-./ ](?:19|20)\d\d)")
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
YEAR = re.compile(r"(?:19|20)\d\d(?:[-/](?:\d\d|(?:19|20)\d\d))?")
UNSURE = 0.45
"""Score of a number with a wrong checksum: under the usual threshold, over it with a context word."""


class Verdict(NamedTuple):
    """What a check found."""

    score: float | None
    """0 refuses; None keeps the rule's."""
    length: int
    """Characters of the match that belong to it."""


def iban(match: str) -> Verdict:
    """ISO 13616: the country's length, then remainder 1 modulo 97."""
    wanted = IBAN_LENGTHS.get(match[:2].upper())
    if wanted is None:
        return Verdict(0.0, len(match))
    length = _span_of(match, wanted)
    if length == 0:
        return Verdict(UNSURE, len(match.rstrip()))
    plain = re.sub(r"[\s.-]", "", match[:length]).upper()
    number = int("".join(str(int(letter, 36)) for letter in plain[4:] + plain[:4]))
    return Verdict(1.0 if number % 97 == 1 else 0.6, length)


def card(match: str) -> Verdict:
    """ISO 7812: 13 to 19 digits whose Luhn sum is a multiple of 10."""
    digits = [int(digit) for digit in match if digit.isdigit()]
    if len(set(digits)) < 2:
        return Verdict(0.0, len(match))
    return Verdict(1.0 if _luhn_sum(match) % 10 == 0 and digits[0] in (2, 3, 4, 5, 6) else UNSURE, len(match))


def phone(match: str) -> Verdict:
    """A possible count of digits, not a date, not one digit over and over."""
    digits = re.sub(r"\D", "", re.split(r"[x#]|ext", match, flags=re.IGNORECASE)[0])
    possible = PHONE_DIGITS[0] <= len(digits) <= PHONE_DIGITS[1] and len(set(digits)) > 1
    return Verdict(None if possible and not DATE_LIKE.match(match) else 0.0, len(match))


def address(match: str) -> Verdict:
    """An IP address of either version, as the standard library reads it."""
    try:
        ipaddress.ip_address(match.rstrip(".:") if "::" not in match[-2:] else match)
    except ValueError:
        return Verdict(0.0, len(match))
    return Verdict(None, len(match.rstrip(".")))


def social_security(match: str) -> Verdict:
    """US number: the parts that are never issued are refused."""
    area, group, serial = re.split(r"[-\s.]", match)
    never = area in ("000", "666") or group == "00" or serial == "0000"
    return Verdict(0.0 if never else None, len(match))


def spanish_id(match: str) -> Verdict:
    """DNI: the letter follows from the number modulo 23."""
    number = int(re.sub(r"\D", "", match))
    return Verdict(1.0 if "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23] == match[-1].upper() else 0.0, len(match))


def polish_id(match: str) -> Verdict:
    """PESEL: weights 1 3 7 9, the month field tells the century."""
    digits = [int(digit) for digit in match]
    total = sum(weight * digit for weight, digit in zip((1, 3, 7, 9) * 3, digits[:10], strict=False))
    plausible = 1 <= int(match[2:4]) % 20 <= 12 and 1 <= int(match[4:6]) <= 31
    return Verdict(0.85 if plausible and (10 - total % 10) % 10 == digits[10] else 0.0, len(match))


def dutch_id(match: str) -> Verdict:
    """BSN: the eleven test."""
    total = sum(weight * int(digit) for weight, digit in zip((9, 8, 7, 6, 5, 4, 3, 2, -1), match, strict=True))
    return Verdict(None if total % 11 == 0 else 0.0, len(match))


def spanish_foreigner_id(match: str) -> Verdict:
    """NIE: X, Y, Z stand for 0, 1, 2, then as DNI."""
    return spanish_id(str("XYZ".index(match[0].upper())) + match[1:])


def singapore_id(match: str) -> Verdict:
    """NRIC and FIN: weights 2 7 6 5 4 3 2, four more for T and G, then a letter of eleven."""
    head, last = match[0].upper(), match[-1].upper()
    total = sum(weight * int(digit) for weight, digit in zip((2, 7, 6, 5, 4, 3, 2), match[1:8], strict=True))
    letters = "JZIHGFEDCBA" if head in "ST" else "XWUTRQPNMLK"
    return Verdict(None if letters[(total + 4 * (head in "TG")) % 11] == last else 0.0, len(match))


def brazilian_id(match: str) -> Verdict:
    """CPF: two check digits, weights falling to 2, modulo 11."""
    digits = [int(digit) for digit in match if digit.isdigit()]
    checked = [sum((place + 1 - at) * digits[at] for at in range(place)) * 10 % 11 % 10 for place in (9, 10)]
    return Verdict(None if checked == digits[9:] and len(set(digits)) > 1 else 0.0, len(match))


def french_id(match: str) -> Verdict:
    """NIR: the last two digits and the rest make 97."""
    digits = re.sub(r"\D", "", match)
    return Verdict(None if 97 - int(digits[:13]) % 97 == int(digits[13:]) else 0.0, len(match))


def health_number(match: str) -> Verdict:
    """NHS: weights 10 .. 2, modulo 11."""
    digits = [int(digit) for digit in match if digit.isdigit()]
    total = sum(weight * digit for weight, digit in zip(range(10, 1, -1), digits, strict=False))
    return Verdict(None if (11 - total % 11) % 11 == digits[9] else 0.0, len(match))


def luhn(match: str) -> Verdict:
    """ISO 7812-1, annex B: the sum is a multiple of ten."""
    return Verdict(None if _luhn_sum(match) % 10 == 0 else 0.0, len(match))


def vehicle(match: str) -> Verdict:
    """VIN, ISO 3779: 17 places; the ninth is a check digit in North America and free elsewhere."""
    values = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", (*range(1, 9), 1, 2, 3, 4, 5, 7, 9, *range(2, 10)), strict=True))
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    numbers = [int(sign) if sign.isdigit() else values[sign] for sign in match.upper()]
    rest = sum(weight * number for weight, number in zip(weights, numbers, strict=True)) % 11
    mixed = any(map(str.isdigit, match)) and any(map(str.isalpha, match))
    right = match[8].upper() == ("X" if rest == 10 else str(rest))
    return Verdict((0.85 if right else None) if mixed else 0.0, len(match))


def wallet(match: str) -> Verdict:
    """Base58Check of an old Bitcoin address (four bytes of a double SHA-256); newer forms as they are."""
    if match[0] not in "13":
        return Verdict(None, len(match))
    number = 0
    for sign in match:
        number = number * 58 + BASE58.index(sign)
    whole = number.to_bytes(26, "big")[-25:]
    right = hashlib.sha256(hashlib.sha256(whole[:-4]).digest()).digest()[:4] == whole[-4:]
    return Verdict(None if right else 0.0, len(match))


def secret(match: str) -> Verdict:
    """A value that no sentence would have there: letters together with digits or signs, or long hex."""
    value = match.rstrip(".,;:\"'`)")
    kinds = (any(c.isalpha() for c in value), any(c.isdigit() for c in value), any(not c.isalnum() for c in value))
    return Verdict(None if len(value) >= 6 and sum(kinds) >= 2 and not value.endswith("()") else 0.0, len(value))


def reference(match: str) -> Verdict:
    """An identifier beside a word that announces one: four digits, three if long or masked; no year, no date."""
    value = match.rstrip(" -/._")
    digits = sum(c.isdigit() for c in value)
    enough = digits >= 4 or (digits == 3 and (len(value) >= 8 or "*" in value))
    return Verdict(None if enough and not YEAR.fullmatch(value) and not DATE_LIKE.match(value) else 0.0, len(value))


def mailbox(match: str) -> Verdict:
    """The last label of the domain is of letters, whatever their script."""
    label = re.split(r"[.．。]|\bdot\b", fold(match))[-1]
    return Verdict(None if sum(c.isalpha() for c in label) >= 2 else 0.0, len(match))


def user(match: str) -> Verdict:
    """A login and no word of a sentence: a digit, a dot or a sign among the letters."""
    value = match.rstrip(".,;-")
    return Verdict(None if re.search(r"[\d_.@-]", value) and any(map(str.isalpha, value)) else 0.0, len(value))


def spoken(match: str) -> Verdict:
    """A number read aloud: at least six digits, three of them as words."""
    words = re.findall(r"[a-z]+|\d+", match.lower())
    said = sum(word.isalpha() and word not in ("plus", "double", "triple", "treble", "hundred") for word in words)
    digits = said + sum(len(word) for word in words if word.isdigit())
    digits += sum({"double": 1, "triple": 2, "treble": 2, "hundred": 2}.get(word, 0) for word in words)
    return Verdict(None if said >= 3 and digits >= 6 else 0.0, len(match))


def mistyped(match: str) -> Verdict:
    """Letters O, I, l for digits: ten or eleven places, most of them real digits."""
    places = sum(letter.isalnum() for letter in match)
    return Verdict(None if 10 <= places <= 11 and sum(map(str.isdigit, match)) >= 6 else 0.0, len(match))


def _luhn_sum(match: str) -> int:
    digits = [int(digit) for digit in match if digit.isdigit()]
    return sum(digit if place % 2 == 0 else sum(divmod(2 * digit, 10)) for place, digit in enumerate(reversed(digits)))


def _span_of(match: str, wanted: int) -> int:
    """Characters of `match` up to its `wanted`-th letter or digit; 0 if there are fewer."""
    seen = 0
    for place, character in enumerate(match, start=1):
        seen += character.isalnum()
        if seen == wanted:
            return place
    return 0
