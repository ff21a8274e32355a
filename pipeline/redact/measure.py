"""Span precision and recall: the measure, apart from who found the spans."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

MARKUP = re.compile(r"\{\{([A-Z_]+)\|(.*?)\}\}", re.DOTALL)


class Truth(NamedTuple):
    """A span that should be found."""

    start: int
    end: int
    kind: str


class Score(NamedTuple):
    """Counts over texts; a span counts as found if at least half of its characters are covered."""

    wanted: int
    found: int
    given: int
    right: int

    @property
    def recall(self) -> float:
        return self.found / self.wanted if self.wanted else 1.0

    @property
    def precision(self) -> float:
        return self.right / self.given if self.given else 1.0


def unmarked(marked: str) -> tuple[str, list[Truth]]:
    """Text without its `{{TYPE|value}}` markup, and where the values lie in it."""
    text, truths, at = "", [], 0
    for match in MARKUP.finditer(marked):
        text += marked[at : match.start()]
        truths.append(Truth(len(text), len(text) + len(match[2]), match[1]))
        text += match[2]
        at = match.end()
    return text + marked[at:], truths


def score(
    pairs: Iterable[tuple[Sequence[Truth], Sequence[tuple[int, int]]]], *, overlook: frozenset[str] = frozenset()
) -> Score:
    """Recall over wanted spans, precision over given ones; types are not compared.

    A given span is right if at least half of its characters lie in true spans. `overlook`: kinds that
    need not be found and are no error when they are (a company name, a city).
    """
    wanted = found = given = right = 0
    for truths, spans in pairs:
        must = [truth for truth in truths if truth.kind not in overlook]
        wanted += len(must)
        found += sum(_covered(truth.start, truth.end, spans) >= 0.5 for truth in must)
        places = [(truth.start, truth.end) for truth in truths]
        optional = [place for place, truth in zip(places, truths, strict=True) if truth.kind in overlook]
        for span in spans:
            if _covered(*span, [(truth.start, truth.end) for truth in must]) >= 0.5:
                given, right = given + 1, right + 1
            elif _covered(*span, optional) < 0.5:
                given += 1
    return Score(wanted, found, given, right)


def recall_by_kind(pairs: Iterable[tuple[Sequence[Truth], Sequence[tuple[int, int]]]]) -> dict[str, tuple[int, int]]:
    """Kind -> (found, wanted), in order of kind."""
    wanted, found = Counter[str](), Counter[str]()
    for truths, spans in pairs:
        for truth in truths:
            wanted[truth.kind] += 1
            found[truth.kind] += _covered(truth.start, truth.end, spans) >= 0.5
    return {kind: (found[kind], wanted[kind]) for kind in sorted(wanted)}


def _covered(start: int, end: int, spans: Iterable[tuple[int, int]]) -> float:
    """Share of [start, end) inside `spans`, which do not overlap each other."""
    shared = sum(max(0, min(end, right) - max(start, left)) for left, right in spans)
    return shared / max(1, end - start)
