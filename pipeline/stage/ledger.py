"""The conservation law, checked where a stage writes its ledger."""

import math
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import polars as pl

from pipeline.schema.errors import BrokenContract
from pipeline.schema.ledger import DECISIONS, NAMED_BY_EVIDENCE, REASONS, SURVIVES
from pipeline.stage.sources import say_absent

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
        remedies: reason -> what a user can change when the loss is wrong; `{sources}` stands for the sources' names.

    Raises:
        BrokenContract: names each source with its loss, what took most of it, and what to change; the stage
            writes no ledger then, so this sentence is all there is to see.
    """
    say_absent(f"{stage}.max_loss", max_loss, ledger["source"])
    over = [loss for loss in _losses(ledger) if loss.lost / loss.rows > max_loss.get(loss.source, default)]
    if over:
        told = "; ".join(_told(loss, max_loss.get(loss.source, default)) for loss in over)
        raise BrokenContract(f"stage {stage}", "a source loses more than its declared share", got=told,
                             do="; ".join(_advice(stage, over, remedies)))


class _Loss(NamedTuple):
    source: str
    rows: int
    lost: int
    largest: list[tuple[str, str, int]]
    """(reason, evidence, rows) of what took most, the largest first."""


def _losses(ledger: pl.DataFrame) -> Iterator[_Loss]:
    """What each source lost."""
    evidence = pl.when(pl.col("reason").is_in(NAMED_BY_EVIDENCE)).then("evidence").otherwise(pl.lit(""))
    for (source,), rows in sorted(ledger.group_by("source")):
        dead = rows.filter(~pl.col("decision").is_in(SURVIVES))
        kinds = dead.group_by("reason", evidence.alias("evidence")).len()
        largest = kinds.sort("len", "reason", "evidence", descending=[True, False, False]).head(NAMED_LOSSES)
        yield _Loss(str(source), rows.height, dead.height, largest.rows())


def _told(loss: _Loss, allowed: float) -> str:
    kinds = ", ".join(f"{reason} ({evidence}) {count:,}" if evidence else f"{reason} {count:,}"
                      for reason, evidence, count in loss.largest)
    return (f"{loss.source} lost {loss.lost / loss.rows:.0%} (at most {allowed:.0%}), {loss.lost:,} of {loss.rows:,}: "
            f"most to {kinds}")


def _advice(stage: str, over: Sequence[_Loss], remedies: Mapping[str, str]) -> Iterator[str]:
    """What to change for what took most, each remedy once with its sources; then what to write if nothing is wrong."""
    for reason, remedy in remedies.items():
        sources = [loss.source for loss in over if any(reason == taken for taken, _, _ in loss.largest)]
        if sources:
            yield remedy.format(sources=", ".join(sources))
    shares = ", ".join(f"{loss.source}: {math.ceil(loss.lost * 100 / loss.rows) / 100}" for loss in over)
    yield f"if that much is to go, set `{stage}.max_loss` to {{{shares}}}"


def _check_words(stage: str, ledger: pl.DataFrame) -> None:
    wrong = set(ledger["decision"]) - set(DECISIONS) | set(ledger["reason"]) - set(REASONS)
    if wrong:
        raise BrokenContract(f"{stage} ledger", "words outside the vocabulary", got=str(sorted(wrong)),
                             do="add them to pipeline/schema/ledger.py")
