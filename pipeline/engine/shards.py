"""Run work over shards of a table: local processes, Ray or Slurm, with equal results.

Shard `r` of `n` gets rows r, r + n, r + 2n, ..., so a caller that orders rows by cost spreads the
cost. The engine never decides bytes: callers sort what comes back by key.

datatrove's mark of a finished task is an empty file, and not every executor of its raises when a task
fails. So each shard's own mark is looked at here, with the digests of its tables: one that is missing
or does not fit runs again, as often as `execution.attempts`, unless its work raised.
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from pipeline.engine.executors import execute
from pipeline.engine.resume import identity_of, importable, resumable
from pipeline.engine.step import ShardStep, Work, done_file, failed_file, rows_file, table_file
from pipeline.schema.errors import PedigreeError
from pipeline.schema.execution import Execution
from pipeline.stage.hashing import file_sha256
from pipeline.stage.progress import progress, say

LOOK_S = 0.5
"""Seconds between two looks at how far the shards are."""
FOLDERS = ("rows", "ticks", "tables", "done", "failed")
Tables = dict[str, list[Path]]
"""Name -> the file of each shard, by rank."""


class ShardsFailed(PedigreeError):
    """At least one shard did not finish."""


@contextmanager
def sharded(work: Work, rows: pl.DataFrame, out: Path, execution: Execution, what: str, *,
            reads: Sequence[Path] = (), sort: Mapping[str, str] | None = None) -> Iterator[Tables]:
    """The tables of `work` over all `rows`, on disk, for as long as the block lasts.

    They lie beside `out`; what is finished there is kept when this process is killed, and a next run
    of the same identity goes on from it.

    Args:
        work: gives the same table names, with the same columns, for every shard.
        rows: not empty. A column `bytes` says what a row takes in memory: no shard gets more than
            `execution.max_shard_mb`, save for a row that alone takes more.
        what: names the rows in the progress bar.
        reads: files and folders that the work reads beside its rows.
        sort: table name -> column its files are sorted by.

    Raises:
        ShardsFailed: a shard did not finish; carries the end of its trace.
    """
    count, work = shard_count(rows, execution), importable(work)
    with resumable(out, identity_of(work, rows, count, reads)) as folder:
        yield _run(work, rows, count, folder, execution, what, sort or {})


def gathered(tables: Tables) -> dict[str, pl.DataFrame]:
    """All shards' rows of each table, in memory; their order is that of shards, not of the rows worked on."""
    return {name: pl.concat([pl.read_parquet(file) for file in files]) for name, files in tables.items()}


def shard_count(rows: pl.DataFrame, execution: Execution) -> int:
    """Enough shards for every worker, and for none to be larger than allowed; none is empty."""
    by_workers = execution.workers * execution.shards_per_worker
    total = int(rows["bytes"].sum()) if "bytes" in rows.columns else 0
    return min(rows.height, max(by_workers, -(-total // (execution.max_shard_mb << 20))))


def _run(work: Work, rows: pl.DataFrame, count: int, folder: Path, execution: Execution, what: str,
         sort: Mapping[str, str]) -> Tables:
    for name in FOLDERS:
        (folder / name).mkdir(exist_ok=True)
    for rank in range(count):
        rows.gather_every(count, rank).write_parquet(rows_file(folder, rank))
        failed_file(folder, rank).unlink(missing_ok=True)  # of a run before, whose driver may have been killed since
    left = [rank for rank in range(count) if not _done(folder, rank)]
    if len(left) < count:
        say(f"{what}: {count - len(left)} of {count} shards are done already")
    step = ShardStep(work, str(folder.resolve()), sort)
    with _Watched(folder / "ticks", rows.height, what):
        for attempt in range(execution.attempts):
            if left and not _failed(folder, left):
                _again(folder, left, attempt)
                execute(step, count, folder / "log", execution)
                left = [rank for rank in left if not _done(folder, rank)]
    if left:
        raise _error(folder, left, count, execution.attempts)
    names = json.loads(done_file(folder, 0).read_bytes())
    return {name: [table_file(folder, name, rank) for rank in range(count)] for name in names}


def _done(folder: Path, rank: int) -> bool:
    """Whether the shard's mark is there and its tables are those it was written for."""
    try:
        written = json.loads(done_file(folder, rank).read_bytes())
        return all(file_sha256(table_file(folder, name, rank)) == digest for name, digest in written.items())
    except (OSError, ValueError):
        return False


def _failed(folder: Path, left: list[int]) -> list[int]:
    return [rank for rank in left if failed_file(folder, rank).exists()]


def _again(folder: Path, left: list[int], attempt: int) -> None:
    """Take datatrove's own marks off the shards that must run."""
    for rank in left:
        (folder / "log" / "completions" / f"{rank:05d}").unlink(missing_ok=True)
    if attempt:
        say(f"{len(left)} shards were cut short, attempt {attempt + 1}")


def _error(folder: Path, left: list[int], count: int, attempts: int) -> ShardsFailed:
    what = f"{len(left)} of {count} shards did not finish"
    failed = _failed(folder, left)
    if not failed:
        return ShardsFailed("engine", what, got=f"workers that end without a word, {attempts} times",
                            do="look for a lack of memory or time: lower `max_shard_mb` or `workers` in "
                               "execution.yaml; finished shards are kept for the next run")
    reason = " ".join(failed_file(folder, failed[0]).read_text(encoding="utf-8", errors="replace").split())
    return ShardsFailed("engine", what, got=reason, do="mend the cause and run again")


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
            shown = max(shown, count)
            if last:
                return
            self.over.wait(LOOK_S)
