"""The conservation law, checked where a stage writes its ledger."""

import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

import polars as pl

from pipeline.schema.errors import BrokenContract
from pipeline.schema.ledger import DECISIONS, REASONS, SURVIVES
from pipeline.stage.sources import say_absent

MAX_NAMED_KINDS = 40
"""More kinds of evidence than this for one reason are values, not rules: then only the reason is named."""
NAMED_LOSSES = 2
"""Rules named of each source that loses too much."""
NO_REMEDIES: Mapping[str, str] = MappingProxyType({})


def check_conservation(stage: str, inputs: pl.DataFrame, ledger: pl.DataFrame, output_ids: pl.Series) -> None:
    """Every input is decided once; what survives is what was written.

    Args:
        stage: named in errors.
        inputs: columns `input_id`, `source`; what came in.
        ledger: `pipeline.schema.ledger.LEDGER` columns.
        output_ids: the `doc_id`s written, in any order.

    Raises:
        BrokenContract: an input is missing, repeated or of another source, a decision or reason is
            not in the vocabulary, or survivors and output differ.
    """
    _check_words(stage, ledger)
    if ledger["input_id"].is_duplicated().any():
        raise BrokenContract(f"{stage} ledger", "inputs decided twice",
                             got=str(ledger.filter(pl.col("input_id").is_duplicated())["input_id"].head(3).to_list()))
    key = ["input_id", "source"]
    lost = inputs.select(key).join(ledger.select(key), on=key, how="anti")
    invented = ledger.select(key).join(inputs.select(key), on=key, how="anti")
    if lost.height or invented.height:
        raise BrokenContract(f"{stage} ledger", "inputs and decisions differ", wanted="each input once",
                             got=f"{lost.height} undecided {lost['input_id'].head(3).to_list()}, "
                                 f"{invented.height} unknown {invented['input_id'].head(3).to_list()}")
    survivors = set(ledger.filter(pl.col("decision").is_in(SURVIVES))["input_id"])
    if survivors != set(output_ids):
        odd = sorted(survivors ^ set(output_ids))
        raise BrokenContract(f"{stage} ledger", "survivors are not the documents written", got=str(odd[:3]))
    stray = ledger.filter((pl.col("decision") == "merge") != (pl.col("survivor_id") != ""))
    if stray.height:
        raise BrokenContract(f"{stage} ledger", "a merge names its survivor, nothing else does",
                             got=str(stray["input_id"].head(3).to_list()))


def check_source_survival(stage: str, ledger: pl.DataFrame, max_loss: Mapping[str, float], default: float,
                          remedies: Mapping[str, str] = NO_REMEDIES) -> None:
    """No source loses more than its declared share of rows; a name in `max_loss` without rows is said on stderr.

    Args:
        stage: named in errors.
        ledger: LEDGER columns.
        max_loss: source -> largest share it may lose.
        default: for the other sources.
        remedies: reason -> what a user can change when the loss is wrong.

    Raises:
        BrokenContract: names each source with its loss, what took most of it, and what to change; the stage
            writes no ledger then, so this sentence is all there is to see.
    """
    say_absent(f"{stage}.max_loss", max_loss, ledger["source"])
    over = [loss for loss in _losses(ledger) if loss.lost / loss.rows > max_loss.get(loss.source, default)]
    if over:
        told = "; ".join(_told(loss, max_loss.get(loss.source, default)) for loss in over)
        hints = dict.fromkeys(hint for loss in over for hint in _hints(stage, loss, remedies))
        raise BrokenContract(f"stage {stage}", "a source loses more than its declared share", got=told,
                             do="; ".join(hints))


class _Loss(NamedTuple):
    source: str
    rows: int
    lost: int
    largest: list[tuple[str, str, int]]
    """(reason, evidence, rows) of what took most, the largest first."""


def _losses(ledger: pl.DataFrame) -> Iterator[_Loss]:
    """What each source lost.

    Evidence is named where a reason has few kinds of it (rule names); a cluster or a date is not.
    """
    for (source,), rows in sorted(ledger.group_by("source")):
        few = pl.col("evidence").n_unique().over("reason") <= MAX_NAMED_KINDS
        dead = rows.filter(~pl.col("decision").is_in(SURVIVES)).with_columns(
            pl.when(few).then("evidence").otherwise(pl.lit("")).alias("evidence"))
        kinds = dead.group_by("reason", "evidence").len()
        largest = kinds.sort("len", "reason", "evidence", descending=[True, False, False]).head(NAMED_LOSSES)
        yield _Loss(str(source), rows.height, dead.height, largest.rows())


def _told(loss: _Loss, allowed: float) -> str:
    kinds = ", ".join(f"{reason} ({evidence}) {count:,}" if evidence else f"{reason} {count:,}"
                      for reason, evidence, count in loss.largest)
    return (f"{loss.source} lost {loss.lost / loss.rows:.0%} (at most {allowed:.0%}), {loss.lost:,} of {loss.rows:,}: "
            f"most to {kinds}")


def _hints(stage: str, loss: _Loss, remedies: Mapping[str, str]) -> Iterator[str]:
    """What to change, for what took most; then what to write if nothing is wrong."""
    yield from (remedies[reason].format(source=loss.source) for reason, _, _ in loss.largest if reason in remedies)
    yield (f"if {loss.source} is to lose that much, set `{stage}.max_loss.{loss.source}` to "
           f"{math.ceil(loss.lost * 100 / loss.rows) / 100}")


def _check_words(stage: str, ledger: pl.DataFrame) -> None:
    wrong = set(ledger["decision"]) - set(DECISIONS) | set(ledger["reason"]) - set(REASONS)
    if wrong:
        raise BrokenContract(f"{stage} ledger", "words outside the vocabulary", got=str(sorted(wrong)),
                             do="add them to pipeline/schema/ledger.py")
