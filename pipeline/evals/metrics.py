"""From the answers table to metrics.json: a dozen numbers, and an interval with n for each.

The numbers are flat, for `dvc metrics diff` and `dvc exp show`; the intervals are lists, which DVC's
tables leave out. Pure functions.
"""

import json
import math

import numpy as np
import polars as pl

from pipeline.evals.statistics import Floats, Interval, bootstrap_ratio, wilson
from pipeline.schema.evaluate import Evaluate

DIGITS = 6
"""Decimals kept: beyond what any interval supports, short enough to read in a diff."""


def metrics(answers: pl.DataFrame, params: Evaluate) -> dict[str, object]:
    """Name -> number, and `intervals`: name -> [low, high, n].

    Args:
        answers: `pipeline.schema.eval_answers.ANSWERS`, every task present.
    """
    found = {**perplexities(answers, params), **shares(answers, params), **means(answers, params)}
    found["refusal_balanced"] = balanced(found["answered"], found["refused"])
    return {**{name: _short(interval.value) for name, interval in sorted(found.items())},
            "intervals": {name: [_short(interval.low), _short(interval.high), interval.n]
                          for name, interval in sorted(found.items())}}


def perplexities(answers: pl.DataFrame, params: Evaluate) -> dict[str, Interval]:
    """Per token and in bits per byte, in-domain and general; the interval is over documents."""
    found = {}
    for side in ("in_domain", "general"):
        parts = parts_of(answers, f"{side}_perplexity")
        nats, tokens, num_bytes = (column(parts, name) for name in ("nats", "tokens", "bytes"))
        value, low, high, n = ratio(nats, tokens, params)
        found[f"{side}_perplexity"] = Interval(math.exp(value), math.exp(low), math.exp(high), n)
        found[f"{side}_bits_per_byte"] = ratio(nats / math.log(2), num_bytes, params)
    return found


def shares(answers: pl.DataFrame, params: Evaluate) -> dict[str, Interval]:
    """Yes-or-no scores, with Wilson intervals over items; precision over the answers that cite."""
    cites, refusals = parts_of(answers, "citation"), parts_of(answers, "refusal")
    correct, cited, answerable = (column(cites, name) for name in ("correct", "cited", "answerable"))
    right, could = scores_of(answers, "refusal"), column(refusals, "answerable") == 1
    return {
        "format_adherence": share(scores_of(answers, "format"), params),
        "citation_precision": share(correct[cited == 1], params),
        "citation_recall": share(correct[answerable == 1], params),
        "answered": share(right[could], params),
        "refused": share(right[~could], params),
    }


def means(answers: pl.DataFrame, params: Evaluate) -> dict[str, Interval]:
    """Graded scores in [0, 1]. Wilson's interval is a little too wide for them: no spread on [0, 1] with the
    same mean is wider than that of zeros and ones. A bootstrap would be empty where all scores are equal."""
    return {task: share(scores_of(answers, task), params) for task in ("rubric", "multi_turn")}


def balanced(answered: Interval, refused: Interval) -> Interval:
    """The mean of two independent shares; the interval adds their half-widths in quadrature on each side
    (Newcombe 1998, doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I, method 10)."""
    value = (answered.value + refused.value) / 2
    down = math.hypot(answered.value - answered.low, refused.value - refused.low) / 2
    up = math.hypot(answered.high - answered.value, refused.high - refused.value) / 2
    return Interval(value, max(value - down, 0.0), min(value + up, 1.0), answered.n + refused.n)


def share(values: Floats, params: Evaluate) -> Interval:
    """The mean of values in [0, 1]; of none: 0, with all of [0, 1] for an interval."""
    return wilson(float(values.sum()), len(values), params.confidence)


def ratio(numerators: Floats, denominators: Floats, params: Evaluate) -> Interval:
    """sum / sum with a bootstrap interval over items."""
    return bootstrap_ratio(numerators, denominators, params.confidence, params.resamples, params.seed)


def scores_of(answers: pl.DataFrame, task: str) -> Floats:
    """Scores of one task, by item_id."""
    return answers.filter(pl.col("task") == task).sort("item_id")["score"].to_numpy().astype(np.float64)


def parts_of(answers: pl.DataFrame, task: str) -> list[dict[str, float]]:
    """Parts of one task, by item_id."""
    return [json.loads(text) for text in answers.filter(pl.col("task") == task).sort("item_id")["parts"]]


def column(parts: list[dict[str, float]], name: str) -> Floats:
    """One part of every item."""
    return np.array([entry[name] for entry in parts], dtype=np.float64)


def _short(value: float) -> float:
    return round(float(value), DIGITS)
