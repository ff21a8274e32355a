"""The conservation law, checked where a stage writes its ledger."""

import polars as pl

from pipeline.schema.errors import BrokenContract
from pipeline.schema.ledger import DECISIONS, REASONS, SURVIVES

MAX_NAMED_KINDS = 40
"""More kinds of evidence than this in one source are values, not rules: then only the reason is named."""


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


def check_source_survival(stage: str, ledger: pl.DataFrame, max_loss: dict[str, float], default: float) -> None:
    """No source loses more than its declared share of rows.

    Raises:
        BrokenContract: names each source with its loss and what took most of it; the stage writes no
            ledger then, so this sentence is all there is to see.
    """
    lost = ledger.group_by("source").agg((~pl.col("decision").is_in(SURVIVES)).mean().alias("loss")).sort("source")
    over = [f"{source} lost {loss:.0%} (at most {max_loss.get(source, default):.0%}): {_losses(ledger, source)}"
            for source, loss in lost.iter_rows() if loss > max_loss.get(source, default)]
    if over:
        raise BrokenContract(f"stage {stage}", "a source loses more than its declared share", got="; ".join(over),
                             do=f"mend the rule, or raise `{stage}.max_loss` for the source if the loss is right")


def _losses(ledger: pl.DataFrame, source: str) -> str:
    """The commonest reasons of a source's losses: `heuristic (GopherQuality: gopher_short_doc) 120`.

    Evidence is named where few values cover the source (rule names); a cluster or word list is not.
    """
    rows = ledger.filter(pl.col("source") == source, ~pl.col("decision").is_in(SURVIVES))
    kinds = rows.select("reason", "evidence").unique()
    named = kinds.height <= MAX_NAMED_KINDS
    keys = ["reason", "evidence"] if named else ["reason"]
    counts = rows.group_by(keys).len().sort("len", *keys, descending=[True, *[False] * len(keys)]).head(3)
    return ", ".join(f"{row['reason']} ({row['evidence']}) {row['len']}" if row.get("evidence")
                     else f"{row['reason']} {row['len']}" for row in counts.iter_rows(named=True))


def _check_words(stage: str, ledger: pl.DataFrame) -> None:
    wrong = set(ledger["decision"]) - set(DECISIONS) | set(ledger["reason"]) - set(REASONS)
    if wrong:
        raise BrokenContract(f"{stage} ledger", "words outside the vocabulary", got=str(sorted(wrong)),
                             do="add them to pipeline/schema/ledger.py")
