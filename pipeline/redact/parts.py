"""Which of many parts each of many texts holds: the cheap test before the rules.

Texts repeat their words. So parts are looked for once in each different run of characters without a blank, and what a
run holds is kept. A part with blanks is looked for only in texts that hold the longest run of it.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate

MAX_KEPT = 4_000_000
"""Characters of runs kept between calls (about 50 MB with what goes with them); beyond it all start afresh."""
BETWEEN = " "
"""Stands between two runs; none holds it."""

Form = Callable[[str], str]
"""How a text is read, blanks staying where they are: in small letters, in shapes."""
NOTHING = frozenset[str]()


class PartFinder:
    """Looks for parts, each in texts read in its own form."""

    def __init__(self, parts: Mapping[Form, Sequence[str]]) -> None:
        self.parts = parts
        self.longest = {part: max(part.split(), key=len) for form in parts for part in parts[form] if has_blank(part)}
        self.runs = {form: sorted({self.longest.get(part, part) for part in parts[form]}) for form in parts}
        self._forget()

    def holders(self, texts: Sequence[str]) -> dict[str, set[int]]:
        """Part -> numbers of the texts that hold it."""
        cuts = [text.split() for text in texts]
        self._learn(cuts)
        held: dict[str, set[int]] = {run: set() for runs in self.runs.values() for run in runs}
        for number, cut in enumerate(cuts):
            for run in NOTHING.union(*map(self._held.__getitem__, cut)):
                held[run].add(number)
        for form, parts in self.parts.items():
            read: dict[int, str] = {}
            for part in filter(has_blank, parts):
                asked = held[self.longest[part]]
                read |= {number: form(texts[number]) for number in asked.difference(read)}
                held[part] = {number for number in asked if part in read[number]}
        return held

    def _forget(self) -> None:
        self._held: dict[str, frozenset[str]] = {}
        self._kept = 0

    def _learn(self, cuts: Sequence[Sequence[str]]) -> None:
        """What runs hold that were not met yet."""
        if self._kept > MAX_KEPT:
            self._forget()
        new = list(set[str]().union(*cuts).difference(self._held))
        held: dict[int, set[str]] = {}
        for form, runs in self.runs.items():
            for run, numbers in searched(runs, form(BETWEEN.join(new))).items():
                for number in numbers:
                    held.setdefault(number, set()).add(run)
        self._held |= dict.fromkeys(new, NOTHING)
        self._held |= {new[number]: frozenset(runs) for number, runs in held.items()}
        self._kept += sum(map(len, new))


def has_blank(part: str) -> bool:
    """Whether a run without blanks cannot hold `part`."""
    return " " in part


def searched(parts: Sequence[str], sheet: str) -> dict[str, set[int]]:
    """Part -> numbers of the runs on the sheet that hold it. No part has a blank."""
    starts = [0, *accumulate(len(run) + len(BETWEEN) for run in sheet.split(BETWEEN))]
    holders: dict[str, set[int]] = {}
    for part in parts:
        found = holders[part] = set[int]()
        at = sheet.find(part)
        while at >= 0:
            behind = bisect_right(starts, at)
            found.add(behind - 1)
            at = sheet.find(part, starts[behind])
    return holders
