"""Gates on what a document is, not on how it reads: rights, embargo and compliance terms, dates.

A gate returns why the document must go, or None when it may pass.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from re._constants import LITERAL, SUBPATTERN
from re._parser import parse
from typing import Any, Literal, NamedTuple

from pipeline.schema.curate_filter import Term
from pipeline.schema.decided import Decided
from pipeline.text.dating import Belief
from pipeline.text.plain import as_read
from pipeline.text.time_marks import first_date, last_day

UnknownDate = Literal["keep", "drop", "model", "strict"]
LAPSE_CHARS = 60
"""After an embargo's words, where its end is looked for."""
LEADS_TO_DATE = re.compile(
    r"[\s:*_]*(?:\d{1,2}[:.]\d\d\s*(?:[ap]\.?m\.?)?\s*(?:[A-Z]{2,4}\s)?\s*(?:,|on)?\s*)?"
    r"(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day,?\s+)?(?:the\s+)?", re.IGNORECASE)
"""What may stand between the two, nothing as well: `: 9:00 a.m. GMT on Friday the`."""
FOLDS_ALONE = frozenset("abcdefghjlmnopqrtuvwxyz0123456789 -:/.,")
"""Without regard to case `re` takes i, s and k for letters beyond ASCII too: those end a literal."""
TOLD = "by text"
"""In the evidence of a date that no metadata gave."""


class DateBounds(NamedTuple):
    """The gate on dates."""

    not_before: str
    not_after: str
    unknown: UnknownDate
    confidence: float
    """How sure the date model must be."""
    check_text: bool
    """Documents with a date are also told from their text whether they are newer than `not_after`."""


class TermGate:
    """The terms of params.yaml, compiled once."""

    def __init__(self, terms: Sequence[Term], today: str) -> None:
        """`today`: the lake's reference date, ISO; embargoes that ended by then have lapsed."""
        self.terms = [(term, *required_literals(term.pattern), re.compile(term.pattern)) for term in terms]
        self.folds = any(folded for _, _, folded, _ in self.terms)
        self.today = today

    def __call__(self, title: str, text: str) -> Decided | None:
        """The first term that binds the document, marks of emphasis and invisible letters aside.

        Evidence is the term's name: the ledger holds no text.
        """
        whole = as_read(f"{title}\n{text}")
        # bytes.lower() knows ASCII letters only, as folded literals do, and takes a third of str.lower()'s time
        small = whole.encode("utf-8", "surrogatepass").lower() if self.folds else b""
        for term, exact, folded, pattern in self.terms:
            if not (all(literal in whole for literal in exact) and all(literal in small for literal in folded)):
                continue
            where = whole[:term.head_chars] if term.head_chars else whole
            if any(not (term.lapses and self._lapsed(where, found.end())) for found in pattern.finditer(where)):
                return Decided("drop", term.reason, evidence=term.name)
        return None

    def _lapsed(self, text: str, end: int) -> bool:
        """A date right after the words, a time before it at most, and it is past. Without one the embargo stands."""
        follows = text[end:end + LAPSE_CHARS]
        rest = follows[LEADS_TO_DATE.match(follows).end():]  # type: ignore[union-attr]
        until = first_date(rest, at_start=True) or last_day(rest)
        return until is not None and until <= self.today


def required_literals(pattern: str) -> tuple[list[str], list[bytes]]:
    """Strings that every match of `pattern` holds, and those that its lower-cased form holds; longest first.

    To look for them costs a hundredth of what `re` takes where a pattern begins with a word boundary.
    """
    parsed = parse(pattern)
    runs = {one for one in _literals(parsed, bool(parsed.state.flags & re.IGNORECASE)) if one[0]}
    ordered = sorted(runs, key=lambda one: (-len(one[0]), one))
    return [run for run, folded in ordered if not folded], [run.encode() for run, folded in ordered if folded]


def _literals(parsed: Iterable[tuple[Any, Any]], folded: bool) -> Iterator[tuple[str, bool]]:
    """The unbroken literals of a parsed pattern, outside of alternatives and repeats; `folded`: case does not count."""
    run = ""
    for kind, value in parsed:
        if kind is LITERAL and not (folded and chr(value).lower() not in FOLDS_ALONE):
            run += chr(value).lower() if folded else chr(value)
            continue
        yield run, folded
        run = ""
        if kind is SUBPATTERN:
            _, on, off, inner = value
            yield from _literals(inner, (folded or bool(on & re.IGNORECASE)) and not off & re.IGNORECASE)
    yield run, folded


def rights_gate(cleared: bool, basis: str, licence: str, bases: Sequence[str],
                refused: Sequence[str]) -> Decided | None:
    """A person must have cleared the source, on a listed basis, under a licence that is not refused."""
    if not cleared:
        return Decided("drop", "rights_not_cleared", evidence="not cleared in lake.yaml")
    if basis not in bases:
        return Decided("drop", "rights_not_cleared", evidence=f"basis {basis or 'unknown'}")
    if _is_refused(licence, {name.casefold() for name in refused}):
        return Decided("drop", "rights_not_cleared", evidence=f"licence {licence}")
    return None


def _is_refused(licence: str, refused: set[str]) -> bool:
    """Of an SPDX expression (2.3, annex D): every choice that OR leaves has a part that is refused.

    Brackets are not taken apart: an expression that has any is refused for any part.
    """
    choices = [licence] if "(" in licence else re.split(r"(?i)\s+OR\s+", licence)
    parts = (re.split(r"(?i)[\s()]+(?:AND|OR|WITH)[\s()]+", choice) for choice in choices)
    return all(any(part.strip(" ()").casefold() in refused for part in each) for each in parts)


def date_gate(published: str | None, bounds: DateBounds, belief: Belief | None,
              borne: str | None) -> Decided | None:
    """Publication date within both ends, by metadata or, where params ask for it, by what the text says.

    `belief` is what the date model tells; it is None where params do not ask for it or it has learnt nothing. It tells
    years: a date of the cut-off's own year stands against it.
    `borne` is the latest date that the text bears as one of its making or last change (`own_date`), where params ask.
    ISO dates of equal length order as strings do.
    """
    if published is not None and published[:10] < bounds.not_before:
        return Decided("drop", "too_old", evidence=published)
    if published is not None and published[:10] > bounds.not_after:
        return Decided("drop", "after_cutoff", evidence=published)
    if borne is not None and borne > bounds.not_after:
        return Decided("drop", "after_cutoff", evidence=f"{borne} {TOLD}")
    if published is None:
        return _undated(bounds, belief)
    return _after(belief, bounds, f"{int(bounds.not_after[:4]) + 1}-01-01") if bounds.check_text and belief else None


def _undated(bounds: DateBounds, belief: Belief | None) -> Decided | None:
    if bounds.unknown == "keep":
        return None
    if bounds.unknown == "drop" or belief is None:
        return None if bounds.unknown == "model" else Decided("drop", "unknown_date", evidence="no date")
    before = belief.before(bounds.not_before)
    if before >= bounds.confidence:
        return Decided("drop", "too_old", before, _told(belief, bounds))
    newer, inside = _after(belief, bounds, bounds.not_after), belief.before(bounds.not_after) - before
    if newer or bounds.unknown == "model" or inside >= bounds.confidence:
        return newer
    return Decided("drop", "unknown_date", inside, _told(belief, bounds))


def _after(belief: Belief, bounds: DateBounds, end: str) -> Decided | None:
    chance = 1.0 - belief.before(end)
    return Decided("drop", "after_cutoff", chance, _told(belief, bounds)) if chance >= bounds.confidence else None


def _told(belief: Belief, bounds: DateBounds) -> str:
    low, high = belief.interval(bounds.confidence)
    return f"{low} to {high} {TOLD}" if low != high else f"{low} {TOLD}"
