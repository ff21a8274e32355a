"""Stage `sft`: teach the domain model the answer format and citations, as a LoRA adapter.

Reads   --model     a full checkpoint
        --examples  table `pipeline.schema.examples.EXAMPLES`; its train split is trained, heldout measured
Writes  --out       an adapter on --model
        --metrics   steps, tokens, loss on the answers of the held-out examples before and after
        --curve     CSV: step, loss (nats per trained token), lr
"""

import json
import shutil
from pathlib import Path

import polars as pl

from pipeline.lm.determinism import configure, numeric_platform
from pipeline.lm.load import load_model, load_policy, load_tokenizer
from pipeline.schema.env import Env
from pipeline.schema.examples import MESSAGES
from pipeline.schema.sft import Sft
from pipeline.stage.outputs import output_dir, write_json
from pipeline.stage.params import load_section
from pipeline.stage.run import run_stage
from pipeline.tables.parquet import read_table, write_table
from pipeline.text.answers import Message, prompt_messages
from pipeline.train.adapter import RESULT
from pipeline.train.curve import write_curve
from pipeline.train.resume import resume_folder, training_identity
from pipeline.train.sft import SftJob, answer_loss, encode_all, run_sft

CONVERSATIONS = {"key": pl.String(), "messages": MESSAGES}


def main(model: Path, examples: Path, out: Path, metrics: Path, curve: Path, params: Sft) -> dict[str, object]:
    """Train a new adapter on the train split; measure on the held-out one."""
    threads = load_section(Env, "env").threads
    table = read_table(examples)
    identity = training_identity("sft", params, {"model": model, "examples": examples})
    with resume_folder(out, identity) as state:
        with output_dir(state / "conversations") as folder:
            write_table(conversations(table.filter(split="train")), folder, ["key"], CONVERSATIONS)
        trained = state / "trained"
        run_sft(SftJob(stage="sft", on=str(model), adapter="", conversations=str(state / "conversations"),
                       state=str(state), out=str(trained), threads=threads, shape=params.lora,
                       training=params.training))
        configure(params.training.seed, threads)
        tokenizer = load_tokenizer(model)
        held = encode_all(tokenizer, conversations(table.filter(split="heldout"))["messages"].to_list(),
                          params.training.max_tokens)
        losses = {"before": answer_loss(load_model(model), held),
                  "after": answer_loss(load_policy(trained / "adapter", model), held)}
        result = json.loads((trained / RESULT).read_text(encoding="utf-8"))
        with output_dir(out) as scratch:
            shutil.copytree(trained / "adapter", scratch, dirs_exist_ok=True)
        write_curve(curve, result.pop("curve"))
        write_json(metrics, {"heldout_answer_loss": losses, "heldout_examples": len(held), "training": result})
    return {"platform": numeric_platform(), "steps": result["steps"]}


def conversations(examples: pl.DataFrame) -> pl.DataFrame:
    """Each example as a conversation of one question and one answer."""
    messages: list[list[Message]] = [
        [*prompt_messages(passages, question), {"role": "assistant", "content": answer}]
        for passages, question, answer in examples.select("passages", "question", "answer").iter_rows()]
    return pl.DataFrame({"key": examples["example_id"], "messages": messages}, schema=CONVERSATIONS)


if __name__ == "__main__":
    run_stage(main, Sft)
