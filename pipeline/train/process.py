"""The processes of a training job: this one, or as many as `accelerate launch` starts.

A module that trains is run by the launcher as `python -m <module> --job JOB.json`, once per process.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pipeline.engine.launch import launch, needs_launch
from pipeline.schema.errors import PedigreeError
from pipeline.schema.section import Section
from pipeline.schema.training import TrainingRun
from pipeline.stage.outputs import write_json

Job = TypeVar("Job", bound=Section)


def run_job(module: str, job: Job, train: Callable[[Job], None], params: TrainingRun, state: Path) -> None:
    """Run `train(job)` to its end.

    Args:
        module: what each process runs; its `main` is `job_process`.
        state: folder for the job file that the processes read.
    """
    if not needs_launch(params.world_size, params.deepspeed):
        train(job)
        return
    path = state / "job.json"
    write_json(path, job.model_dump(mode="json"))
    launch(module, path, params.world_size, params.precision, params.deepspeed)


def job_process(kind: type[Job], train: Callable[[Job], None], doc: str | None,
                arguments: list[str] | None = None) -> None:
    """Entry of one process; a user's mistake is one line, not a trace."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--job", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        train(kind.model_validate_json(options.job.read_text(encoding="utf-8")))
    except PedigreeError as err:
        sys.exit(f"error: {err}")
