"""Is a score of .8 right eight times in ten? Reliability bins and their summaries.

Both classes weigh the same however many members they have: the share of bad documents in a measured sample is made,
not found. (DeGroot and Fienberg 1983; expected calibration error as in Guo et al. 2017, arXiv:1706.04599, eq. 3.)
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BINS = 10
DECIMALS = 4


class Bin(NamedTuple):
    """Scores that fall into one tenth of [0, 1]."""

    low: float
    """Where the tenth begins."""
    predicted: float
    """Mean score."""
    observed: float
    """Share of positives, classes weighed alike."""
    weight: float
    """Share of all weight."""
    scores: int
    """How many, unweighed."""


def reliability_bins(positive: Sequence[float], negative: Sequence[float]) -> list[Bin]:
    """The bins that hold a score, lowest first."""
    scores, truth, weights = _weighed(positive, negative)
    places = np.minimum((scores * BINS).astype(int), BINS - 1)
    found = []
    for place in sorted(set(places.tolist())):
        inside = places == place
        weight = float(weights[inside].sum())
        predicted, observed = ((values * weights)[inside].sum() / weight for values in (scores, truth))
        found.append(Bin(place / BINS, round(float(predicted), DECIMALS), round(float(observed), DECIMALS),
                         round(weight, DECIMALS), int(inside.sum())))
    return found


def calibration_error(bins: Sequence[Bin]) -> float:
    """Expected calibration error: mean |observed - predicted|, each bin by its weight."""
    return round(sum(one.weight * abs(one.observed - one.predicted) for one in bins), DECIMALS)


def brier(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Mean squared distance of score and truth, classes weighed alike; a constant .5 has .25."""
    scores, truth, weights = _weighed(positive, negative)
    return round(float((weights * (scores - truth) ** 2).sum()), DECIMALS)


def rank_auc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Area under the ROC curve: the chance that a positive scores above a negative, ties counting half."""
    up, down = np.sort(list(positive)), np.sort(list(negative))
    below = np.searchsorted(down, up, "left") + np.searchsorted(down, up, "right")
    return float(below.sum() / (2 * len(up) * len(down)))


Floats = NDArray[np.float64]


def _weighed(positive: Sequence[float], negative: Sequence[float]) -> tuple[Floats, Floats, Floats]:
    """Scores, truth and weights of both classes; each class has weight one half."""
    counts = np.array([len(positive), len(negative)])
    if not counts.all():
        raise ValueError("calibration needs scores of both classes")
    truth = np.repeat([1.0, 0.0], counts)
    return np.array([*positive, *negative], dtype=np.float64), truth, np.repeat(0.5 / counts, counts)
