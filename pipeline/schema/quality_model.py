"""Section `quality_model` of params.yaml."""

from typing import Literal

from pydantic import Field, model_validator

from pipeline.schema.section import Section


class QualityModel(Section):
    """The fastText classifier that tells the lake's own language from other text."""

    reference_sources: list[str]
    """Sources of the lake that show what good looks like; empty: all of them."""
    learn_from: Literal["sources", "labels", "both"]
    """Sources: the reference sources are the good class, and labels are only measured on. Labels: documents and texts
    of the label file alone. Both: the reference sources, corrected and completed by the labels."""
    label_repeats: int = Field(ge=1)
    """How often a labelled paragraph is learnt for each time that one from a reference source is."""
    folds: int = Field(ge=2)
    """Models trained; each document is scored by the one that never saw it."""
    min_paragraph_words: int = Field(ge=1)
    """Shorter paragraphs (headings, table cells) are neither trained on nor scored."""
    degraded_share: float = Field(gt=0)
    """Degraded paragraphs of the domain to learn from, per paragraph of the domain."""
    degraded_general_share: float = Field(gt=0)
    """Degraded general paragraphs to learn from, per general paragraph: what is spoilt is so on any subject."""
    general_share: float = Field(gt=0)
    """Most general paragraphs to learn from, per paragraph of the domain."""
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
    subword_chars: tuple[int, int]
    """Shortest and longest character n-gram that is a feature; [0, 0]: none. They see what is no word."""
    learning_rate: float = Field(gt=0)
    """fastText's `lr`."""
    seed: int = Field(ge=0)
    """Of fastText, the degradations and the choice of general paragraphs."""


class QualityLabel(Section):
    """One line of the label file: what a person thinks of a document of the lake, or of a text."""

    label: Literal["good", "bad"]
    text: str = ""
    path: str = ""
    """Of a file in the lake; all its documents, or the one at `locator`."""
    locator: str = ""
    doc_id: str = ""

    @model_validator(mode="after")
    def _names_one(self) -> "QualityLabel":
        if sum(map(bool, (self.text, self.path, self.doc_id))) != 1 or (self.locator and not self.path):
            raise ValueError("wanted one of `text`, `path` (with or without `locator`), `doc_id`")
        return self
