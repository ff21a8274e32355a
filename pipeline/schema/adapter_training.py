"""Parameters of training a LoRA adapter, shared by the sections `sft`, `dpo` and `rs_sft`."""

from typing import Literal

from pydantic import Field, model_validator

from pipeline.schema.section import Section
from pipeline.schema.training import Precision


class AdapterShape(Section):
    """A LoRA adapter (Hu et al. 2021, arXiv:2106.09685), made once by `sft` and trained on after it."""

    rank: int = Field(ge=1)
    """Columns of each low-rank factor."""
    alpha: int = Field(ge=1)
    """The update is scaled by alpha / rank."""
    dropout: float = Field(ge=0, lt=1)
    """Share of the adapter's inputs set to zero while training."""
    targets: list[str] = Field(min_length=1)
    """Names of the linear layers that get an adapter; `all-linear` alone for every one but the head."""
    trained_tokens: list[str]
    """Tokens whose embeddings are trained too: those the base never saw, as the turn markers here."""
    seed: int = Field(ge=0)
    """Of the first values of the factors."""


class AdapterTraining(Section):
    """One run over conversations or pairs; every field decides bytes, world size and precision too."""

    batch_examples: int = Field(ge=1)
    """Examples a process takes at once."""
    accumulation: int = Field(ge=1)
    """Batches summed before the optimizer steps."""
    epochs: float = Field(gt=0)
    """Passes over the examples; a fraction is a prefix of the last pass's order."""
    max_tokens: int = Field(ge=16)
    """Longest example, prompt and answer; a longer one is left out, never cut."""
    max_left_out: float = Field(ge=0, le=1)
    """Largest share of examples that may be left out as too long before the stage stops."""
    learning_rate: float = Field(gt=0)
    """Peak rate of AdamW."""
    weight_decay: float = Field(ge=0)
    """Decoupled."""
    warmup: float = Field(ge=0, le=1)
    """Share of the steps with a rising rate."""
    decay: float = Field(ge=0, le=1)
    """Share of the steps, at the end, with a linearly falling rate; constant in between."""
    max_grad_norm: float = Field(gt=0)
    """The gradient's norm is clipped to this."""
    precision: Precision
    """Arithmetic of the matrix products."""
    weights: Literal["fp32", "bf16"]
    """Type of the frozen weights in memory."""
    quantisation: Literal["none", "nf4"]
    """nf4: frozen 4-bit weights (QLoRA, arXiv:2305.14314); needs bitsandbytes and a GPU."""
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
    """Order of the examples, dropout."""

    @model_validator(mode="after")
    def _fits_together(self) -> "AdapterTraining":
        if self.warmup + self.decay > 1:
            raise ValueError("warmup and decay together are more than all steps")
        if self.save_steps % self.log_steps:
            raise ValueError("save_steps must be a multiple of log_steps")
        return self
