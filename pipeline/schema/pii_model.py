"""Section `pii_model` of params.yaml."""

from pydantic import Field

from pipeline.schema.section import Section


class PiiModel(Section):
    """The tagger: what it is trained on, its size, its training."""

    seed: int
    """Of examples, of the cut into training and held-out lists, and of the weights."""
    examples: int = Field(ge=1)
    """Labelled examples made from templates; each has one to three sentences."""
    negatives: int = Field(ge=1)
    """Paragraphs of general text at most, in which nothing is to be found."""
    heldout_share: float = Field(gt=0, lt=1)
    """Share of names, and of templates, that training never sees."""
    heldout_examples: int = Field(ge=1)
    """Examples made from held-out names and templates, for the metrics."""
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
