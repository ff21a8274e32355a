"""The different chunks of a documents table, on disk and in order of key.

The chunks of each part of the table are sorted and put aside; merging them all brings equal ones together,
and beside them what a cache says of them. In memory are the chunks of one part, or a row group of each run.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import polars as pl

from pipeline.redact.chunks import chunk_key, chunks
from pipeline.redact.shard import CHUNKS, FINDS
from pipeline.stage.outputs import partial_folder, remove
from pipeline.tables.parquet import read_parts, table_parts
from pipeline.tables.runs import RunWriter, merged, row_groups

FIELDS = ("text", "title")
"""Of a document, that are redacted."""
LOOKED_UP = {**CHUNKS, **FINDS}
GROUP_ROWS = 2048
"""Chunks of a run that a merge has in memory."""
PART_BYTES = 1 << 20
"""Of text in a file of new chunks, about."""


class Wanted(NamedTuple):
    """The chunks to be answered for."""

    total: int
    """How many; all are different."""
    known: Path
    """A run of FINDS: those that the cache answers."""
    new: Path
    """Folder of files of CHUNKS: the others."""
    parts: pl.DataFrame
    """A row for each file in `new`: `part` (path) and `bytes` of its text."""


@contextmanager
def wanted_chunks(documents: Path, cache: Path, kept: Sequence[Path], shards: int) -> Iterator[Wanted]:
    """Every different chunk of text and title, for as long as the block lasts.

    The files lie beside `cache`, always at the same place: their paths and contents are part of what a
    killed run is resumed by.

    Args:
        kept: runs of FINDS.
        shards: how many the new chunks will be shared out to, at least.
    """
    folder = partial_folder(cache) / "chunks"
    remove(folder)
    (folder / "new").mkdir(parents=True)
    try:
        runs = [folder / f"run-{number:05d}.parquet" for number in range(len(table_parts(documents)))]
        size = sum(map(_chunk_run, read_parts(documents, FIELDS), runs))
        yield _sorted_out(looked_up(runs, kept), folder, max(1, min(PART_BYTES, size // shards)))
    finally:
        remove(folder)
        with suppress(OSError):  # not empty
            folder.parent.rmdir()


def looked_up(runs: Sequence[Path], kept: Sequence[Path]) -> Iterator[pl.DataFrame]:
    """Each different chunk of `runs` (CHUNKS) once, in order of key, and what `kept` (FINDS) says of it.

    Columns LOOKED_UP; `found` is null where `kept` has no row.
    """
    streams = [(_widened(rows) for rows in row_groups(run)) for run in (*runs, *kept)]
    for rows in merged(streams, "key"):
        texts = rows.filter(pl.col("text").is_not_null()).unique("key", keep="first", maintain_order=True)
        finds = rows.filter(pl.col("found").is_not_null()).select("key", "found")
        yield texts.select(*CHUNKS).join(finds, on="key", how="left", maintain_order="left")


def _chunk_run(table: pl.DataFrame, run: Path) -> int:
    """Write the different chunks of `table` in order of key; bytes of their text."""
    texts = (text for field in FIELDS for text in table[field].drop_nulls())
    different = {chunk_key(chunk.text): chunk.text for text in texts for chunk in chunks(text)}
    rows = pl.DataFrame([*different.items()], schema=CHUNKS, orient="row").sort("key")
    rows.write_parquet(run, row_group_size=GROUP_ROWS)
    return _text_bytes(rows)


def _widened(rows: pl.DataFrame) -> pl.DataFrame:
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in LOOKED_UP.items() if name not in rows.columns]
    return rows.with_columns(missing).select(*LOOKED_UP)


def _sorted_out(found: Iterator[pl.DataFrame], folder: Path, part_bytes: int) -> Wanted:
    """Write known and new chunks apart, the new ones in files of about `part_bytes`."""
    total, waiting = 0, pl.DataFrame(schema=CHUNKS)
    parts: list[tuple[str, int]] = []
    with RunWriter(folder / "known.parquet", FINDS) as known:
        for rows in found:
            total += rows.height
            known.write(rows.filter(pl.col("found").is_not_null()).select(*FINDS))
            waiting = pl.concat([waiting, rows.filter(pl.col("found").is_null()).select(*CHUNKS)])
            if _text_bytes(waiting) >= part_bytes:
                parts += _parts(waiting, folder / "new", len(parts), part_bytes)
                waiting = waiting.clear()
    parts += _parts(waiting, folder / "new", len(parts), part_bytes)
    table = pl.DataFrame(parts, schema={"part": pl.String, "bytes": pl.Int64}, orient="row")
    return Wanted(total, folder / "known.parquet", folder / "new", table)


def _parts(rows: pl.DataFrame, folder: Path, first: int, part_bytes: int) -> Iterator[tuple[str, int]]:
    """Write `rows`, cut where their running size passes a multiple of `part_bytes`; path and bytes of each file."""
    number = (pl.col("text").str.len_bytes().cum_sum() - 1) // part_bytes
    pieces = rows.with_columns(number=number).partition_by("number", maintain_order=True, include_key=False)
    for place, piece in enumerate(pieces, first):
        path = folder / f"part-{place:05d}.parquet"
        piece.write_parquet(path)
        yield str(path.resolve()), _text_bytes(piece)


def _text_bytes(rows: pl.DataFrame) -> int:
    return int(rows["text"].str.len_bytes().sum())
