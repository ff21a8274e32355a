"""The one datatrove step of ours: a shard of rows in, named tables on disk out."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
from datatrove.pipeline.base import PipelineStep

Work = Callable[[pl.DataFrame, Callable[[], None]], dict[str, pl.DataFrame]]
"""(rows of one shard, tick to call after each row) -> named tables. Picklable; runs in another process."""


class ShardStep(PipelineStep):
    """Call `work` on rows rank, rank + n, rank + 2n, ... and write what it returns below `scratch`."""

    type = "PEDIGREE"
    name = "shard"

    def __init__(self, work: Work, scratch: str) -> None:
        super().__init__()
        self.work = work
        self.scratch = scratch

    def run(self, data: Any, rank: int = 0, world_size: int = 1) -> Iterator[Any]:  # noqa: ARG002
        """Datatrove's entry: one task. Yields nothing, no step follows."""
        scratch = Path(self.scratch)
        rows = pl.read_parquet(scratch / "rows.parquet")[rank::world_size]
        with (scratch / "ticks" / f"{rank:05d}").open("wb", buffering=0) as ticks:
            tables = self.work(rows, lambda: _tick(ticks))
        for name, table in tables.items():
            table.write_parquet(scratch / "tables" / f"{name}-{rank:05d}.parquet")
        yield from ()


def _tick(stream: Any) -> None:
    stream.write(b".")
