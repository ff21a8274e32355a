"""Write what a curation stage made: documents and ledger together, or neither."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import polars as pl

from pipeline.schema.documents import DOCUMENTS
from pipeline.schema.ledger import LEDGER, SURVIVES
from pipeline.stage.ledger import check_conservation
from pipeline.stage.outputs import output_dir
from pipeline.tables.parquet import TableWriter, read_parts, write_table


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


def document_sizes(documents: Path, *columns: str) -> pl.DataFrame:
    """`doc_id`, `source`, `chars` and `columns` of every document, in table order: all but the texts."""
    return pl.concat([table.select("doc_id", "source", *columns, chars=pl.col("text").str.len_chars())
                      for table in read_parts(documents, ["doc_id", "source", *columns, "text"])])


def kept_pieces(documents: Path, ledger: pl.DataFrame) -> Iterator[Piece]:
    """What `ledger` keeps of the table `documents`, unchanged, in the columns DOCUMENTS, part by part."""
    kept = ledger.filter(pl.col("decision").is_in(SURVIVES))
    for table in read_parts(documents):
        rows = ledger.join(table, left_on="input_id", right_on="doc_id", how="semi")
        survivors = table.join(kept, left_on="doc_id", right_on="input_id", how="semi").sort("doc_id")
        yield Piece(survivors.select(*DOCUMENTS), rows)


def write_curated(stage: str, inputs: pl.DataFrame, documents: pl.DataFrame, ledger: pl.DataFrame,
                  out: Path, ledger_out: Path) -> None:
    """`write_pieces` of one piece, in any order, whose ledger is checked already."""
    piece = Piece(documents.sort("doc_id"), ledger)
    write_pieces(stage, inputs, [piece], out, ledger_out, lambda _: None)


def reason_counts(ledger: pl.DataFrame) -> dict[str, int]:
    """Documents per reason, most frequent first."""
    counts = ledger.group_by("reason").len().sort(["len", "reason"], descending=[True, False])
    return dict(counts.iter_rows())
