"""What every run that trains a LoRA adapter shares: the adapter, the order of examples, the trainer's settings."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig, PeftModel, get_peft_model
from peft.utils.other import TrainableTokensWrapper
from transformers import PreTrainedModel, PreTrainedTokenizerBase, Trainer

from pipeline.lm.save import save_adapter
from pipeline.schema.adapter_training import AdapterShape, AdapterTraining
from pipeline.schema.errors import BadInput, BrokenContract
from pipeline.stage.outputs import output_dir, write_json
from pipeline.train.curve import SayProgress
from pipeline.train.packing import epoch_order

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}
RESULT = "result.json"

LENGTH_WINDOW = 8
"""Batches whose examples are sorted by length among themselves: little padding, order still random."""


def new_adapter(model: PreTrainedModel, shape: AdapterShape, tokenizer: PreTrainedTokenizerBase) -> PeftModel:
    """`model` frozen under a fresh adapter that changes nothing yet.

    The embeddings of `trained_tokens` are trained beside the factors. Where the head is tied to the
    embedding, peft ties them there too; where it is not, the head's rows get their own copy.
    """
    targets: Any = shape.targets[0] if shape.targets == ["all-linear"] else shape.targets
    if getattr(model, "quantization_method", None) is not None:
        from peft import prepare_model_for_kbit_training  # imports bitsandbytes' layers

        model = prepare_model_for_kbit_training(model)
    torch.manual_seed(shape.seed)
    adapted = get_peft_model(model, LoraConfig(
        r=shape.rank, lora_alpha=shape.alpha, lora_dropout=shape.dropout, target_modules=targets,
        task_type="CAUSAL_LM", trainable_token_indices=_token_indices(model, shape.trained_tokens, tokenizer)))
    assert isinstance(adapted, PeftModel)
    return adapted


def show_head_bias(policy: PeftModel) -> None:
    """Let TRL's fused head read `bias` of a head whose tokens are trained: peft 0.21's wrapper hides it.

    Raises:
        BadInput: the head has a bias, which peft's wrapper leaves out of its own forward pass.
    """
    base = policy.get_base_model()
    assert isinstance(base, PreTrainedModel)
    head = base.get_output_embeddings()
    if isinstance(head, TrainableTokensWrapper):
        if getattr(head.original_module, "bias", None) is not None:
            raise BadInput("the base", "its head has a bias, with which peft cannot train single tokens",
                           do="set `sft.lora.trained_tokens: []`")
        head.register_parameter("bias", None)


def _token_indices(model: PreTrainedModel, tokens: list[str],
                   tokenizer: PreTrainedTokenizerBase) -> dict[str, list[int]] | None:
    vocabulary = tokenizer.get_vocab()
    unknown = [token for token in tokens if token not in vocabulary]
    if unknown:
        raise BadInput("params.yaml", f"the tokenizer has no tokens {unknown}", wanted="tokens of the base",
                       do="correct `sft.lora.trained_tokens`; [] when the base was trained on its chat template")
    if not tokens:
        return None
    rows = sorted(vocabulary[token] for token in tokens)
    names = {module: name for name, module in model.named_modules()}
    tables = [model.get_input_embeddings()]
    if not model.config.get_text_config().tie_word_embeddings:
        tables.append(model.get_output_embeddings())
    return {names[table].rpartition(".")[2]: rows for table in tables}


def run_order(lengths: Sequence[int], params: AdapterTraining) -> list[int]:
    """Example numbers of the whole run: each epoch shuffled, then near ones of similar length put in one batch."""
    batch = params.batch_examples * params.accumulation * params.world_size
    order = epoch_order(len(lengths), params.epochs, batch, params.seed)
    generator = torch.Generator().manual_seed(params.seed)
    arranged: list[int] = []
    window = LENGTH_WINDOW * batch
    for start in range(0, len(order), window):
        near = sorted(order[start:start + window], key=lambda item: (lengths[item], item))
        batches = [near[first:first + batch] for first in range(0, len(near), batch)]
        arranged += [item for place in torch.randperm(len(batches), generator=generator).tolist()
                     for item in batches[place]]
    return arranged


def common_arguments(state: Path, params: AdapterTraining, num_examples: int) -> dict[str, Any]:
    """Keyword arguments of `SFTConfig` and `DPOConfig` alike. `num_examples` counts the whole run's order."""
    steps = num_examples // (params.batch_examples * params.accumulation * params.world_size)
    on_cpu = not torch.cuda.is_available()
    return {
        "output_dir": str(state), "max_steps": steps,
        "per_device_train_batch_size": params.batch_examples, "gradient_accumulation_steps": params.accumulation,
        "learning_rate": params.learning_rate, "weight_decay": params.weight_decay,
        "max_grad_norm": params.max_grad_norm, "optim": "adamw_torch",
        "lr_scheduler_type": "warmup_stable_decay", "warmup_steps": round(params.warmup * steps),
        "lr_scheduler_kwargs": {"num_decay_steps": round(params.decay * steps), "decay_type": "linear"},
        "bf16": params.precision == "bf16", "activation_checkpointing": params.gradient_checkpointing,
        "train_sampling_strategy": "sequential",  # the examples lie in training order already
        "logging_steps": params.log_steps, "logging_nan_inf_filter": False,
        "save_strategy": "steps", "save_steps": params.save_steps, "save_total_limit": 2,
        "seed": params.seed, "data_seed": params.seed, "deepspeed": params.deepspeed or None,
        # a backend named for one process would make accelerate look for a process group
        "use_cpu": on_cpu, "ddp_backend": "gloo" if on_cpu and params.world_size > 1 else None,
        "disable_tqdm": True, "report_to": [], "dataloader_num_workers": 0, "dataloader_pin_memory": False,
    }


def as_dataset(rows: Sequence[Mapping[str, Any]], order: Sequence[int]) -> Dataset:
    """The rows of a run in training order, in memory: nothing goes to the cache of `datasets`."""
    return Dataset.from_list([dict(rows[item]) for item in order])


def quiet(trainer: Trainer) -> None:
    """Replace the trainer's own printers by one line a logged step on stderr."""
    for printer in ("PrinterCallback", "ProgressCallback"):
        for callback in [found for found in trainer.callback_handler.callbacks if type(found).__name__ == printer]:
            trainer.remove_callback(callback)
    trainer.add_callback(SayProgress())


def check_room(kept: int, total: int, params: AdapterTraining, stage: str) -> None:
    """Raise BadInput when too many examples were too long to train on, or none is left."""
    left_out = total - kept
    if not kept or left_out > params.max_left_out * total:
        raise BadInput(f"stage {stage}", f"{left_out} of {total} examples are longer than {params.max_tokens} tokens",
                       wanted=f"at most {params.max_left_out:.0%} of at least one",
                       do="lower `sft_data.passage_chars`, or raise `max_tokens` up to the model's context")


def write_adapter(trainer: Trainer, policy: PeftModel, on: Path, out: Path, result: dict[str, Any]) -> None:
    """Rank 0 writes `out`/adapter and `out`/result.json, whole or not at all; every rank calls this."""
    state = trainer.accelerator.get_state_dict(trainer.model_wrapped)
    if trainer.is_world_process_zero():
        if not all(torch.isfinite(value).all() for name, value in state.items() if ".default" in name):
            raise BrokenContract(f"training of {out.name}", "the adapter holds values that are not finite",
                                 do="lower `learning_rate` or `max_grad_norm`")
        with output_dir(out) as scratch:
            save_adapter(policy, scratch / "adapter", on, state)
            write_json(scratch / RESULT, result)
    trainer.accelerator.wait_for_everyone()
