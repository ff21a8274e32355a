"""Train a causal language model on packed rows, from the weights in one folder to those in another.

Everything comes in as a `CausalJob`, files and JSON values, so the same function runs in this process
or in each process that `accelerate launch` starts (`pipeline.train.worker`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from pydantic import Field
from transformers import PreTrainedModel, PreTrainedTokenizerBase, Trainer, TrainingArguments

from pipeline.lm.determinism import configure
from pipeline.lm.load import load_model, load_tokenizer
from pipeline.lm.save import save_model
from pipeline.schema.errors import BadInput, BrokenContract
from pipeline.schema.section import Section
from pipeline.schema.training import Lora, Training
from pipeline.stage.outputs import output_dir, write_json
from pipeline.tables.parquet import read_table
from pipeline.train.curve import SayProgress, loss_curve
from pipeline.train.optimizer import BETAS, make_optimizer
from pipeline.train.packing import PackedRows, epoch_order, isolation_leak
from pipeline.train.resolved import resolved_settings
from pipeline.train.resume import train_resumably

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
LEAK_TOLERANCE = 1e-4
"""Largest change of another document's logits that rounding explains; a real leak is near 0.4."""
RESULT = "result.json"


class CausalJob(Section):
    """One training run, complete: what it reads, what it writes, every number."""

    base: str
    """Folder of the model and tokenizer to start from."""
    rows: str
    """Table of packed rows (`pipeline.schema.pack.ROWS`)."""
    state: str
    """Folder for training state, see `pipeline.train.resume`."""
    out: str
    """Folder that the model and `result.json` are written into."""
    threads: int = Field(ge=1)
    """Intra-op threads of each process."""
    training: Training


def train_causal(job: CausalJob) -> None:
    """Run `job` in this process, one of `job.training.world_size`; rank 0 writes the result.

    Writes a full checkpoint to `out`/model and the loss curve and token counts to `out`/result.json.

    Raises:
        BrokenContract: the model lets packed documents see each other.
    """
    params = job.training
    configure(params.seed, job.threads)
    tokenizer = load_tokenizer(Path(job.base))
    # built before the model: with DeepSpeed, from_pretrained shards the weights as it loads them
    args = training_arguments(Path(job.state), params)
    model = load_model(Path(job.base), DTYPES[params.weights], params.quantisation)
    rows = read_table(Path(job.rows))
    if not params.deepspeed:  # a sharded model cannot run a forward pass outside its engine
        check_isolation(model, rows)
    policy = model if params.lora is None else with_lora(model, params.lora)
    trainer = make_trainer(policy, rows, params, args)
    train_resumably(trainer)
    state = trainer.accelerator.get_state_dict(trainer.model_wrapped)
    if trainer.is_world_process_zero():
        write_result(job, trainer, policy, tokenizer, state)
    trainer.accelerator.wait_for_everyone()


def training_arguments(state: Path, params: Training) -> TrainingArguments:
    """The trainer's settings; `max_steps` is left to `make_trainer`, which knows the rows."""
    return TrainingArguments(
        output_dir=str(state), per_device_train_batch_size=params.batch_rows,
        gradient_accumulation_steps=params.accumulation, learning_rate=params.learning_rate,
        weight_decay=params.weight_decay, max_grad_norm=params.max_grad_norm,
        adam_beta1=BETAS[0], adam_beta2=BETAS[1],  # DeepSpeed makes its own AdamW from these
        lr_scheduler_type="warmup_stable_decay",
        bf16=params.precision == "bf16", activation_checkpointing=params.gradient_checkpointing,
        train_sampling_strategy="sequential",  # the dataset lies in training order already
        logging_steps=params.log_steps, logging_nan_inf_filter=False,
        save_strategy="steps", save_steps=params.save_steps, save_total_limit=2,
        seed=params.seed, data_seed=params.seed, deepspeed=params.deepspeed or None,
        use_cpu=not torch.cuda.is_available(),
        ddp_backend="gloo" if params.world_size > 1 and not torch.cuda.is_available() else None,
        disable_tqdm=True, report_to=[], dataloader_num_workers=0, dataloader_pin_memory=False,
        remove_unused_columns=False)


def make_trainer(model: PreTrainedModel | PeftModel, rows: pl.DataFrame, params: Training,
                 args: TrainingArguments) -> Trainer:
    """A trainer over all epochs of `rows`, laid out in their order beforehand."""
    batch = params.batch_rows * params.accumulation * params.world_size
    dataset = PackedRows(rows, epoch_order(rows.height, params.epochs, batch, params.seed))
    args.max_steps = len(dataset) // batch
    args.warmup_steps = round(params.warmup * args.max_steps)
    args.lr_scheduler_kwargs = {"num_decay_steps": round(params.decay * args.max_steps), "decay_type": "linear"}
    model.config.use_cache = False  # a cache switches the isolation of packed documents off
    optimizer = None if params.deepspeed else make_optimizer(model, params)
    trainer = Trainer(model=model, args=args, train_dataset=dataset, data_collator=stack_items,
                      optimizers=(optimizer, None))
    for printer in ("PrinterCallback", "ProgressCallback"):
        for callback in [found for found in trainer.callback_handler.callbacks
                         if type(found).__name__ == printer]:
            trainer.remove_callback(callback)
    trainer.add_callback(SayProgress())
    return trainer


def stack_items(items: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Rows of one length as a batch; no attention mask, which would join the documents."""
    return {key: torch.stack([item[key] for item in items]) for key in items[0]}


def check_isolation(model: PreTrainedModel, rows: pl.DataFrame) -> None:
    """Run the perturbation probe on the first row that holds two documents; no such row, no leak.

    Raises:
        BrokenContract: a change in one document moves another document's logits.
    """
    shared = rows.filter(pl.col("positions").list.slice(1).list.contains(0) & (pl.col("doc_ids").list.len() > 1))
    if not shared.height:
        return
    item = PackedRows(shared.head(1), [0])[0]
    leak = isolation_leak(model, {key: value[None].to(model.device) for key, value in item.items()})
    if leak > LEAK_TOLERANCE:
        raise BrokenContract("packed training", "documents in one row see each other",
                             wanted=f"logits that move by at most {LEAK_TOLERANCE}", got=f"{leak:.3g}",
                             do="use an attention implementation that reads position_ids (sdpa, "
                                "flash_attention_2), or row_tokens = 1 document a row")


def with_lora(model: PreTrainedModel, lora: Lora) -> PeftModel:
    """`model` frozen under a fresh adapter."""
    targets: Any = lora.targets[0] if lora.targets == ["all-linear"] else lora.targets
    if getattr(model, "quantization_method", None) is not None:
        from peft import prepare_model_for_kbit_training  # imports bitsandbytes' layers

        model = prepare_model_for_kbit_training(model)
    adapted = get_peft_model(model, LoraConfig(
        r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=targets,
        task_type="CAUSAL_LM"))
    assert isinstance(adapted, PeftModel)
    return adapted


def write_result(job: CausalJob, trainer: Trainer, policy: PreTrainedModel | PeftModel,
                 tokenizer: PreTrainedTokenizerBase, state: Mapping[str, torch.Tensor]) -> None:
    """Write the full model and `result.json`, whole or not at all."""
    with output_dir(Path(job.out)) as scratch:
        if isinstance(policy, PeftModel):
            folded = fold_adapter(job, policy, state)
            save_model(folded, tokenizer, scratch / "model")
        else:
            save_model(policy, tokenizer, scratch / "model", state)
        dataset = trainer.train_dataset
        assert isinstance(dataset, PackedRows)
        write_json(scratch / RESULT, {
            "settings": resolved_settings(trainer, str(policy.config._attn_implementation)),
            "curve": loss_curve(trainer.state.log_history), "steps": trainer.state.max_steps,
            "rows": len(dataset.tokens), "trained_tokens": len(dataset) * dataset.tokens.shape[1]})


def fold_adapter(job: CausalJob, policy: PeftModel, state: Mapping[str, torch.Tensor]) -> PreTrainedModel:
    """The adapter's update added to unquantised base weights, in float32 before the last rounding."""
    base = load_model(Path(job.base), torch.float32)
    fresh = PeftModel(base, policy.peft_config[policy.active_adapter])
    adapter = {name: value for name, value in state.items() if "lora_" in name}
    missing = set(adapter) - set(fresh.state_dict())
    if missing or not adapter:
        raise BadInput("packed training", "the adapter's weights do not fit the base",
                       got=str(sorted(missing)[:3]))
    fresh.load_state_dict(adapter, strict=False)
    folded: torch.nn.Module = fresh.merge_and_unload()
    folded.to(DTYPES[job.training.weights])
    assert isinstance(folded, PreTrainedModel)
    return folded
