"""Killed workers, killed drivers, damaged leftovers: what is done is kept, what is not is done again."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import polars as pl
import pytest

from pipeline.engine.resume import identity_of
from pipeline.engine.shards import ShardsFailed, gathered, shard_count, sharded
from pipeline.schema.execution import Execution
from tests.engine.works import DiesAlways, DiesOnce, Squares, WaitsForWord, times

TWO = Execution(engine="local", workers=2, shards_per_worker=2, ray_address="local", slurm_partition="cpu",
                slurm_time="00:10:00", slurm_mem_per_cpu_gb=1, slurm_poll_s=0.1)
ROWS = pl.DataFrame({"n": list(range(12))})
SQUARES = [(n, n * n) for n in range(12)]


@pytest.fixture
def notes(tmp_path):
    (tmp_path / "notes").mkdir()
    return str(tmp_path / "notes")


def squares(folder, work, execution=TWO, **settings):
    with sharded(work, ROWS, folder / "out", execution, "rows", **settings) as tables:
        return gathered(tables)["squares"].sort("n").rows()


def worked(notes):
    """How often each of the four shards was worked on; they start with 0, 1, 2, 3 and 7 is in the last."""
    return [times(notes, first) for first in range(4)]


def test_a_killed_worker_costs_one_more_try_and_no_row(tmp_path, notes):
    assert squares(tmp_path, DiesOnce(notes)) == SQUARES
    assert worked(notes)[3] == 2
    assert not list(tmp_path.glob(".out*"))


def test_a_worker_that_is_always_killed_stops_the_run_and_the_rest_is_kept(tmp_path, notes):
    execution = TWO.model_copy(update={"attempts": 2})
    with pytest.raises(ShardsFailed, match=r"1 of 4 shards did not finish.*2 times.*max_shard_mb"):
        squares(tmp_path, DiesAlways(notes), execution)
    assert worked(notes)[3] == 2
    assert len(list(tmp_path.glob(".out.resume/*/done/*.json"))) == 3


def killed_driver(folder, *address):
    """A driver that is killed when three of its four shards are done, on the engine at `address`."""
    driver = subprocess.Popen([sys.executable, "-m", "tests.engine.driver", str(folder), *address],
                              stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(Path.cwd())})
    notes = folder / "notes"
    while not ((notes / "waiting").exists() and len(list(folder.glob(".out.resume/*/done/*.json"))) == 3):
        with suppress(subprocess.TimeoutExpired):
            driver.wait(timeout=0.05)
            pytest.fail(driver.stderr.read().decode())
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    driver.stderr.read()  # its own workers hold the other end: it ends when they have
    (notes / "go").touch()


def test_a_killed_driver_is_resumed_with_what_was_done(tmp_path, notes):
    killed_driver(tmp_path)
    assert squares(tmp_path, WaitsForWord(notes)) == SQUARES
    assert worked(notes) == [1, 1, 1, 1]
    assert not list(tmp_path.glob(".out*"))


@pytest.fixture
def left(tmp_path, notes):
    """The folder of a run that was stopped after its shards were done."""
    with pytest.raises(KeyboardInterrupt), sharded(Squares(notes), ROWS, tmp_path / "out", TWO, "rows"):
        raise KeyboardInterrupt
    [folder] = (tmp_path / ".out.resume").iterdir()
    return folder


def test_nothing_is_done_twice(tmp_path, notes, left):
    assert squares(tmp_path, Squares(notes)) == SQUARES
    assert worked(notes) == [1, 1, 1, 1]


@pytest.mark.parametrize("harm", ["cut", "replaced", "gone", "mark cut"])
def test_a_shard_whose_table_is_not_what_was_written_is_done_again(tmp_path, notes, left, harm):
    table, mark = left / "tables" / "squares-00001.parquet", left / "done" / "00001.json"
    match harm:
        case "cut":
            table.write_bytes(table.read_bytes()[:-9])
        case "replaced":  # a sound table, of another shard
            table.write_bytes((left / "tables" / "squares-00000.parquet").read_bytes())
        case "gone":
            table.unlink()
        case "mark cut":
            mark.write_bytes(mark.read_bytes()[:7])
    assert squares(tmp_path, Squares(notes)) == SQUARES
    assert worked(notes) == [1, 2, 1, 1]


def test_datatroves_mark_alone_is_not_believed(tmp_path, notes, left):
    (left / "done" / "00002.json").unlink()
    assert (left / "log" / "completions" / "00002").exists()
    assert squares(tmp_path, Squares(notes)) == SQUARES
    assert worked(notes) == [1, 1, 2, 1]


def test_a_shard_that_failed_before_its_driver_was_killed_is_tried_again(tmp_path, notes, left):
    (left / "done" / "00002.json").unlink()
    (left / "failed" / "00002").write_text("the disk was full")
    assert squares(tmp_path, Squares(notes)) == SQUARES
    assert worked(notes) == [1, 1, 2, 1]


def test_work_on_other_inputs_does_not_meet_what_was_done(tmp_path, notes, left):
    (tmp_path / "read").write_text("another model")
    assert squares(tmp_path, Squares(notes), reads=[tmp_path / "read"]) == SQUARES
    assert worked(notes) == [2, 2, 2, 2]
    assert not left.exists()


def test_the_identity_changes_with_work_rows_shards_and_files_read(tmp_path, notes):
    read = tmp_path / "read"
    read.write_text("a")
    seen = {identity_of(Squares(notes), ROWS, 4, [read]), identity_of(Squares(notes), ROWS, 3, [read]),
            identity_of(Squares(notes + "x"), ROWS, 4, [read]), identity_of(DiesOnce(notes), ROWS, 4, [read]),
            identity_of(Squares(notes), ROWS[::-1], 4, [read]), identity_of(Squares(notes), ROWS, 4, [])}
    read.write_text("b")
    assert identity_of(Squares(notes), ROWS, 4, [read]) not in seen
    assert len(seen) == 6
    read.write_text("a")
    assert identity_of(Squares(notes), ROWS, 4, [read]) in seen


def test_the_code_that_works_is_part_of_the_identity(tmp_path, monkeypatch):
    source = "from dataclasses import dataclass\n\n@dataclass(frozen=True)\nclass W:\n    a: int = {}\n"
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "worked_for.py").write_text(source.format(1))
    import worked_for

    one = identity_of(worked_for.W(a=3), ROWS, 1, [])
    (tmp_path / "worked_for.py").write_text(source.format(2))
    assert identity_of(worked_for.W(a=3), ROWS, 1, []) != one


def test_an_error_after_the_shards_keeps_them_for_the_next_run(tmp_path, notes):
    with pytest.raises(RuntimeError), sharded(Squares(notes), ROWS, tmp_path / "out", TWO, "rows"):
        raise RuntimeError("the disk is full")
    assert squares(tmp_path, Squares(notes)) == SQUARES
    assert worked(notes) == [1, 1, 1, 1]


@pytest.mark.parametrize(("megabytes", "count"), [([1] * 12, 4), ([100] * 12, 12), ([100, 100, 60], 3), ([30], 1)])
def test_large_rows_make_more_shards_than_workers_ask_for(megabytes, count):
    rows = pl.DataFrame({"bytes": [size << 20 for size in megabytes]})
    assert shard_count(rows, TWO.model_copy(update={"max_shard_mb": 100})) == count


def test_a_table_that_is_asked_for_in_order_comes_sorted_by_shard(tmp_path, notes):
    with sharded(Squares(notes), ROWS[::-1], tmp_path / "out", TWO, "rows", sort={"squares": "n"}) as tables:
        for file in tables["squares"]:
            assert pl.read_parquet(file)["n"].is_sorted()
        done = [json.loads(path.read_bytes()) for path in (tmp_path / ".out.resume").glob("*/done/*")]
    assert {tuple(mark) for mark in done} == {("squares",)}
