"""Which of the mixtures tried is proposed, and the tables that say why."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pipeline.evals.statistics import Difference, combined, mean_of, paired_log_ratio
from pipeline.train.mixture_search import (
    BOUNDED,
    REFERENCE,
    UNBOUNDED,
    Floats,
    Measured,
    Scene,
    Tried,
    mean_loss,
    source_losses,
    target_loss,
    values_in,
)

Row = dict[str, str | float | None]


class Verdict(NamedTuple):
    """The proposal."""

    best: Tried
    """With the lowest validation loss among those that keep the bounds, chance or not."""
    chosen: Tried
    """A searched one where it gains enough, else the better of the mixes that need no search."""


def verdict(scene: Scene, candidates: Sequence[Tried], confidence: float, min_gain: float) -> Verdict:
    """The unweighted mix, unless the even one within bounds is better with confidence; and instead of the
    better of the two the best searched mixture that lowers its perplexity by more than `min_gain` with confidence.

    The interval of each difference has Bonferroni's share of the error, as several are looked at.
    """
    reference = next(each for each in candidates if each.name == REFERENCE)
    rivals = sorted((each for each in candidates if each.name not in (REFERENCE, UNBOUNDED)),
                    key=lambda each: (mean_loss(scene, scene.validation, each.nats), each.name))
    each_confidence = 1 - (1 - confidence) / max(1, len(rivals))

    def gains(rival: Tried, known: Tried, least: float) -> bool:
        high = versus(scene, scene.validation, known.nats, rival.nats).interval(each_confidence)[1]
        return high < math.log1p(-least)

    plain = next((each for each in rivals if each.name == BOUNDED and gains(each, reference, 0.0)), reference)
    searched = [each for each in rivals if each.name != BOUNDED and gains(each, plain, min_gain)]
    best = min([*rivals, reference], key=lambda each: mean_loss(scene, scene.validation, each.nats))
    return Verdict(best, searched[0] if searched else plain)


def versus(scene: Scene, measured: Measured, before_RD: Floats, after_RD: Floats) -> Difference:
    """log(perplexity after / before) of the target; documents within their source and seeds are the units."""
    old, new = before_RD.mean(axis=0), after_RD.mean(axis=0)
    parts, values = [], []
    value_S = values_in(scene, measured)
    for source in np.flatnonzero(value_S):
        own = measured.source == source
        parts.append(paired_log_ratio(old[own], new[own], measured.tokens[own].astype(np.float64)))
        values.append(float(value_S[source]))
    by_seed = np.array([target_loss(scene, measured, late) - target_loss(scene, measured, early)
                        for early, late in zip(before_RD, after_RD, strict=True)])
    luck = mean_of(by_seed)
    return combined([*parts, Difference(0.0, luck.error, luck.freedom, 0)], [*values, 1.0])


def candidate_rows(scene: Scene, candidates: Sequence[Tried], confidence: float) -> list[Row]:
    """One row a candidate, best first: perplexity of the target on validation and held-out documents, and
    its change against the unweighted mix with an interval (shares: -0.01 is one percent less)."""
    reference = next(each for each in candidates if each.name == REFERENCE)
    rows: list[Row] = []
    for each in candidates:
        row: Row = {"candidate": each.name}
        for name, measured, before, after in (
                ("validation", scene.validation, reference.nats, each.nats),
                ("heldout", scene.heldout, reference.heldout, each.heldout)):
            difference = versus(scene, measured, before, after)
            low, high = difference.interval(confidence)
            known = values_in(scene, measured).any()
            row |= {f"{name}_perplexity": shown(math.exp(mean_loss(scene, measured, after))) if known else None,
                    f"{name}_change": change(difference.value), f"{name}_low": change(low),
                    f"{name}_high": change(high)}
        rows.append(row)
    return sorted(rows, key=lambda row: (row["validation_perplexity"] or 0.0, row["candidate"]))


def source_rows(scene: Scene, tried: Sequence[Tried]) -> list[Row]:
    """One row a mixture and source: weight, share of what is drawn, validation loss in nats per token."""
    rows: list[Row] = []
    for each in tried:
        losses = np.mean([source_losses(scene, scene.validation, row) for row in each.nats], axis=0)
        rows += [{"mixture": each.name, "source": source, "weight": shown(each.weights[place]),
                  "share": shown(scene.shares[place] * each.weights[place]), "loss": shown(losses[place])}
                 for place, source in enumerate(scene.sources)]
    return rows


def change(value: float) -> float | None:
    """exp(value) - 1 as a table says it; None where an interval is without end."""
    return shown(math.expm1(value)) if abs(value) < 100 else None


def shown(value: float) -> float:
    """Six decimals."""
    return round(float(value), 6)
