"""Parameters of training: what every run shares, and causal training on packed rows (`base`, `dacpt`)."""

from typing import Literal

from pydantic import Field, model_validator

from pipeline.schema.section import Section

Precision = Literal["fp32", "bf16"]


class Lora(Section):
    """Train a low-rank adapter and fold it in at the end, instead of training every weight."""

    rank: int = Field(ge=1)
    """Columns of each low-rank factor."""
    alpha: int = Field(ge=1)
    """The update is scaled by alpha / rank."""
    dropout: float = Field(ge=0, lt=1)
    """Share of the adapter's inputs set to zero while training."""
    targets: list[str] = Field(min_length=1)
    """Names of the linear layers that get an adapter; `all-linear` alone for every one."""


class TrainingRun(Section):
    """What every run of a trainer shares; every field decides bytes, world size and precision too."""

    accumulation: int = Field(ge=1)
    """Batches summed before the optimizer steps."""
    epochs: float = Field(gt=0)
    """Passes over the data; a fraction is a prefix of the last pass's order."""
    learning_rate: float = Field(gt=0)
    """Peak rate of AdamW."""
    weight_decay: float = Field(ge=0)
    """Decoupled, on matrices and embeddings, none on norms and biases."""
    warmup: float = Field(ge=0, le=1)
    """Share of the steps with a rising rate."""
    decay: float = Field(ge=0, le=1)
    """Share of the steps, at the end, with a linearly falling rate; constant in between."""
    max_grad_norm: float = Field(gt=0)
    """The gradient's norm is clipped to this."""
    precision: Precision
    """Arithmetic of the matrix products."""
    weights: Literal["fp32", "bf16"]
    """Type of the weights in memory while training; of an adapter's run, the frozen ones."""
    quantisation: Literal["none", "nf4"]
    """nf4: frozen 4-bit weights under a LoRA adapter (QLoRA, arXiv:2305.14314); needs bitsandbytes and a GPU."""
    gradient_checkpointing: bool
    """Recompute activations in the backward pass: less memory, a third more time."""
    world_size: int = Field(ge=1)
    """Processes that train together, through `accelerate launch` when more than one."""
    deepspeed: str
    """Path of a DeepSpeed JSON, or "" for none."""
    log_steps: int = Field(ge=1)
    """Steps between two points of curve.csv."""
    save_steps: int = Field(ge=1)
    """Steps between two training states on disk; a multiple of log_steps, or a resumed curve would differ."""
    seed: int = Field(ge=0)
    """Order of the data, dropout."""

    @model_validator(mode="after")
    def _steps_fit(self) -> "TrainingRun":
        if self.warmup + self.decay > 1:
            raise ValueError("warmup and decay together are more than all steps")
        if self.save_steps % self.log_steps:
            raise ValueError("save_steps must be a multiple of log_steps")
        return self


class Training(TrainingRun):
    """One run of causal training on packed rows."""

    batch_rows: int = Field(ge=1)
    """Packed rows a process takes at once."""
    optimizer: Literal["adamw", "muon"]
    """muon: Muon for the hidden layers' matrices, AdamW for everything else; adamw: AdamW for all."""
    matrix_learning_rate: float = Field(gt=0)
    """Peak rate of Muon, for the matrices; not read with `optimizer: adamw`."""
    lora: Lora | None
    """null: every weight is trained."""

    @model_validator(mode="after")
    def _optimizer_fits(self) -> "Training":
        if self.quantisation != "none" and self.lora is None:
            raise ValueError("quantised weights are frozen, so `lora` must be set")
        if self.deepspeed and self.optimizer == "muon":
            raise ValueError("DeepSpeed shards AdamW's state; use `optimizer: adamw`")
        return self
