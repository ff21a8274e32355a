"""Section `pii_model` of params.yaml."""

from typing import Literal

from pydantic import Field, model_validator

from pipeline.schema.section import Section


class RealModel(Section):
    """A model trained by others on real text; its finds are added to the tagger's and the patterns'."""

    kind: Literal["transformers", "gliner"]
    """transformers: a token classifier with BIO or plain labels; gliner: needs the package `gliner`."""
    source: str
    """A folder with safetensors, or a pin (`*.yaml`: repo, revision, licence, sha256 of every file).
    It has to be a dep of stage pii_model in dvc.yaml; for a pin, give the stage `meta: network: hub`."""
    licence: str = Field(min_length=1)
    """SPDX name of the model's licence."""
    labels: dict[str, str] = Field(min_length=1)
    """The model's label -> our entity type; "" for a label that is not personal data. None may be left out."""
    min_score: float = Field(gt=0, le=1)
    """Mean probability of a find's tokens, at least."""
    window: int = Field(ge=8)
    """Tokens (gliner: words) seen at once: what the model was trained with, or fewer."""
    overlap: int = Field(ge=0)
    """Tokens (gliner: words) that two windows share, so that no name is cut."""

    @model_validator(mode="after")
    def _windows_move_on(self) -> "RealModel":
        if self.overlap * 2 >= self.window:
            raise ValueError("overlap must be less than half of window")
        return self


class PiiModel(Section):
    """The tagger: what it is trained on, its size, its training."""

    seed: int
    """Of examples, of the cut into training and held-out lists, and of the weights."""
    examples: int = Field(ge=1)
    """Labelled examples made from templates; each has one to three sentences."""
    negatives: int = Field(ge=1)
    """Paragraphs of general text at most, in which nothing is to be found."""
    technical: int = Field(ge=0)
    """Made texts of headings, roles, products, acronyms, links, tables and code, in which nothing is to be found."""
    informal: int = Field(ge=0)
    """Made messages in the spelling of chats and comments; some of them name somebody."""
    heldout_share: float = Field(gt=0, lt=1)
    """Share of names, and of templates, that training never sees."""
    heldout_examples: int = Field(ge=1)
    """Examples made from held-out names and templates, for the metrics."""
    plants: int = Field(ge=1)
    """Sentences made likewise, for curate_redact to plant and count what it overlooks."""
    lower_share: float = Field(ge=0, le=1)
    """Share of examples all in small letters; a fifth of it again all in capitals."""
    invented_share: float = Field(ge=0, le=1)
    """Share of names grown from the halves of two listed ones, so that no list is learnt by heart."""
    hidden_names: float = Field(ge=0, lt=1)
    """Share of listed names that training is not told are listed, so that it learns to do without."""
    hidden_words: float = Field(ge=0, lt=1)
    """Share of the ordinary words that training is not told are ordinary."""
    epochs: int = Field(ge=1)
    """Passes over all examples."""
    tape: int = Field(ge=64)
    """Words in one optimiser step, about."""
    learning_rate: float = Field(gt=0)
    """Peak of the one-cycle schedule (AdamW)."""
    dropout: float = Field(ge=0, lt=1)
    """Share of hidden values set to zero while training."""
    buckets: int = Field(ge=256)
    """Rows of the hashed n-gram table."""
    embedding: int = Field(ge=4, le=128)
    """Numbers a row."""
    width: int = Field(ge=4, le=128)
    """Hidden values a word; 128 is the bound of the exact arithmetic in pipeline/redact/tagger.py."""
    real: dict[str, RealModel]
    """Name -> a model besides the tagger; each finds on its own, and each failure stops curate_redact."""
