"""Direct preference optimisation of a LoRA adapter against the policy the round starts from.

    python -m pipeline.train.dpo --job JOB.json      one process of a run; started by accelerate

The reference. Given a model that already carries an adapter, TRL 1.16 copies it to a frozen adapter
`ref` (`DPOTrainer.__init__`), but copies only parameters whose name holds `.default.`: the embeddings
of single trained tokens end in `.default`, so the copy would keep the base's embeddings and the
reference would be neither policy nor base. They are copied here, and the first batch proves the
whole: where policy and reference are one, every implicit reward, beta * ln(policy / reference), is 0
(Rafailov et al. 2023, arXiv:2305.18290, section 4).
"""

from pathlib import Path

import polars as pl
import torch
from peft import PeftModel
from pydantic import Field
from transformers import PreTrainedTokenizerBase
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DPOTrainer

from pipeline.lm.determinism import configure
from pipeline.lm.load import load_policy, load_tokenizer
from pipeline.schema.dpo import Dpo
from pipeline.schema.errors import BadInput, BrokenContract
from pipeline.schema.section import Section
from pipeline.tables.parquet import read_table
from pipeline.text.answers import Message
from pipeline.train.adapter import (
    DTYPES,
    as_dataset,
    check_room,
    common_arguments,
    quiet,
    run_order,
    show_head_bias,
    write_adapter,
)
from pipeline.train.process import job_process, run_job
from pipeline.train.resume import train_resumably

MODULE = "pipeline.train.dpo"

REFERENCE = "ref"
"""The name TRL gives the frozen copy of the adapter."""

START_TOLERANCE = 1e-5
"""Largest first reward, nats; the forward passes are the same, so rounding is below it."""


class DpoJob(Section):
    """One round, complete: what it reads, what it writes, every number."""

    on: str
    """Folder of the full model under the adapter."""
    adapter: str
    """Folder of the adapter the round starts from; also the reference."""
    pairs: str
    """Table `pipeline.schema.examples.PAIRS`."""
    state: str
    """Folder for training state, see `pipeline.train.resume`."""
    out: str
    """Folder that `adapter/` and `result.json` are written into."""
    threads: int = Field(ge=1)
    params: Dpo


def run_dpo(job: DpoJob) -> None:
    """Run `job` to its end: in this process, or in as many as it asks for."""
    run_job(MODULE, job, train_dpo, job.params.training, Path(job.state))


def train_dpo(job: DpoJob) -> None:
    """Run `job` in this process, one of its world size; rank 0 writes the result."""
    params = job.params.training
    configure(params.seed, job.threads)
    trainer, policy, counts = make_trainer(job)
    quiet(trainer)
    start = start_reward(trainer)
    train_resumably(trainer)
    policy.delete_adapter(REFERENCE)
    write_adapter(trainer, policy, Path(job.on), Path(job.out), {
        "curve": preference_curve(trainer.state.log_history), "steps": trainer.state.max_steps,
        "start_reward": start, **counts})


def make_trainer(job: DpoJob) -> tuple[DPOTrainer, PeftModel, dict[str, int]]:
    """The trainer over the whole run's pairs in their order, the policy, and counts for the result."""
    params = job.params.training
    tokenizer = load_tokenizer(Path(job.on))
    pairs = read_table(Path(job.pairs))
    rows = [row for row in preference_rows(pairs) if longest(tokenizer, row) <= params.max_tokens]
    check_room(len(rows), pairs.height, params, "dpo")
    order = run_order([longest(tokenizer, row) for row in rows], params)
    args = DPOConfig(**common_arguments(Path(job.state), params, len(order)), beta=job.params.beta,
                     label_smoothing=job.params.label_smoothing, loss_type=["sigmoid", "sft"],
                     loss_weights=[1.0, job.params.chosen_nll], max_length=params.max_tokens,
                     precompute_ref_log_probs=False, disable_dropout=True)
    policy = load_policy(Path(job.adapter), Path(job.on), trainable=True, dtype=DTYPES[params.weights],
                         quantisation=params.quantisation)
    if not isinstance(policy, PeftModel):
        raise BadInput(job.adapter, "is not an adapter", wanted="the LoRA adapter of the policy")
    show_head_bias(policy)
    trainer = DPOTrainer(model=policy, args=args, processing_class=tokenizer, train_dataset=as_dataset(rows, order))
    freeze_reference(policy)
    return trainer, policy, {"pairs": len(rows), "left_out_as_too_long": pairs.height - len(rows)}


def preference_rows(pairs: pl.DataFrame) -> list[dict[str, list[Message]]]:
    """Pairs as TRL's conversational preference rows, in table order."""
    return [{"prompt": prompt, "chosen": [{"role": "assistant", "content": chosen}],
             "rejected": [{"role": "assistant", "content": rejected}]}
            for prompt, chosen, rejected in pairs.select("prompt", "chosen", "rejected").iter_rows()]


def longest(tokenizer: PreTrainedTokenizerBase, row: dict[str, list[Message]]) -> int:
    """Tokens of the longer of the two conversations of a pair."""
    texts = [tokenizer.apply_chat_template(row["prompt"] + row[side], tokenize=False)
             for side in ("chosen", "rejected")]
    return max(len(ids) for ids in tokenizer(texts, add_special_tokens=False)["input_ids"])


def freeze_reference(policy: PeftModel) -> None:
    """Make adapter `ref` the whole policy as it is now, and take no gradient for it."""
    source = dict(policy.named_parameters())
    for name, parameter in source.items():
        own = name.replace(f".{REFERENCE}.", ".default.")
        if name.endswith(f".{REFERENCE}"):
            own = name.removesuffix(REFERENCE) + "default"
        if own != name:
            parameter.data.copy_(source[own].data)
            parameter.requires_grad_(False)


@torch.no_grad()
def start_reward(trainer: DPOTrainer) -> float:
    """The largest mean reward, nats, of the first batch's chosen or rejected answers before any step.

    Raises:
        BrokenContract: it is not 0, so the reference is not the policy the round starts from.
    """
    if trainer.is_deepspeed_enabled:  # a sharded model has no forward pass before its engine exists
        return 0.0
    batch = next(iter(trainer.get_train_dataloader()))
    trainer.compute_loss(trainer.model, trainer._prepare_inputs(batch))  # as a step does
    metrics = trainer._metrics["train"]
    found = max(abs(metrics[f"rewards/{side}"][-1]) for side in ("chosen", "rejected"))
    metrics.clear()  # or this batch would be in the first point of the curve
    if not found <= START_TOLERANCE:
        raise BrokenContract("dpo", "the reference is not the policy the round starts from",
                             wanted="first rewards of 0", got=f"{found:.6f} nats",
                             do="check the installed TRL: it must copy the whole adapter to `ref`")
    return found


def preference_curve(history: list[dict[str, float]]) -> list[dict[str, float]]:
    """Points of curve.csv: loss, share of pairs whose chosen answer the policy prefers, mean margin in nats."""
    return [{"step": entry["step"], "loss": entry["loss"], "lr": entry["learning_rate"],
             "accuracy": entry["rewards/accuracies"], "margin": entry["rewards/margins"]}
            for entry in history if "loss" in entry]


if __name__ == "__main__":
    job_process(DpoJob, train_dpo, __doc__)
