"""Write what a curation stage made: documents and ledger together, or neither."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import polars as pl

from pipeline.schema.documents import DOCUMENTS
from pipeline.schema.ledger import LEDGER
from pipeline.stage.ledger import check_conservation
from pipeline.stage.outputs import output_dir
from pipeline.tables.parquet import TableWriter, write_table


class Piece(NamedTuple):
    """What became of some of a stage's inputs."""

    documents: pl.DataFrame
    """The survivors among them in order of `doc_id`: DOCUMENTS columns and those the stage adds."""
    ledger: pl.DataFrame
    """LEDGER rows, one an input."""


def write_pieces(stage: str, inputs: pl.DataFrame, pieces: Iterable[Piece], out: Path, ledger_out: Path,
                 check: Callable[[pl.DataFrame], None]) -> pl.DataFrame:
    """Write both tables piece by piece, then check the conservation law; an error leaves neither.

    Texts of one piece are in memory at a time, the ledger as a whole.

    Args:
        inputs: what came in, columns `doc_id`, `source`; read apart from `pieces`.
        pieces: in order of `doc_id`.
        check: of the whole ledger; raises.

    Returns:
        the ledger.

    Raises:
        BrokenContract: a document is lost, invented or decided twice.
    """
    ids, rows = [pl.Series("doc_id", [], pl.String)], [pl.DataFrame(schema=LEDGER)]
    with output_dir(ledger_out) as ledger_folder, output_dir(out) as folder:
        with TableWriter(folder, ["doc_id"], DOCUMENTS) as writer:
            for piece in pieces:
                writer.write(piece.documents)
                ids.append(piece.documents["doc_id"])
                rows.append(piece.ledger)
        ledger = pl.concat(rows)
        check(ledger)
        check_conservation(stage, inputs.select(pl.col("doc_id").alias("input_id"), "source"), ledger, pl.concat(ids))
        write_table(ledger, ledger_folder, ["input_id"], LEDGER)
    return ledger


def write_curated(stage: str, inputs: pl.DataFrame, documents: pl.DataFrame, ledger: pl.DataFrame,
                  out: Path, ledger_out: Path) -> None:
    """`write_pieces` of one piece, in any order, whose ledger is checked already."""
    piece = Piece(documents.sort("doc_id"), ledger)
    write_pieces(stage, inputs, [piece], out, ledger_out, lambda _: None)


def reason_counts(ledger: pl.DataFrame) -> dict[str, int]:
    """Documents per reason, most frequent first."""
    counts = ledger.group_by("reason").len().sort(["len", "reason"], descending=[True, False])
    return dict(counts.iter_rows())
