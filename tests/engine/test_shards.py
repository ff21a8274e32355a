from pathlib import Path

import polars as pl
import pytest

from pipeline.engine.execution import load_execution
from pipeline.engine.shards import ShardsFailed, gathered, sharded
from pipeline.schema.errors import BadInput
from pipeline.schema.execution import Execution

LOCAL = Execution(engine="local", workers=1, shards_per_worker=2, ray_address="local", slurm_partition="cpu",
                  slurm_time="00:10:00", slurm_mem_per_cpu_gb=1, slurm_poll_s=0.1)
ROWS = pl.DataFrame({"n": list(range(11))})


def squares(rows, tick):
    for _ in range(rows.height):
        tick()
    return {"squares": rows.select(n=pl.col("n"), square=pl.col("n") ** 2)}


def fails_on_seven(rows, tick):
    if 7 in rows["n"]:
        raise ValueError("seven is not liked")
    return squares(rows, tick)


def run(folder: Path, work=squares, **changes):
    with sharded(work, ROWS, folder, LOCAL.model_copy(update=changes), "rows") as tables:
        return gathered(tables)


@pytest.mark.parametrize("workers", [1, 2])
def test_every_row_is_worked_on_once_however_many_workers(tmp_path, workers):
    table = run(tmp_path / "run", workers=workers)["squares"].sort("n")
    assert table.rows() == [(n, n * n) for n in range(11)]


def test_a_shard_that_fails_stops_the_run_with_the_reason(tmp_path):
    with pytest.raises(ShardsFailed, match=r"1 of 2 shards did not finish.*seven is not liked"):
        run(tmp_path / "run", work=fails_on_seven)


def refuses(rows, tick):
    raise BadInput("notes.md", "is not what it must be", do="mend it")


def test_an_error_of_ours_is_given_as_its_sentence_without_a_trace(tmp_path):
    with pytest.raises(ShardsFailed) as caught:
        run(tmp_path / "run", work=refuses)
    assert str(caught.value) == ("engine: 2 of 2 shards did not finish, got notes.md: is not what it must be; mend it; "
                                 "mend the cause and run again")


def test_fewer_rows_than_shards_leave_no_shard_empty(tmp_path):
    execution = LOCAL.model_copy(update={"shards_per_worker": 50})
    with sharded(squares, ROWS.head(2), tmp_path / "run", execution, "rows") as tables:
        assert [len(files) for files in tables.values()] == [2]
        assert gathered(tables)["squares"].height == 2


def test_the_engine_ray_says_what_is_missing(tmp_path):
    pytest.importorskip("datatrove")
    try:
        import ray  # noqa: F401
    except ImportError:
        with pytest.raises(BadInput, match="`ray` is not installed"):
            run(tmp_path / "run", engine="ray")


def test_the_engine_slurm_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BadInput, match="`slurm` needs `sbatch`"):
        run(tmp_path / "run", engine="slurm")


def test_the_repository_names_a_sound_execution():
    assert load_execution().engine == "local"


def test_an_unknown_engine_is_refused(tmp_path):
    path = tmp_path / "execution.yaml"
    path.write_text(Path("execution.yaml").read_text().replace("engine: local", "engine: dask"))
    with pytest.raises(BadInput, match="engine"):
        load_execution(path)
