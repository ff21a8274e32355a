"""The configuration a trainer ends up with, library defaults included, for the lineage record."""

from typing import Any

from transformers import Trainer

SETTINGS = ("adam_beta1", "adam_beta2", "adam_epsilon", "average_tokens_across_devices", "bf16", "data_seed",
            "dataloader_drop_last", "gradient_accumulation_steps", "label_smoothing_factor", "learning_rate",
            "lr_scheduler_kwargs", "lr_scheduler_type", "max_grad_norm", "max_steps", "optim",
            "per_device_train_batch_size", "seed", "tf32", "torch_compile", "train_sampling_strategy",
            "warmup_steps", "weight_decay", "world_size")
"""Fields of `TrainingArguments` that decide bytes; the others are paths, reporting and how fast."""


def resolved_settings(trainer: Trainer, attention: str) -> dict[str, Any]:
    """What the trainer will use: its settings, its optimizer, the attention named, as JSON values."""
    found = {**trainer.args.to_dict(), "world_size": trainer.args.world_size}
    optimizer = trainer.optimizer
    return {
        **{name: found[name] for name in SETTINGS},
        "optimizer": None if optimizer is None else type(getattr(optimizer, "optimizer", optimizer)).__name__,
        "attention": attention,
        "total_batch_rows": trainer.args.per_device_train_batch_size * trainer.args.gradient_accumulation_steps
        * trainer.args.world_size,
    }
