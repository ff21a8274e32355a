"""Stage `dpo`: one round of direct preference optimisation; the same adapter is trained on.

Reads   --round    1, 2, ...; the pairs must be of this round
        --model    a full checkpoint
        --adapter  the policy the round starts from, which is also the reference
        --pairs    table `pipeline.schema.examples.PAIRS`
Writes  --out      an adapter on --model
        --metrics  pairs, steps, first reward (0), last loss, accuracy and margin
        --curve    CSV: step, loss, lr, accuracy, margin (nats)
"""

import json
import shutil
from pathlib import Path

from pipeline.lm.determinism import numeric_platform
from pipeline.schema.dpo import Dpo
from pipeline.schema.env import Env
from pipeline.schema.errors import BadInput
from pipeline.stage.outputs import output_dir, write_json
from pipeline.stage.params import load_section
from pipeline.stage.run import run_stage
from pipeline.tables.parquet import read_table
from pipeline.train.adapter import RESULT
from pipeline.train.curve import write_curve
from pipeline.train.dpo import DpoJob, run_dpo
from pipeline.train.resume import resume_folder, training_identity


def main(round: int, model: Path, adapter: Path, pairs: Path, out: Path, metrics: Path, curve: Path,
         params: Dpo) -> dict[str, object]:
    """Train on this round's pairs."""
    check_round(pairs, round)
    identity = training_identity("dpo", params, {"model": model, "adapter": adapter, "pairs": pairs}, round=round)
    with resume_folder(out, identity) as state:
        trained = state / "trained"
        run_dpo(DpoJob(on=str(model), adapter=str(adapter), pairs=str(pairs), state=str(state), out=str(trained),
                       threads=load_section(Env, "env").threads, params=params))
        result = json.loads((trained / RESULT).read_text(encoding="utf-8"))
        with output_dir(out) as scratch:
            shutil.copytree(trained / "adapter", scratch, dirs_exist_ok=True)
        points = result.pop("curve")
        write_curve(curve, points)
        last = {f"last_{name}": points[-1][name] for name in ("loss", "accuracy", "margin")} if points else {}
        write_json(metrics, {**result, **last, "round": round})
    return {"platform": numeric_platform(), "steps": result["steps"]}


def check_round(pairs: Path, round_: int) -> None:
    """Raise BadInput when a pair is of another round: its answers are not this policy's."""
    rounds = sorted(set(read_table(pairs)["round"]))
    if rounds != [round_]:
        raise BadInput(str(pairs), "holds pairs of another round", wanted=str(round_), got=str(rounds),
                       do="run `preferences` of this round")


if __name__ == "__main__":
    run_stage(main, Dpo)
