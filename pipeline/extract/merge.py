"""Equal raw bytes are one document; and the conservation law for files and the records in them."""

import polars as pl

from pipeline.schema.errors import BrokenContract
from pipeline.schema.ledger import LEDGER
from pipeline.stage.ledger import check_conservation

PLACE = ("doc_id", "path", "locator")
"""The columns that tell a document from all others."""
DECIDING = (*PLACE, "cleared_for_training")
"""Those that decide whether it is the one to stay."""
KEY = pl.when(pl.col("locator") == "").then(pl.col("path")).otherwise(pl.col("path") + "#" + pl.col("locator"))
"""The ledger's `input_id` of a document; the same as `pipeline.extract.shard.input_id`."""


def merged(documents: pl.DataFrame, ledger: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One document for each `doc_id`: one that is cleared for training if there is any, then that of the
    smallest path, then of the earliest place in it. So a text that may be used is not lost by a copy that may not.

    Args:
        documents: DECIDING and whatever else.

    Returns:
        documents, unique by `doc_id`; the ledger with the others as `merge`, reason `same_bytes`.
    """
    placed = documents.with_columns(KEY.alias("input_id"), _place().alias("place"))
    placed = placed.sort(~pl.col("cleared_for_training"), "path", "place", "input_id")
    kept = placed.unique("doc_id", keep="first", maintain_order=True)
    lost = placed.join(kept.select("input_id"), on="input_id", how="anti").select("input_id", "doc_id")
    decided = (ledger.join(lost, on="input_id", how="left")
               .with_columns(_if_lost("decision", "merge"), _if_lost("reason", "same_bytes"),
                             pl.coalesce("doc_id", "survivor_id").alias("survivor_id")))
    return kept.select(documents.columns), decided.select(*LEDGER).sort("input_id")


def _if_lost(column: str, word: str) -> pl.Expr:
    return pl.when(pl.col("doc_id").is_not_null()).then(pl.lit(word)).otherwise(pl.col(column)).alias(column)


def _place() -> pl.Expr:
    """The number in a locator, so that line 9 comes before line 10."""
    return pl.col("locator").str.extract(r"(\d+)").cast(pl.Int64).fill_null(0)


def check_extraction(files: pl.DataFrame, documents: pl.DataFrame, ledger: pl.DataFrame) -> None:
    """Every file is decided once; a split file's records are all there; what survives was written.

    Raises:
        BrokenContract: files, records or documents are lost, invented or counted wrong.
    """
    paths = set(files["path"])
    rows = ledger.with_columns(pl.col("input_id").is_in(files["path"].implode()).alias("is_file"))
    of_files, of_records = rows.filter("is_file"), rows.filter(~pl.col("is_file"))
    split = of_files.filter(pl.col("decision") == "split")
    owners = of_records.with_columns(_owner().alias("path"))
    counted = owners.group_by("path").len()
    wrong = (split.select(path="input_id", score="score").join(counted, on="path", how="full", coalesce=True)
             .filter(pl.col("score").fill_null(-1) != pl.col("len").fill_null(0)))
    if wrong.height:
        raise BrokenContract("curate_extract ledger", "records of a split file and its score differ",
                             got=str(wrong["path"].head(3).to_list()))
    if of_files.height != len(paths):
        raise BrokenContract("curate_extract ledger", "files and decisions differ", wanted=f"{len(paths)} files",
                             got=str(of_files.height))
    whole = rows.filter(pl.col("decision") != "split").select(*LEDGER)
    check_conservation("curate_extract", whole.select("input_id", "source"), whole, documents.select(KEY).to_series())
    strangers = set(ledger["survivor_id"]) - set(documents["doc_id"]) - {""}
    if strangers:
        raise BrokenContract("curate_extract ledger", "a survivor was not written", got=str(sorted(strangers)[:3]))


def _owner() -> pl.Expr:
    """The file of a record's row: what stands before the last `#`."""
    return pl.col("input_id").str.replace(r"#[^#]*$", "")
