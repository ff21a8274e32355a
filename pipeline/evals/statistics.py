"""Intervals and paired comparisons, small and checked by hand (tests/evals/test_statistics.py).

Arrays are float64, one entry an item, in the same item order on both sides of a comparison.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit  # Student's t; scipy.stats takes 0.6 s to import

Floats = NDArray[np.float64]

PSEUDO_COUNT = 0.5
"""Added to each cell of the table "right before x right after" when the error of a paired difference of
scores in [0, 1] is taken (Agresti and Min 2005, doi:10.1002/sim.1781): half an item wholly better, half
wholly worse, one unchanged. Without them 30 equal pairs would "prove" that the difference is zero."""


class Interval(NamedTuple):
    """A measured value with its confidence interval."""

    value: float
    low: float
    high: float
    n: int
    """Items it rests on."""


class Difference(NamedTuple):
    """A paired difference, after - before, with what its test needs."""

    value: float
    error: float
    """Standard error; infinite when there are too few items to know it."""
    freedom: int
    """Degrees of freedom of Student's t, at least 1."""
    n: int

    def interval(self, confidence: float) -> tuple[float, float]:
        """The two-sided interval at `confidence`."""
        reach = float(stdtrit(self.freedom, 0.5 + confidence / 2)) * self.error
        return self.value - reach, self.value + reach

    def p_above(self, bound: float) -> float:
        """One-sided p-value for "the true difference is above `bound`" (small: it is)."""
        if math.isinf(self.error):
            return 1.0
        if self.error == 0:
            return 0.0 if self.value > bound else 1.0
        return float(stdtr(self.freedom, -(self.value - bound) / self.error))

    def p_below(self, bound: float) -> float:
        """One-sided p-value for "the true difference is below `bound`"."""
        return Difference(-self.value, self.error, self.freedom, self.n).p_above(-bound)

    def detectable(self, confidence: float, power: float) -> float:
        """The smallest true distance from a bound that is seen with probability `power`."""
        quantiles = stdtrit(self.freedom, 0.5 + confidence / 2) + stdtrit(self.freedom, power)
        return float(quantiles) * self.error


class WinRate(NamedTuple):
    """How often one of two was preferred on the same item; a tie is half a win."""

    value: float
    low: float
    high: float
    wins: int
    ties: int
    losses: int


def wilson(successes: float, n: int, confidence: float) -> Interval:
    """The share `successes / n` with Wilson's score interval (Wilson 1927, doi:10.2307/2276774).

    `successes` may be fractional (ties as halves): the interval is then a little too wide, never too narrow.
    """
    if n == 0:
        return Interval(0.0, 0.0, 1.0, 0)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return Interval(share, max(0.0, centre - reach), min(1.0, centre + reach), n)


def bootstrap_ratio(numerators: Floats, denominators: Floats, confidence: float, resamples: int,
                    seed: int) -> Interval:
    """sum(numerators) / sum(denominators) with a percentile bootstrap interval over items (Efron 1979).

    Resamples with a zero denominator count as 0. With no item, or nothing to divide by, all is 0.

    Args:
        denominators: ones for a mean.
        seed: of the resampling; equal arguments give an equal interval.
    """
    n = len(numerators)
    if n == 0 or denominators.sum() == 0:
        return Interval(0.0, 0.0, 0.0, n)
    picks = np.random.default_rng(seed).integers(0, n, size=(resamples, n))
    below = denominators[picks].sum(axis=1)
    ratios = np.divide(numerators[picks].sum(axis=1), below, out=np.zeros(resamples), where=below > 0)
    low, high = np.quantile(ratios, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return Interval(float(numerators.sum() / denominators.sum()), float(low), float(high), n)


def paired_scores(before: Sequence[Floats], after: Sequence[Floats]) -> Difference:
    """The mean difference of scores in [0, 1], the strata weighing the same whatever their size.

    Args:
        before: one array a stratum (most scores have one; refusal has two), `after` alike.
    """
    strata = [_stratum(old, new) for old, new in zip(before, after, strict=True)]
    n = sum(len(old) for old in before)
    if not strata or min(len(old) for old in before) < 2:
        return Difference(0.0, math.inf, 1, n)
    value = math.fsum(mean for mean, _ in strata) / len(strata)
    error = math.sqrt(math.fsum(variance for _, variance in strata)) / len(strata)
    return Difference(value, error, min(len(old) for old in before) - 1, n)


def paired_log_ratio(before: Floats, after: Floats, weights: Floats) -> Difference:
    """log(perplexity after / before): (sum(after) - sum(before)) / sum(weights), documents as the units.

    The error is the linearised one of a ratio of sums (Cochran 1977, Sampling Techniques, 6.4), so
    that tokens of one document, which rise and fall together, are not taken for independent.

    Args:
        before: nats per document; `after` alike.
        weights: tokens per document, the same on both sides.
    """
    n = len(before)
    if n < 2:
        return Difference(0.0, math.inf, 1, n)
    total = math.fsum(weights)
    value = math.fsum(after - before) / total
    residuals = (after - before) - value * weights
    error = math.sqrt(n / (n - 1) * math.fsum(residuals**2)) / total
    return Difference(value, error, n - 1, n)


def combined(parts: Sequence[Difference], values: Sequence[float]) -> Difference:
    """sum(value * part) of independent differences.

    Degrees of freedom after Welch and Satterthwaite (Welch 1947, doi:10.1093/biomet/34.1-2.28).
    """
    variances = [(value * part.error) ** 2 for part, value in zip(parts, values, strict=True)]
    whole = math.fsum(variances)
    spread = math.fsum(variance**2 / part.freedom for part, variance in zip(parts, variances, strict=True))
    freedom = max(1, int(whole**2 / spread)) if 0 < spread < math.inf else 1
    return Difference(math.fsum(value * part.value for part, value in zip(parts, values, strict=True)),
                      math.sqrt(whole), freedom, sum(part.n for part in parts))


def mean_of(values: Floats) -> Difference:
    """The mean of independent differences, with its standard error."""
    n = len(values)
    error = float(values.std(ddof=1)) / math.sqrt(n) if n > 1 else math.inf
    return Difference(float(values.mean()), error, max(1, n - 1), n)


def win_rate(before: Floats, after: Floats, confidence: float, tie_margin: float) -> WinRate:
    """How often `after` scores higher; differences up to `tie_margin` are ties and count half."""
    gains = after - before
    wins, losses = int((gains > tie_margin).sum()), int((gains < -tie_margin).sum())
    ties = len(gains) - wins - losses
    share = wilson(wins + ties / 2, len(gains), confidence)
    return WinRate(share.value, share.low, share.high, wins, ties, losses)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjusted p-values, in input order (Holm 1979, Scand. J. Statist. 6:65)."""
    adjusted = [0.0] * len(p_values)
    running = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = running
    return adjusted


def _stratum(before: Floats, after: Floats) -> tuple[float, float]:
    """Mean difference of one stratum, and the squared standard error of that mean."""
    n = len(before)
    if n == 0:
        return 0.0, math.inf
    gains = after - before
    mean = math.fsum(gains) / n
    count = n + 4 * PSEUDO_COUNT
    moment = (math.fsum(gains**2) + 2 * PSEUDO_COUNT) / count
    shifted = math.fsum(gains) / count
    return mean, (moment - shifted**2) / count
