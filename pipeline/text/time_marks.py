"""Marks of time in a text: years and where they stand, words, and the removal of a date that gives itself away."""

import re
from itertools import filterfalse, product
from string import ascii_lowercase
from typing import NamedTuple

MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
          "december")
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
YEARS = [re.compile(rf"{century}\d\d(?<![\d$€£#,]\d{{4}})(?<!\b(?:GBP|EUR|USD|CHF)\s\d{{4}})"
                    r"(?!\d|[,.]\d|\s*(?:%|percent|GBP|EUR|USD|CHF))") for century in ("1[5-9]", "2[01]")]
"""Four digits that read as a year and not as an amount, a number with decimals or a part of a longer one.

`re` is quick where a pattern begins with one certain character: hence two, and a look back over the digits."""
DATED = re.compile(rf"(?:\b{_MONTH},?\s+(?:\d{{1,2}}(?:st|nd|rd|th)?,?\s+)?"
                   r"|\b\d{1,2}[/.-]\d{1,2}[/.-]|\bq[1-4]\s+)$")
"""What stands before the year of a date that names at least its month or quarter.

This and the next two read lower case: `re` takes seven times as long where it must see to the case itself."""
MONTH_BEFORE = re.compile(rf"(?i)\b({_MONTH}),?[\s-]+$")
"""The month right before a year: `13-Jul-2027` too."""
FIGURES = re.compile(r"(?<!\d)(\d{1,2})([/.-])(\d{1,2})[/.-]$")
QUARTER = re.compile(r"(?i)\bq([1-4])\s+$")
PERIOD = re.compile(rf"(?i)(?:(?P<month>{_MONTH}),?\s+|\d{{1,2}}[/.-]\d{{1,2}}[/.-])?(?P<year>(?:19|20)\d\d)\b"
                    r"(?![-/.]\d)")
ISO_REST = re.compile(r"-(?:0[1-9]|1[0-2])(?:-|\b)")
STAMP = re.compile(r"(?:effective|issued|published|approved|adopted|revised|reviewed|updated|version|dated|signed"
                   r"|copyright|\(c\)|©|created|posted|as of|as at)\b[^\n]{0,30}$")
"""A line that says when the document itself was made."""
OWN_STAMP = re.compile(r"(?s:.*)(?:(?<!\bbe )(?<!\bget )(?<!\bgets )(?<!being )\b(?P<word>issued|published|approved"
                       r"|adopted|revised|reviewed|updated|modified|edited|dated|signed|created|posted|as of|as at"
                       r"|publication date|issue date|date of (?:issue|publication))\b(?P<between>[^\n;]{0,30})"
                       r"|(?P<copyright>copyright|\(c\)|©)[^\n]{0,12})$")
"""What a text can only say once the date is there: not "effective", nor what is to be published. The last counts."""
NOT_ITS_OWN = re.compile(r"\b(?:after|before|since|through|for|from|until|than|to|comments?|under|must|if|when"
                         rf"|redeemable|by(?=\s*$|\s+(?:\d|{_MONTH}\s)))\b|\b(?:19|20)\d\d\b")
"""Between such a word and a date: the date is a condition, a term, or of another thing."""
CLAUSE = re.compile(r"(?:-\d\d){0,2},")
"""After a date: a sentence that opens with `As of 1 January 2027,` says from when something holds."""
_WAITING = "next review|expires?|until|due|target|plan(?:ned)?|forecast|maturity"
AHEAD = re.compile(rf"(?:{_WAITING}|by)\b[^\n]{{0,20}}$")
"""A line that speaks of a time to come."""
AWAITED = re.compile(rf"(?:{_WAITING})\b[^\n]{{0,20}}$")
"""As AHEAD, where `by` may name who approved."""
FULL_DATE = re.compile(
    r"(?i)(?P<iso>\b\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])\b)"
    rf"|\b(?P<day>[0-3]?\d)(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<month>{_MONTH}),?\s+(?P<year>\d{{4}})\b"
    rf"|\b(?P<name>{_MONTH})\s+(?P<number>[0-3]?\d)(?:st|nd|rd|th)?,?\s+(?P<of>\d{{4}})\b")
CONTEXT_CHARS = 48
DATE_CHARS = 24
"""The longest date: `the 30th of September, 2027`."""
HEAD_CHARS = 1500
SHORTEST, LONGEST = 3, 24
"""Letters of a word; a longer run of letters is read as several words."""
WORD = re.compile(rf"[^\W\d_]{{{SHORTEST},{LONGEST}}}")
_LETTERS = bytes(byte if byte >= 0x80 or chr(byte).isalpha() else ord(" ") for byte in range(256))
"""For `bytes.translate`: of ASCII only the letters stay."""
_TOO_SHORT = frozenset("".join(run) for length in range(1, SHORTEST) for run in product(ascii_lowercase, repeat=length))
"""All runs of ASCII letters that are no word: to subtract a set is quicker than to measure each run."""


class Mention(NamedTuple):
    """One year named in a text."""

    year: int
    dated: bool
    """Part of a date."""
    stamp: bool
    """After a word that says when the document was made."""
    ahead: bool
    """After a word that speaks of a time to come."""
    head: bool
    """Among the first HEAD_CHARS characters."""


def mentions(text: str) -> list[Mention]:
    """Every year that `text` names, in order."""
    found = [match for pattern in YEARS for match in pattern.finditer(text)]
    return [_mention(text, match) for match in sorted(found, key=re.Match.start)]


def first_date(text: str, *, at_start: bool = False) -> str | None:
    """The first full date in `text` as ISO: 2027-11-30, 30 November 2027 or November 30, 2027; None without one.

    With `at_start` only one that the text begins with.
    """
    found = FULL_DATE.match(text) if at_start else FULL_DATE.search(text)
    if not found:
        return None
    if found["iso"]:
        return found["iso"]
    month, day = _month_number(found["month"] or found["name"]), int(found["day"] or found["number"])
    return f"{found['year'] or found['of']}-{month:02d}-{day:02d}"


def own_date(text: str, year: int) -> str | None:
    """The latest ISO date, of `year` or later, that `text` bears as one of its making or last change; None without one.

    Of a month the first day, of a copyright's year the first of January.
    """
    found = [_own_date(text, match) for pattern in YEARS for match in pattern.finditer(text) if int(match[0]) >= year]
    return max(filter(None, found), default=None)


def last_day(text: str) -> str | None:
    """The last day, ISO, of the month or year that `text` begins with: `May 2027`, `12/05/2027`, `2027`; or None.

    Of figures that may be a month or a day only the year is sure.
    """
    found = PERIOD.match(text)
    if not found:
        return None
    return f"{found['year']}-{_month_number(found['month']) if found['month'] else 12:02d}-31"


def _own_date(text: str, year: re.Match[str]) -> str | None:
    """The date that `year` belongs to, if it is one of the text itself."""
    before = text[max(0, year.start() - CONTEXT_CHARS):year.start()]
    found = OWN_STAMP.match(before.lower())
    if not found or AWAITED.search(before.lower()):
        return None
    if found["copyright"]:
        return _date_around(text, year)
    opens_a_clause = before.startswith("As ", found.start("word")) and CLAUSE.match(text, year.end())
    if opens_a_clause or NOT_ITS_OWN.search(found["between"]):
        return None
    dated = any(form.search(before.lower()) for form in (DATED, MONTH_BEFORE)) or ISO_REST.match(text, year.end())
    return _date_around(text, year) if dated else None


def _date_around(text: str, year: re.Match[str]) -> str:
    """The full date that `year` is the year of, or the first day of its month or quarter, or of it.

    Of `5/6/2027`, which may be two days, the later.
    """
    before = text[max(0, year.start() - DATE_CHARS):year.start()]
    for match in FULL_DATE.finditer(before + text[year.start():year.end() + DATE_CHARS]):
        if year[0] in match[0]:
            return str(first_date(match[0]))
    return f"{year[0]}-{_month_around(before, text[year.end():year.end() + 3])}"


def _month_around(before: str, after: str) -> str:
    """Month and day of a date that is written otherwise, by what stands before and after its year."""
    if iso := ISO_REST.match(f"{after} "):
        return f"{iso[0][1:3]}-01"
    if figures := FIGURES.search(before):
        return max(f"{month:02d}-{day:02d}" for day, month in _orders(int(figures[1]), figures[2], int(figures[3])))
    if quarter := QUARTER.search(before):
        return f"{3 * int(quarter[1]) - 2:02d}-01"
    month = MONTH_BEFORE.search(before)
    return f"{_month_number(month[1]) if month else 1:02d}-01"


def _orders(first: int, sign: str, second: int) -> list[tuple[int, int]]:
    """(day, month) as `12.31.` and `12/31/` can be read; with dots the day is first."""
    either = [(first, second)] if sign == "." else [(first, second), (second, first)]
    return [(day, month) for day, month in either if 1 <= month <= len(MONTHS)] or [(1, 1)]


def _month_number(name: str) -> int:
    return next(place for place, full in enumerate(MONTHS, start=1) if full.startswith(name[:3].lower()))


def words_of(text: str) -> frozenset[str]:
    """The different words of `text` in lower case, without those of figures: dates are told apart by `mentions`.

    WORD on the whole text would find the same in twice the time: it reads only what ASCII cannot decide.
    """
    letters = text.lower().encode("utf-8", "surrogatepass").translate(_LETTERS)
    runs = frozenset(letters.decode("utf-8", "surrogatepass").split())
    odd = set(filterfalse(str.isascii, runs))
    if max(map(len, runs), default=0) > LONGEST:
        odd.update(run for run in runs if len(run) > LONGEST)
    if odd:
        runs = runs.difference(odd).union(WORD.findall(" ".join(odd)))
    return runs - _TOO_SHORT


def without_date(text: str, published: str) -> str:
    """`text` without the ISO date `published` in the common ways to write it.

    A document has its date from such a place; one without a date has none. So what is learnt must not rest on it.
    """
    year, month, day = int(published[:4]), int(published[5:7]), int(published[8:10])
    name = MONTHS[month - 1]
    forms = (
        rf"{year}[-/.]0?{month}[-/.]0?{day}",
        rf"0?{day}[-/.]0?{month}[-/.]{year}",
        rf"0?{month}[-/.]0?{day}[-/.]{year}",
        rf"0?{day}(?:st|nd|rd|th)?[\s-]+(?:of\s+)?{name[:3]}(?:{name[3:]})?\.?,?[\s-]+{year}",
        rf"{name[:3]}(?:{name[3:]})?\.?\s+0?{day}(?:st|nd|rd|th)?,?\s+{year}",
    )
    return re.sub(rf"(?i)(?<!\d)(?:{'|'.join(forms)})(?!\d)", " ", text)


def _mention(text: str, found: re.Match[str]) -> Mention:
    before = text[max(0, found.start() - CONTEXT_CHARS):found.start()].lower()
    dated = bool(DATED.search(before) or ISO_REST.match(text, found.end()))
    return Mention(int(found[0]), dated, bool(STAMP.search(before)), bool(AHEAD.search(before)),
                   found.start() < HEAD_CHARS)
