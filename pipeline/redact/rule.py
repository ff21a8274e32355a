"""What a rule is: a pattern, how sure a match of it is, and what it cannot match without."""

from collections.abc import Callable
from typing import NamedTuple

from pipeline.redact.checks import Verdict


class Rule(NamedTuple):
    """One pattern; group `v`, if it has one, is the span."""

    kind: str
    name: str
    regex: str
    score: float
    check: Callable[[str], Verdict] | None = None
    near: tuple[str, ...] = ()
    """Words in small letters that raise the score when they stand within NEAR characters."""
    needs: str = ""
    """A cheap regex, of the standard library; where the text in small letters has no match, the pattern has none."""
    words: tuple[str, ...] = ()
    """Parts of words in small letters; without any of them the pattern cannot match."""
    shapes: tuple[str, ...] = ()
    """Parts of a text's `shape` (see `visible`); without any of them the pattern cannot match."""
    timed: bool = False
    """Whether it may take long, and is stopped then: a user's own pattern. Ours take linear time, and to look at the
    clock costs more than they do."""


WITH_DIGIT = ("0",)
"""Shapes of a rule that asks for no more than a digit."""
NEAR_BEFORE, NEAR_AFTER = 48, 24
"""Characters before and after a match in which context words count."""
NEAR_BOOST = 0.35
"""Presidio's own `context_similarity_factor`."""
LONG_NUMBER = r"\d[\d\W_]{5,}\d"
"""Seven characters from digit to digit with no letter between: any telephone or card number has them."""
