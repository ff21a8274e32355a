"""A tiny base, examples and params for the stages that sample from and train an adapter."""

import functools
import hashlib
import os
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.schema.adapter_training import AdapterShape, AdapterTraining
from pipeline.schema.dpo import Dpo
from pipeline.schema.examples import EXAMPLES, PAIRS
from pipeline.schema.sampling import Sample
from pipeline.schema.sft import Sft
from pipeline.tables.parquet import write_table
from pipeline.text.answers import prompt_messages
from tests import tiny

SHAPE = tiny.SHAPE.model_copy(update={"context": 512})
LORA = AdapterShape(rank=4, alpha=8, dropout=0.0, targets=["all-linear"],
                    trained_tokens=["<|im_start|>", "<|im_end|>"], seed=3)


def training(**changes: Any) -> AdapterTraining:
    """A run of a second or two."""
    values: dict[str, Any] = {
        "batch_examples": 2, "accumulation": 1, "epochs": 2.0, "max_tokens": 512, "max_left_out": 0.0,
        "learning_rate": 0.01, "weight_decay": 0.0, "warmup": 0.1, "decay": 0.5, "max_grad_norm": 1.0,
        "precision": "fp32", "weights": "fp32", "quantisation": "none", "gradient_checkpointing": False,
        "world_size": 1, "deepspeed": "", "log_steps": 1, "save_steps": 3, "seed": 1}
    return AdapterTraining(**{**values, **changes})


def sft(**changes: Any) -> Sft:
    return Sft(lora=LORA, training=training(**changes))


def dpo(chosen_nll: float = 1.0, **changes: Any) -> Dpo:
    return Dpo(beta=0.1, label_smoothing=0.0, chosen_nll=chosen_nll, training=training(epochs=1.0, **changes))


def sampling(**changes: Any) -> Sample:
    return Sample(**{"max_new_tokens": 12, "temperature": 1.0, "top_p": 0.95, "batch_size": 4, "seed": 7, **changes})


def write_base(folder: Path) -> Path:
    """An untrained full checkpoint with room for prompts."""
    return tiny.write_base(folder, shape=SHAPE)


def examples(count: int = 12) -> pl.DataFrame:
    """Two examples on each document, every sixth held out."""
    rows = []
    for number in range(count):
        doc_id = hashlib.sha256(str(number // 2).encode()).hexdigest()[:16]
        subject, deed = tiny.SUBJECTS[number % 7], tiny.DEEDS[number % 5]
        said, other = f"{subject} {deed} at noon.", f"{tiny.SUBJECTS[(number + 1) % 7]} rests."
        rows.append({
            "example_id": f"{number:016x}", "kind": "section_qa", "split": "heldout" if number % 6 == 5 else "train",
            "doc_id": doc_id, "passages": [said, other], "question": f"What of {subject.lower()}?",
            "answer": f"Answer: {said}\nSource: [1]", "source": 1, "citation_start": 0, "citation_end": len(said),
            "review_state": "generated"})
    return pl.DataFrame(rows, schema=EXAMPLES)


def write_examples(folder: Path, table: pl.DataFrame | None = None) -> Path:
    folder.mkdir(parents=True)
    write_table(examples() if table is None else table, folder, ["example_id"], EXAMPLES)
    return folder


def write_pairs(folder: Path, round_: int = 1) -> Path:
    """A pair for each train example: its answer against a refusal."""
    rows = [{"pair_id": row["example_id"], "round": round_, "example_id": row["example_id"],
             "prompt": prompt_messages(row["passages"], row["question"]), "chosen": row["answer"],
             "rejected": "Answer: The passages do not say.\nSource: none", "chosen_score": 1.0, "rejected_score": 0.5,
             "chosen_parts": [], "rejected_parts": [], "chosen_seed": 1, "rejected_seed": 2}
            for row in examples().filter(split="train").iter_rows(named=True)]
    folder.mkdir(parents=True)
    write_table(pl.DataFrame(rows, schema=PAIRS), folder, ["pair_id"], PAIRS)
    return folder


def in_folder(folder: Path) -> Any:
    """Run the decorated call with `folder`, which holds params.yaml, as working directory."""
    tiny.write_env(folder)

    def decorate(call: Any) -> Any:
        @functools.wraps(call)
        def inside(*args: Any, **kwargs: Any) -> Any:
            before = Path.cwd()
            os.chdir(folder)
            try:
                return call(*args, **kwargs)
            finally:
                os.chdir(before)
        return inside
    return decorate
