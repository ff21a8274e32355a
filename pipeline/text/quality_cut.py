"""The bottom share of each source, by quality score."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

ROUNDING = 1e-9
""".29 x 100 is 28.999999999999996."""


class Scored(NamedTuple):
    """One document that the quality model judged."""

    source: str
    score: float


def quality_cuts(scored: Iterable[Scored], default: float, shares: Mapping[str, float]) -> dict[str, float]:
    """Source -> the score below which its documents go; a source that loses none is left out.

    The cut is the score at rank floor(share x n) from below, so at most that share goes, and documents of equal score
    share their fate: neither order nor id decides.
    """
    by_source: dict[str, list[float]] = defaultdict(list)
    for one in scored:
        by_source[one.source].append(one.score)
    ranked = {source: sorted(scores) for source, scores in sorted(by_source.items())}
    ranks = {source: int(shares.get(source, default) * len(scores) + ROUNDING) for source, scores in ranked.items()}
    return {source: scores[ranks[source]] for source, scores in ranked.items() if ranks[source]}
