"""Run a causal training job here, or in processes that `accelerate launch` starts.

    python -m pipeline.train.worker --job JOB.json      one process of a run; started by accelerate
"""

from pathlib import Path

from pipeline.train.causal import RESULT, CausalJob, train_causal
from pipeline.train.process import job_process, run_job

MODULE = "pipeline.train.worker"


def run_causal(job: CausalJob) -> None:
    """Run `job` to its end: in this process, or in as many as it asks for.

    A result that is there already is kept: `job.out` lies in a folder named by the run's identity.
    """
    if not (Path(job.out) / RESULT).is_file():
        run_job(MODULE, job, train_causal, job.training, Path(job.state))


def main(arguments: list[str] | None = None) -> None:
    """Entry of one process."""
    job_process(CausalJob, train_causal, __doc__, arguments)


if __name__ == "__main__":
    main()
