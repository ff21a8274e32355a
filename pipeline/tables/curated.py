"""Write what a curation stage made: documents and ledger together, or neither."""

from pathlib import Path

import polars as pl

from pipeline.schema.documents import DOCUMENTS
from pipeline.schema.ledger import LEDGER
from pipeline.stage.ledger import check_conservation
from pipeline.stage.outputs import output_dir
from pipeline.tables.parquet import write_table


def write_curated(stage: str, inputs: pl.DataFrame, documents: pl.DataFrame, ledger: pl.DataFrame,
                  out: Path, ledger_out: Path) -> None:
    """Check the conservation law, then write both tables; an error leaves neither.

    Args:
        inputs: what came in, columns `doc_id`, `source`.
        documents: the survivors, DOCUMENTS columns and those the stage adds.

    Raises:
        BrokenContract: a document is lost, invented or decided twice.
    """
    keys = inputs.select(pl.col("doc_id").alias("input_id"), "source")
    check_conservation(stage, keys, ledger, documents["doc_id"])
    with output_dir(ledger_out) as ledger_folder, output_dir(out) as folder:
        write_table(documents, folder, ["doc_id"], DOCUMENTS)
        write_table(ledger, ledger_folder, ["input_id"], LEDGER)


def reason_counts(ledger: pl.DataFrame) -> dict[str, int]:
    """Documents per reason, most frequent first."""
    counts = ledger.group_by("reason").len().sort(["len", "reason"], descending=[True, False])
    return dict(counts.iter_rows())
