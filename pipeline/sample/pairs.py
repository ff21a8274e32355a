"""Preference pairs from judged samples: which prompts are asked, which two answers make a pair."""

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from pipeline.judges.interface import Judgement
from pipeline.text.examples import draw

SEED_BITS = 63
"""Seeds fit a signed 64-bit column and torch's generator."""


class Scored(NamedTuple):
    """One sampled answer with its judgement."""

    text: str
    seed: int
    judgement: Judgement


class Pair(NamedTuple):
    """The best and the worst answer to one prompt."""

    chosen: Scored
    rejected: Scored


def item_seed(seed: int, *key: object) -> int:
    """The seed of one draw, from the stage's seed and the item's key, in [0, 2^63)."""
    return draw(seed, *key) >> (64 - SEED_BITS)


def drawn_examples(examples: pl.DataFrame, count: int, seed: int, *key: object) -> pl.DataFrame:
    """At most `count` rows with the smallest hash of (seed, key, example_id), sorted by example_id."""
    places = [draw(seed, *key, example_id) for example_id in examples["example_id"]]
    order = pl.Series("place", places, dtype=pl.UInt64)
    return examples.with_columns(order).sort("place", "example_id").head(count).drop("place").sort("example_id")


def best_and_worst(answers: Sequence[Scored], min_margin: float) -> Pair | None:
    """The pair of highest and lowest score, None below the margin. Of equal scores the earlier sample."""
    chosen = max(answers, key=lambda answer: answer.judgement.score)
    rejected = min(answers, key=lambda answer: answer.judgement.score)
    if chosen.judgement.score - rejected.judgement.score < min_margin:
        return None
    return Pair(chosen, rejected)
