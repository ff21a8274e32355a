"""Run work over shards of a table: local processes, Ray or Slurm, with equal results.

Shard `r` of `n` gets rows r, r + n, r + 2n, ..., so a caller that orders rows by cost spreads the
cost. The engine never decides bytes: callers sort what comes back by key.
"""

import threading
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from pipeline.engine.executors import execute
from pipeline.engine.step import ShardStep, Work
from pipeline.schema.errors import PedigreeError
from pipeline.schema.execution import Execution
from pipeline.stage.progress import progress

LOOK_S = 0.5
"""Seconds between two looks at how far the shards are."""
LOG_TAIL = 600
"""Characters of a failed shard's log in the error."""


class ShardsFailed(PedigreeError):
    """At least one shard did not finish."""


def run_shards(work: Work, rows: pl.DataFrame, scratch: Path, execution: Execution,
               what: str) -> dict[str, pl.DataFrame]:
    """`work` over all `rows`, its tables put together; row order is that of shards, not of `rows`.

    Args:
        work: gives the same table names, with the same columns, for every shard.
        rows: not empty.
        scratch: an empty folder that every worker can reach. It must be new: datatrove's done marks
            are keyed by rank only, and an old folder would make it skip new work.
        what: names the rows in the progress bar.

    Raises:
        ShardsFailed: a shard did not finish; carries the end of its log.
    """
    count = min(rows.height, execution.workers * execution.shards_per_worker)
    rows.write_parquet(scratch / "rows.parquet")
    for folder in ("tables", "ticks"):
        (scratch / folder).mkdir()
    with _Watched(scratch / "ticks", rows.height, what):
        execute(ShardStep(work, str(scratch.resolve())), count, scratch / "log", execution)
    marks = scratch / "log" / "completions"
    missing = [rank for rank in range(count) if not (marks / f"{rank:05d}").exists()]
    if missing:
        raise ShardsFailed("engine", f"{len(missing)} of {count} shards did not finish",
                           got=_end_of_log(scratch / "log", missing[0]), do="mend the cause and run again")
    return _gathered(scratch / "tables")


def _gathered(folder: Path) -> dict[str, pl.DataFrame]:
    names = sorted({path.name.rsplit("-", 1)[0] for path in folder.iterdir()})
    return {name: pl.concat([pl.read_parquet(part) for part in sorted(folder.glob(f"{name}-*.parquet"))])
            for name in names}


def _end_of_log(log: Path, rank: int) -> str:
    path = log / "logs" / f"task_{rank:05d}.log"
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else "no log"
    return " ".join(text[-LOG_TAIL:].split())


class _Watched:
    """A progress bar that counts the bytes the shards append to their tick files."""

    def __init__(self, ticks: Path, total: int, what: str) -> None:
        self.ticks, self.total, self.what = ticks, total, what
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._show, daemon=True)

    def __enter__(self) -> None:
        self.thread.start()

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()

    def _show(self) -> None:
        for _ in progress(self._seen(), self.what, self.total):
            pass

    def _seen(self) -> Iterator[None]:
        shown = 0
        while True:
            last = self.over.is_set()
            count = sum(path.stat().st_size for path in self.ticks.iterdir())
            yield from [None] * (count - shown)
            shown = count
            if last:
                return
            self.over.wait(LOOK_S)
