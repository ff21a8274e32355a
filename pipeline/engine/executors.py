"""datatrove's executors behind one call: local processes, Ray, Slurm.

Each is a small subclass of datatrove's, for what it does when a worker is killed: the pool of its
local executor, and the pool inside each of its Ray actors, wait for ever for the answer of a process
that is gone. What finished is not said here: whoever calls `execute` looks at the shards' own marks.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, redirect_stderr, suppress
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from datatrove.executor import LocalPipelineExecutor, SlurmPipelineExecutor
from datatrove.executor.base import PipelineExecutor
from datatrove.executor.ray import RayPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from loguru import logger

from pipeline.schema.errors import BadInput
from pipeline.schema.execution import Execution
from pipeline.stage.confined import note_elsewhere
from pipeline.stage.policy import ray_folder

GONE = "Invalid job id"
"""What `squeue` says of a job it no longer knows; another error of its is not an answer."""


class LocalExecutor(LocalPipelineExecutor):
    """Processes of this machine, which end with this one. A single worker, or that of a single task, is this process.

    The log goes to the log folder and not to the terminal.
    """

    def run(self) -> None:
        """Run what is not complete, at most `workers` tasks at a time."""
        ranks: SimpleQueue[int] = SimpleQueue()
        for rank in self.get_incomplete_ranks(range(self.tasks)):
            ranks.put(rank)
        if self.workers == 1 or self.tasks == 1:
            for rank in _taken(ranks):
                with suppress(Exception):  # the step has written why
                    self._run_for_rank(rank)
            return
        count = min(self.workers, ranks.qsize())
        with ThreadPoolExecutor(count) as lanes:
            try:
                wait([lanes.submit(self._lane, ranks) for _ in range(count)])
            finally:
                list(_taken(ranks))  # after an interrupt: what runs ends, nothing else starts

    def _lane(self, ranks: SimpleQueue[int]) -> None:
        """Work off `ranks` in a process, and in another when that is killed: only its own task is lost."""
        context = get_context("forkserver")  # not fork: threads of polars do not survive one
        while not ranks.empty():
            with ProcessPoolExecutor(1, context, initializer=_end_with_driver) as pool:
                for rank in _taken(ranks):
                    if isinstance(pool.submit(self._run_for_rank, rank).exception(), BrokenProcessPool):
                        break

    def _run_for_rank(self, rank: int, local_rank: int = 0, node_rank: int = -1) -> Any:
        with Path(os.devnull).open("w") as nowhere, redirect_stderr(nowhere):
            return super()._run_for_rank(rank, local_rank, node_rank)


class RayExecutor(RayPipelineExecutor):
    """Plain Ray tasks, spread over the nodes; Ray starts one again whose worker or node was lost."""

    def run(self) -> None:
        """Run what is not complete, at most `workers` tasks at a time."""
        import ray

        remote = ray.remote(_run_rank).options(num_cpus=1, max_retries=3, scheduling_strategy="SPREAD")
        this = ray.put(self)
        running: set[Any] = set()
        for rank in self.get_incomplete_ranks(range(self.tasks)):
            if len(running) >= self.workers:
                running -= set(ray.wait(list(running), num_returns=1)[0])
            running.add(remote.remote(this, rank))
        ray.wait(list(running), num_returns=len(running))


class SlurmExecutor(SlurmPipelineExecutor):
    """An array job, without the job that merges datatrove's statistics: after a failed task it would wait for ever."""

    def launch_merge_stats(self) -> None:
        """Nothing: nobody reads the statistics."""


def execute(step: PipelineStep, count: int, log: Path, execution: Execution) -> None:
    """Run those of `count` tasks of `step` that datatrove has no completion mark of, to their end, good or bad.

    Raises:
        BadInput: the engine is not installed or not there.
    """
    common = {"pipeline": [step], "tasks": count, "workers": execution.workers, "logging_dir": str(log.resolve())}
    logger.remove()
    # the cluster is not looked for in this stage's own folder for temporary files
    ray_place = {"RAY_TMPDIR": str(ray_folder().parent)} if execution.ray_address != "local" else {}
    with _environment(**_of_workers(), LOGURU_LEVEL="CRITICAL", **ray_place):
        match execution.engine:
            case "local":
                LocalExecutor(**common).run()
            case "ray":
                _run_ray(common, execution)
            case "slurm":
                _run_slurm(common, execution)


def _run_ray(common: dict[str, Any], execution: Execution) -> None:
    try:
        import ray
    except ImportError as err:
        raise BadInput("execution.yaml", "engine `ray` is not installed", do="install the `scale` group") from err
    address = None if execution.ray_address == "local" else execution.ray_address
    if address is not None:
        note_elsewhere("ray")
    ours = not ray.is_initialized()
    if ours:
        ray.init(address=address, runtime_env={"env_vars": _of_workers()}, log_to_driver=False)
    try:
        RayExecutor(**common).run()
    finally:
        if ours:
            ray.shutdown()


def _run_rank(executor: PipelineExecutor, rank: int) -> None:
    """One task in a Ray worker, with the log where all are: Ray's own log folder is of one machine."""
    PipelineExecutor._run_for_rank(executor, rank)


def _run_slurm(common: dict[str, Any], execution: Execution) -> None:
    """Submit the array job and wait until the queue no longer knows it."""
    note_elsewhere("slurm")
    python = Path(sys.executable).parent
    executor = SlurmExecutor(
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
    """Whether the queue knows `job`; a queue that does not answer may still know it."""
    found = subprocess.run(["squeue", "--noheader", "--jobs", job], capture_output=True, text=True, check=False)
    return found.stdout.strip() != "" if found.returncode == 0 else GONE not in found.stderr


def _taken(ranks: SimpleQueue[int]) -> Iterator[int]:
    with suppress(Empty):
        while True:
            yield ranks.get_nowait()


def _end_with_driver() -> None:
    """End this worker when the process that it works for is gone, in the middle of whatever it does.

    The fork server, its parent in the system's eyes, lives for as long as any worker does.
    """
    driver = parent_process()
    assert driver is not None  # only called in workers
    Thread(target=_end_after, args=(driver.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    connection.wait([sentinel])
    os.kill(os.getpid(), signal.SIGKILL)


def _of_workers() -> dict[str, str]:
    """Environment: they import `pipeline` whatever folder they start in, and no log tells what is in variables.

    What is in variables, documents, is what loguru's DIAGNOSE would write beside a trace.
    """
    path = os.pathsep.join(filter(None, [str(Path.cwd()), os.environ.get("PYTHONPATH")]))
    return {"PYTHONPATH": path, "LOGURU_DIAGNOSE": "NO"}


@contextmanager
def _environment(**changes: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(changes)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
