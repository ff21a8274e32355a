"""Stage `gate`: compare one checkpoint with the one before it; say pass, regression or no evidence.

Reads   --checkpoint      its name, as `params.yaml: gate.checks` has it
        --before-answers  answers table of the checkpoint before;  --before-metrics  its metrics.json
        --after-answers   answers table of this checkpoint;        --after-metrics   its metrics.json
Writes  --out             gate.json: the verdict, and for each check the values before and after, their
                          difference with its interval, n and threshold; the judge's win rate

It records; only with `stop_on_regression` does a regression end the run, after gate.json is written.
"""

from pathlib import Path

from pipeline.evals.gate import REGRESSION, gate_record
from pipeline.schema.errors import BrokenContract
from pipeline.schema.gate import Gate
from pipeline.stage.outputs import write_json
from pipeline.stage.params import read_json
from pipeline.stage.run import run_stage
from pipeline.tables.parquet import read_table


def main(checkpoint: str, before_answers: Path, before_metrics: Path, after_answers: Path, after_metrics: Path,
         out: Path, params: Gate) -> None:
    """Write the verdict on `checkpoint`.

    Raises:
        BrokenContract: it lost ground and params say that this stops the run.
    """
    record = gate_record(
        checkpoint, (read_table(before_answers), read_json(before_metrics)),
        (read_table(after_answers), read_json(after_metrics)), params, first=before_answers == after_answers)
    write_json(out, record)
    if params.stop_on_regression and record["verdict"] == REGRESSION:
        raise BrokenContract(f"gate of {checkpoint}", str(record["reason"]),
                             do=f"read {out}; mend the stage, or set `gate.stop_on_regression: false`")


if __name__ == "__main__":
    run_stage(main, Gate)
