"""Section `quality_model` of params.yaml."""

from pydantic import Field

from pipeline.schema.section import Section


class QualityModel(Section):
    """The fastText classifier that tells the lake's own language from other text."""

    reference_sources: list[str]
    """Sources of the lake that show what good looks like; empty: all of them."""
    folds: int = Field(ge=2)
    """Models trained; each document is scored by the one that never saw it."""
    min_paragraph_words: int = Field(ge=1)
    """Shorter paragraphs (headings, table cells) are neither trained on nor scored."""
    degraded_share: float = Field(gt=0)
    """Degraded paragraphs in the low class, per paragraph of the domain."""
    general_share: float = Field(gt=0)
    """Most general paragraphs in the low class, per paragraph of the domain."""
    dim: int = Field(ge=1)
    """Width of the word vectors."""
    word_ngrams: int = Field(ge=1)
    """Longest word n-gram that is a feature."""
    bucket: int = Field(ge=1)
    """Hash buckets for n-grams; with `dim` this sets the size of the file."""
    min_count: int = Field(ge=1)
    """Rarer words are no features."""
    epochs: int = Field(ge=1)
    """Least passes over the training paragraphs."""
    min_updates: int = Field(ge=1)
    """More passes are made until this many paragraphs were seen: from a small lake little is learnt in a few."""
    learning_rate: float = Field(gt=0)
    """fastText's `lr`."""
    seed: int = Field(ge=0)
    """Of fastText, the degradations and the choice of general paragraphs."""
