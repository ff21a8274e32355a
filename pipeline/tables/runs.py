"""Merge sorted tables into one sorted stream that is never in memory as a whole."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, cast

import polars as pl
import pyarrow.parquet as pq


class RunWriter:
    """Writes a run whose rows come in order, piece by piece; each piece is a row group."""

    def __init__(self, path: Path, schema: Mapping[str, pl.DataType]) -> None:
        self._writer = pq.ParquetWriter(path, pl.DataFrame(schema=schema).to_arrow().schema, compression="zstd")

    def __enter__(self) -> "RunWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._writer.close()

    def write(self, rows: pl.DataFrame) -> None:
        """Add `rows`, which come after all that were added before."""
        if rows.height:
            self._writer.write_table(rows.to_arrow())


def merged_runs(runs: Sequence[Path], key: str) -> Iterator[pl.DataFrame]:
    """All rows of `runs`, each sorted by `key`, in its order.

    In memory is one row group of each run. Rows of equal key follow each other in no order to rely on;
    a piece may end between them.
    """
    yield from merged([row_groups(run) for run in runs], key)


def merged(streams: Sequence[Iterator[pl.DataFrame]], key: str) -> Iterator[pl.DataFrame]:
    """All rows of `streams`, each in order of `key`, in its order; in memory is one piece of each."""
    live = [run for stream in streams if (run := _Run(stream, key)).refilled()]
    while live:
        bound = min(run.last() for run in live)
        yield pl.concat([run.taken(bound) for run in live]).sort(key, maintain_order=True)
        live = [run for run in live if run.refilled()]


class _Run:
    """A sorted stream and what is at hand of it."""

    def __init__(self, pieces: Iterator[pl.DataFrame], key: str) -> None:
        self.key = key
        self.pieces = pieces
        self.head = pl.DataFrame()

    def refilled(self) -> bool:
        """Read on when nothing is left of the last piece; False at the end."""
        while not self.head.height:
            head = next(self.pieces, None)
            if head is None:
                return False
            self.head = head
        return True

    def last(self) -> Any:
        """The largest key at hand."""
        return self.head[self.key][-1]

    def taken(self, bound: Any) -> pl.DataFrame:
        """Rows up to and with `bound`, which are then gone from here."""
        count = int(cast(int, self.head[self.key].search_sorted(bound, "right")))
        found, self.head = self.head.head(count), self.head.slice(count)
        return found


def row_groups(path: Path) -> Iterator[pl.DataFrame]:
    """The rows of a Parquet file, a row group at a time."""
    with pq.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            yield cast(pl.DataFrame, pl.from_arrow(file.read_row_group(number)))
