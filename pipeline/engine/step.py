"""The one datatrove step of ours: a shard of rows in, named tables on disk out."""

import json
import os
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
from datatrove.pipeline.base import PipelineStep

from pipeline.schema.errors import PedigreeError
from pipeline.stage.hashing import file_sha256

Work = Callable[[pl.DataFrame, Callable[[], None]], dict[str, pl.DataFrame]]
"""(rows of one shard, tick to call after each row) -> named tables. Picklable; runs in another process."""
GROUP_BYTES = 1 << 20
"""Of a row group of a shard's table: what a merge of many shards holds of each."""
REASON_CHARS = 600
"""Of the trace of an error that is no PedigreeError, from its end."""


class ShardStep(PipelineStep):
    """Call `work` on the rows of a shard and write what it returns below `folder`.

    A shard is done when `done/<rank>.json` is there: it is written last, in one move, and holds the
    sha256 of each table. A shard whose work raised leaves the reason in `failed/<rank>`; one whose
    process was killed leaves neither.
    """

    type = "PEDIGREE"
    name = "shard"

    def __init__(self, work: Work, folder: str, sort: Mapping[str, str]) -> None:
        super().__init__()
        self.work, self.folder, self.sort = work, folder, dict(sort)

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> Iterator[Any]:  # noqa: ARG002
        """Datatrove's entry: one task. Yields nothing, no step follows."""
        folder = Path(self.folder)
        try:
            with (folder / "ticks" / f"{rank:05d}").open("wb", buffering=0) as ticks:
                tables = self.work(pl.read_parquet(rows_file(folder, rank)), lambda: _tick(ticks))
            written = {name: self._written(name, table, rank) for name, table in tables.items()}
            put(done_file(folder, rank), json.dumps(written).encode())
        except Exception as err:  # of any kind: it is the work's, and whoever waits for it is told
            put(failed_file(folder, rank), _reason(err).encode(errors="replace"))
            raise
        yield from ()

    def _written(self, name: str, table: pl.DataFrame, rank: int) -> str:
        """The sha256 of `table` as it lies on disk now."""
        path = table_file(Path(self.folder), name, rank)
        partial = path.with_suffix(f".{os.getpid()}")
        ordered = table.sort(self.sort[name]) if name in self.sort else table
        ordered.write_parquet(partial, row_group_size=_rows_of_group(ordered))
        digest = file_sha256(partial)
        partial.replace(path)
        return digest


def _reason(err: Exception) -> str:
    """An error that says itself what is wrong and what to do, or else where it came from."""
    return str(err) if isinstance(err, PedigreeError) else traceback.format_exc()[-REASON_CHARS:]


def rows_file(folder: Path, rank: int) -> Path:
    """The rows of a shard."""
    return folder / "rows" / f"{rank:05d}.parquet"


def table_file(folder: Path, name: str, rank: int) -> Path:
    """A table that the work on a shard gave."""
    return folder / "tables" / f"{name}-{rank:05d}.parquet"


def done_file(folder: Path, rank: int) -> Path:
    """Table name -> sha256, of a shard that is done."""
    return folder / "done" / f"{rank:05d}.json"


def failed_file(folder: Path, rank: int) -> Path:
    """Why a shard's work raised."""
    return folder / "failed" / f"{rank:05d}"


def put(path: Path, data: bytes) -> None:
    """Write `path` in one move, so that a killed process leaves all of it or nothing."""
    partial = path.with_suffix(f".{os.getpid()}")
    partial.write_bytes(data)
    partial.replace(path)


def _rows_of_group(table: pl.DataFrame) -> int:
    groups = max(1, int(table.estimated_size()) // GROUP_BYTES)
    return max(1, -(-table.height // groups))


def _tick(stream: Any) -> None:
    stream.write(b".")
