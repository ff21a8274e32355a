"""datatrove's executors behind one call: local processes, Ray, Slurm.

datatrove counts a failed task but does not raise on every engine; whoever calls `execute` must look
at the completion marks in `log`.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any

from datatrove.executor import LocalPipelineExecutor, SlurmPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from loguru import logger

from pipeline.schema.errors import BadInput
from pipeline.schema.execution import Execution
from pipeline.stage.confined import note_elsewhere


class QuietLocalExecutor(LocalPipelineExecutor):
    """Local processes whose log goes to the log folder and not to the terminal."""

    def _run_for_rank(self, rank: int, local_rank: int = 0, node_rank: int = -1) -> Any:
        with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
            return super()._run_for_rank(rank, local_rank, node_rank)


def execute(step: PipelineStep, count: int, log: Path, execution: Execution) -> None:
    """Run `count` tasks of `step` to their end, good or bad.

    Raises:
        BadInput: the engine is not installed or not there.
    """
    common = {"pipeline": [step], "tasks": count, "workers": execution.workers, "logging_dir": str(log.resolve())}
    logger.remove()
    # DIAGNOSE would write the values of variables, which are documents, into the log
    with _environment(PYTHONPATH=_python_path(), LOGURU_LEVEL="CRITICAL", LOGURU_DIAGNOSE="NO"):
        match execution.engine:
            case "local":
                _run_local(common)
            case "ray":
                _run_ray(common, execution)
            case "slurm":
                _run_slurm(common, execution)


def _run_local(common: dict[str, Any]) -> None:
    try:
        QuietLocalExecutor(**common).run()
    except Exception as err:  # of any kind: it is the worker's, and its traceback is in the task's log
        logger.debug(f"a task failed: {err!r}")


def _run_ray(common: dict[str, Any], execution: Execution) -> None:
    try:
        import ray
    except ImportError as err:
        raise BadInput("execution.yaml", "engine `ray` is not installed", do="install the `scale` group") from err
    from datatrove.executor.ray import RayPipelineExecutor

    address = None if execution.ray_address == "local" else execution.ray_address
    if address is not None:
        note_elsewhere("ray")
    ray.init(address=address, runtime_env={"env_vars": {"PYTHONPATH": _python_path()}}, log_to_driver=False)
    try:
        RayPipelineExecutor(**common).run()
    finally:
        ray.shutdown()


def _run_slurm(common: dict[str, Any], execution: Execution) -> None:
    """Submit the array job and wait until the queue no longer knows it."""
    note_elsewhere("slurm")
    python = Path(sys.executable).parent
    executor = SlurmPipelineExecutor(
        **common, time=execution.slurm_time, partition=execution.slurm_partition, job_name="pedigree",
        mem_per_cpu_gb=execution.slurm_mem_per_cpu_gb, qos="", requeue=False,
        env_command=f"export PATH={python}:$PATH; cd {Path.cwd()}")
    try:
        executor.run()
        while _queued(str(executor.job_id)):
            time.sleep(execution.slurm_poll_s)
    except FileNotFoundError as err:
        raise BadInput("execution.yaml", f"engine `slurm` needs `{err.filename}` on this machine") from err


def _queued(job: str) -> bool:
    found = subprocess.run(["squeue", "--noheader", "--jobs", job], capture_output=True, text=True, check=False)
    return found.returncode == 0 and found.stdout.strip() != ""


def _python_path() -> str:
    """Workers import `pipeline` whatever folder they start in."""
    return os.pathsep.join(filter(None, [str(Path.cwd()), os.environ.get("PYTHONPATH")]))


@contextmanager
def _environment(**changes: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(changes)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
