"""Stage `rs_sft`: fine-tune on the dialogues that survived (rejection sampling, arXiv:2308.01825).

Reads   --model      a full checkpoint
        --adapter    the policy that held the dialogues; its adapter is trained on
        --dialogues  table `pipeline.schema.examples.DIALOGUES`; rows with `kept`
Writes  --out        an adapter on --model
        --metrics    dialogues, steps, trained tokens, last loss
        --curve      CSV: step, loss (nats per trained token), lr
"""

import json
import shutil
from pathlib import Path

import polars as pl

from pipeline.lm.determinism import numeric_platform
from pipeline.schema.env import Env
from pipeline.schema.examples import MESSAGES
from pipeline.schema.rs_sft import RsSft
from pipeline.stage.outputs import output_dir, write_json
from pipeline.stage.params import load_section
from pipeline.stage.run import run_stage
from pipeline.tables.parquet import read_table, write_table
from pipeline.train.adapter import RESULT
from pipeline.train.curve import write_curve
from pipeline.train.resume import resume_folder, training_identity
from pipeline.train.sft import SftJob, run_sft

CONVERSATIONS = {"key": pl.String(), "messages": MESSAGES}


def main(model: Path, adapter: Path, dialogues: Path, out: Path, metrics: Path, curve: Path,
         params: RsSft) -> dict[str, object]:
    """Train the adapter on every assistant turn of the survivors."""
    kept = read_table(dialogues).filter(pl.col("kept")).select(key="dialogue_id", messages="messages")
    identity = training_identity("rs_sft", params, {"model": model, "adapter": adapter, "dialogues": dialogues})
    with resume_folder(out, identity) as state:
        with output_dir(state / "conversations") as folder:
            write_table(kept, folder, ["key"], CONVERSATIONS)
        trained = state / "trained"
        run_sft(SftJob(stage="rs_sft", on=str(model), adapter=str(adapter),
                       conversations=str(state / "conversations"), state=str(state), out=str(trained),
                       threads=load_section(Env, "env").threads, shape=None, training=params.training))
        result = json.loads((trained / RESULT).read_text(encoding="utf-8"))
        with output_dir(out) as scratch:
            shutil.copytree(trained / "adapter", scratch, dirs_exist_ok=True)
        points = result.pop("curve")
        write_curve(curve, points)
        write_json(metrics, {**result, **({"last_loss": points[-1]["loss"]} if points else {})})
    return {"platform": numeric_platform(), "steps": result["steps"]}


if __name__ == "__main__":
    run_stage(main, RsSft)
