"""Supervised fine-tuning of a LoRA adapter on conversations, loss on the assistant's turns alone.

    python -m pipeline.train.sft --job JOB.json      one process of a run; started by accelerate

Tokens and labels are made here and not by TRL, so that they can be checked before a step is taken:
the trained tokens of every example must read as the assistant's turns, each with its end token.
A chat template without `{% generation %}` gives masks of all zeros or all ones elsewhere, and a
normal-looking loss curve (NVIDIA-NeMo/Megatron-Bridge#3359, marin-community/marin#7237).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from peft import PeftModel
from pydantic import Field
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from pipeline.lm.determinism import configure
from pipeline.lm.load import load_model, load_policy, load_tokenizer
from pipeline.schema.adapter_training import AdapterShape, AdapterTraining
from pipeline.schema.errors import BadInput
from pipeline.schema.section import Section
from pipeline.tables.parquet import read_table
from pipeline.text.answers import Message
from pipeline.train.adapter import (
    DTYPES,
    as_dataset,
    check_room,
    common_arguments,
    new_adapter,
    quiet,
    run_order,
    show_head_bias,
    write_adapter,
)
from pipeline.train.curve import loss_curve
from pipeline.train.process import job_process, run_job
from pipeline.train.resume import train_resumably

MODULE = "pipeline.train.sft"
IGNORE = -100
"""Label of a token that adds nothing to the loss."""


class SftJob(Section):
    """One run, complete: what it reads, what it writes, every number."""

    stage: str
    """Named in errors."""
    on: str
    """Folder of the full model under the adapter."""
    adapter: str
    """Folder of the adapter to go on from; "" makes a new one of `shape`."""
    conversations: str
    """Table with column `messages` (`pipeline.schema.examples.MESSAGES`), in the order of its key."""
    state: str
    """Folder for training state, see `pipeline.train.resume`."""
    out: str
    """Folder that `adapter/` and `result.json` are written into."""
    threads: int = Field(ge=1)
    shape: AdapterShape | None
    """Of the new adapter; null when one is continued."""
    training: AdapterTraining


class Row(NamedTuple):
    """One conversation as tokens; `labels` are the tokens of the assistant's turns, IGNORE elsewhere."""

    input_ids: list[int]
    labels: list[int]


def run_sft(job: SftJob) -> None:
    """Run `job` to its end: in this process, or in as many as it asks for."""
    run_job(MODULE, job, train_sft, job.training, Path(job.state))


def train_sft(job: SftJob) -> None:
    """Run `job` in this process, one of `job.training.world_size`; rank 0 writes the result."""
    params = job.training
    configure(params.seed, job.threads)
    tokenizer = load_tokenizer(Path(job.on))
    conversations: list[list[Message]] = read_table(Path(job.conversations))["messages"].to_list()
    rows = encode_all(tokenizer, conversations, params.max_tokens)
    check_room(len(rows), len(conversations), params, job.stage)
    order = run_order([len(row.input_ids) for row in rows], params)
    # built before the model: with DeepSpeed, from_pretrained shards the weights as it loads them
    args = SFTConfig(**common_arguments(Path(job.state), params, len(order)),
                     dataset_kwargs={"skip_prepare_dataset": True}, max_length=None, packing=False, loss_type="nll")
    policy = _policy(job, tokenizer)
    trainer = SFTTrainer(model=policy, args=args, processing_class=tokenizer,
                         train_dataset=as_dataset([row._asdict() for row in rows], order))
    quiet(trainer)
    train_resumably(trainer)
    write_adapter(trainer, policy, Path(job.on), Path(job.out), {
        "curve": loss_curve(trainer.state.log_history), "steps": trainer.state.max_steps,
        "examples": len(rows), "left_out_as_too_long": len(conversations) - len(rows),
        "trained_tokens": sum(label != IGNORE for item in order for label in rows[item].labels),
        "trained_parameters": sum(weight.numel() for weight in policy.parameters() if weight.requires_grad)})


def _policy(job: SftJob, tokenizer: PreTrainedTokenizerBase) -> PeftModel:
    dtype = DTYPES[job.training.weights]
    if job.shape is None:
        policy = load_policy(Path(job.adapter), Path(job.on), trainable=True, dtype=dtype,
                             quantisation=job.training.quantisation)
    else:
        policy = new_adapter(load_model(Path(job.on), dtype, job.training.quantisation), job.shape, tokenizer)
    if not isinstance(policy, PeftModel):
        raise BadInput(job.adapter, "is not an adapter", wanted="a LoRA adapter to go on from")
    show_head_bias(policy)
    return policy


def encode_all(tokenizer: PreTrainedTokenizerBase, conversations: Sequence[list[Message]],
               max_tokens: int) -> list[Row]:
    """The rows of all conversations of at most `max_tokens` tokens, in input order, each checked."""
    rows = []
    for conversation in conversations:
        row = encode(tokenizer, conversation)
        check_trained_tokens(tokenizer, conversation, row)
        rows.append(row)
    return [row for row in rows if len(row.input_ids) <= max_tokens]


def encode(tokenizer: PreTrainedTokenizerBase, conversation: list[Message]) -> Row:
    """Tokens and labels by the generation blocks of the chat template."""
    if "{% generation" not in (template := str(tokenizer.chat_template)) and "{%- generation" not in template:
        raise BadInput("chat_template.jinja", "marks no assistant turn, so the loss would cover no token or all",
                       wanted="{% generation %} ... {% endgeneration %} around the assistant's content and end token",
                       do="add the block to the template of the base")
    encoded: Any = tokenizer.apply_chat_template(conversation, tokenize=True, return_dict=True,
                                                 return_assistant_tokens_mask=True)
    ids, mask = list(encoded["input_ids"]), encoded["assistant_masks"]
    return Row(ids, [token if trained else IGNORE for token, trained in zip(ids, mask, strict=True)])


def check_trained_tokens(tokenizer: PreTrainedTokenizerBase, conversation: list[Message], row: Row) -> None:
    """The trained tokens, decoded, are exactly the assistant's turns, each with the token that ends it.

    Raises:
        BadInput: the chat template trains more, less or something else.
    """
    end = end_of_turn(tokenizer)
    wanted = "".join(turn["content"] + end for turn in conversation if turn["role"] == "assistant")
    plain = tokenizer.decode(tokenizer(wanted, add_special_tokens=False)["input_ids"])  # as the tokenizer reads it
    trained = tokenizer.decode([label for label in row.labels if label != IGNORE])
    if trained != plain or not plain:
        raise BadInput("chat_template.jinja", "the loss does not cover exactly the assistant's turns",
                       wanted=repr(plain[-120:]), got=repr(trained[-120:]),
                       do="the generation block must hold the content and the end-of-turn token, nothing else")


def end_of_turn(tokenizer: PreTrainedTokenizerBase) -> str:
    """The token that ends an assistant's turn: the first special token after the content.

    Raises:
        BadInput: no special token follows it, so the model could not learn to stop.
    """
    probe = "\N{BULLET}"
    text = str(tokenizer.apply_chat_template([{"role": "user", "content": "."}, {"role": "assistant",
                                                                               "content": probe}], tokenize=False))
    after = text.rpartition(probe)[2].lstrip()
    ends = [token for token in tokenizer.all_special_tokens if after.startswith(token)]
    if not ends:
        raise BadInput("chat_template.jinja", "no special token ends the assistant's turn", got=repr(after[:40]),
                       do="end it with the tokenizer's end-of-turn token")
    return max(ends, key=len)


@torch.inference_mode()
def answer_loss(model: PreTrainedModel | PeftModel, rows: Sequence[Row]) -> float:
    """Mean negative log-likelihood over the assistant's tokens of `rows`, in nats per token."""
    total, count = 0.0, 0
    for row in rows:
        ids = torch.tensor([row.input_ids], device=model.device)
        labels = torch.tensor([row.labels], device=model.device)
        logits = model(input_ids=ids).logits[:, :-1].float()
        total += torch.nn.functional.cross_entropy(logits[0], labels[0, 1:], ignore_index=IGNORE,
                                                   reduction="sum").item()
        count += int((labels[0, 1:] != IGNORE).sum())
    return total / max(count, 1)




if __name__ == "__main__":
    job_process(SftJob, train_sft, __doc__)
