"""Parameters of training a LoRA adapter, shared by the sections `sft`, `dpo` and `rs_sft`."""

from pydantic import Field

from pipeline.schema.section import Section
from pipeline.schema.training import TrainingRun


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


class AdapterTraining(TrainingRun):
    """One run over conversations or pairs."""

    batch_examples: int = Field(ge=1)
    """Examples a process takes at once."""
    max_tokens: int = Field(ge=16)
    """Longest example, prompt and answer; a longer one is left out, never cut."""
    max_left_out: float = Field(ge=0, le=1)
    """Largest share of examples that may be left out as too long before the stage stops."""
