"""Run a causal training job here, or in processes that `accelerate launch` starts.

    python -m pipeline.train.worker --job JOB.json      one process of a run; started by accelerate
"""

import argparse
import sys
from pathlib import Path

from pipeline.engine.launch import launch, needs_launch
from pipeline.schema.errors import PedigreeError
from pipeline.stage.outputs import write_json
from pipeline.train.causal import RESULT, CausalJob, train_causal

MODULE = "pipeline.train.worker"


def run_job(job: CausalJob) -> None:
    """Run `job` to its end: in this process, or in as many as it asks for.

    A result that is there already is kept: `job.out` lies in a folder named by the run's identity.
    """
    params = job.training
    if (Path(job.out) / RESULT).is_file():
        return
    if not needs_launch(params.world_size, params.deepspeed):
        train_causal(job)
        return
    path = Path(job.state) / "job.json"
    write_json(path, job.model_dump(mode="json"))
    launch(MODULE, path, params.world_size, params.precision, params.deepspeed)


def main(arguments: list[str] | None = None) -> None:
    """Entry of one process; a user's mistake is one line, not a trace."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--job", type=Path, required=True)
    options = parser.parse_args(arguments)
    try:
        train_causal(CausalJob.model_validate_json(options.job.read_text(encoding="utf-8")))
    except PedigreeError as err:
        sys.exit(f"error: {err}")


if __name__ == "__main__":
    main()
