"""Section `base` of params.yaml: the candidate base models, of three kinds."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.schema.section import Section
from pipeline.schema.training import Training


class Architecture(Section):
    """Shape of a model trained from scratch."""

    family: Literal["qwen3", "llama"]
    """qwen3 adds a norm on queries and keys; both are decoder-only with rotary positions."""
    hidden: int = Field(ge=8)
    """Width of the residual stream."""
    layers: int = Field(ge=1)
    """Decoder blocks."""
    heads: int = Field(ge=1)
    """Query heads."""
    kv_heads: int = Field(ge=1)
    """Key and value heads; `heads` is a multiple of it."""
    intermediate: int = Field(ge=8)
    """Width of the gated feed-forward layer."""
    context: int = Field(ge=16)
    """Longest sequence in tokens, and the length of a packed row."""
    rope_theta: float = Field(gt=0)
    """Base of the rotary frequencies."""

    @model_validator(mode="after")
    def _heads_divide(self) -> "Architecture":
        if self.hidden % self.heads or self.heads % self.kv_heads:
            raise ValueError("hidden must be a multiple of heads, and heads of kv_heads")
        return self


class ScratchBase(Section):
    """Tokenizer and model trained on general English; `source` is a documents table."""

    kind: Literal["scratch"]
    source: str
    """The general text, column `split`; only `train` is used."""
    vocab_size: int = Field(ge=300)
    """Entries of the byte-level BPE vocabulary, special tokens included."""
    architecture: Architecture
    training: Training


class HubBase(Section):
    """A model of the Hugging Face hub, at the revision and with the bytes a reviewed pin names."""

    kind: Literal["hub"]
    source: str
    """The pin: a YAML file with repo, revision, licence and the sha256 of every file."""
    chat: Literal["keep", "chatml"]
    """keep: files byte for byte; chatml: the pipeline's chat template, its tokens added where missing."""


class LocalBase(Section):
    """A model in a folder."""

    kind: Literal["local"]
    source: str
    """The folder: config.json, tokenizer.json, *.safetensors."""
    licence: str = Field(min_length=1)
    """SPDX name of the model's licence; carried into the model card."""
    chat: Literal["keep", "chatml"]
    """As for a hub base."""


Candidate = Annotated[ScratchBase | HubBase | LocalBase, Field(discriminator="kind")]


class Base(Section):
    """Every candidate becomes one stage `base@<name>`; `choose_base` keeps one."""

    candidates: dict[str, Candidate] = Field(min_length=1)
    """Name -> how to get it."""
