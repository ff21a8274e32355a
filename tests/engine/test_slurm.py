"""Slurm, as far as it can be tested without it: four shell scripts stand in for its commands."""

import os
import re
import stat
import sys
from pathlib import Path

import pytest

from pipeline.engine.executors import _queued
from pipeline.engine.shards import ShardsFailed, gathered, sharded
from tests.engine.test_shards import LOCAL, ROWS, fails_on_seven, squares

SQUARES = [(n, n * n) for n in range(11)]
SCRIPTS = {
    # runs the array at once, in the order of its ids, and keeps the script; a first array loses its task `$LOSES`
    "sbatch": """
script="${@: -1}"; last=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\).*/\\1/p' "$script")
count=$(ls "$QUEUE"/script-* 2>/dev/null | wc -l); cp "$script" "$QUEUE/script-$count"
for id in $(seq 0 ${last:-0}); do
  [ "$count" = 0 ] && [ "$id" = "$LOSES" ] && continue
  SLURM_ARRAY_TASK_ID=$id SLURM_NODELIST=here RUN_OFFSET=0 bash "$script" >&2
done
echo Submitted batch job 42""",
    "srun": 'while [ "${1#-}" != "$1" ] || [ "$1" = 1 ]; do shift; done; exec "$@"',
    "scontrol": "echo here",
    "squeue": "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1",
}


@pytest.fixture
def queue(tmp_path, monkeypatch):
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, body in SCRIPTS.items():
        (folder / name).write_text(f"#!/bin/bash\n{body}\n")
        (folder / name).chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("QUEUE", str(tmp_path))
    return tmp_path


def run(queue, work=squares, **changes):
    execution = LOCAL.model_copy(update={"engine": "slurm", **changes})
    with sharded(work, ROWS, queue / "run", execution, "rows") as tables:
        return gathered(tables)["squares"].sort("n").rows()


def test_slurm_gives_what_local_gives_and_the_script_asks_for_what_execution_yaml_names(queue):
    assert run(queue, workers=2, slurm_partition="night", slurm_time="01:30:00", slurm_mem_per_cpu_gb=3) == SQUARES
    [script] = queue.glob("script-*")
    asked = dict(re.findall(r"^#SBATCH --([a-z-]+)=(.*)$", script.read_text(), re.MULTILINE))
    assert asked["partition"] == "night"
    assert asked["time"] == "01:30:00"
    assert asked["mem-per-cpu"] == "3G"
    assert asked["array"] == "0-3%2"
    assert asked["cpus-per-task"] == "1"
    assert f"cd {Path.cwd()}" in script.read_text()


def test_a_task_that_slurm_lost_is_submitted_again_alone(queue, monkeypatch):
    monkeypatch.setenv("LOSES", "1")
    assert run(queue) == SQUARES
    arrays = [re.search(r"--array=(.*)", script.read_text())[1] for script in sorted(queue.glob("script-*"))]
    assert arrays == ["0-1%1", "0-0%1"]


def test_a_task_that_raises_is_not_submitted_again(queue):
    with pytest.raises(ShardsFailed, match=r"1 of 2 shards did not finish.*seven is not liked"):
        run(queue, work=fails_on_seven)
    assert len(list(queue.glob("script-*"))) == 1


@pytest.mark.parametrize(("answer", "queued"), [
    ("echo 42 night pedigree R", True), ("exit 0", False),
    ("echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1", False),
    ("echo 'slurm_load_jobs error: Socket timed out on send/recv operation' >&2; exit 1", True)])
def test_a_queue_that_does_not_answer_may_still_know_the_job(queue, answer, queued):
    (queue / "bin" / "squeue").write_text(f"#!/bin/bash\n{answer}\n")
    assert _queued("42") is queued
