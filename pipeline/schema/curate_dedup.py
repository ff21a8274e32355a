"""Section `curate_dedup` of params.yaml."""

from pydantic import Field

from pipeline.schema.section import Section


class Boilerplate(Section):
    """How common a line must be to count as boilerplate of its source."""

    min_letters: int = Field(ge=1)
    """Letters in a line; shorter ones are labels and dates."""
    min_documents: int = Field(ge=2)
    """Documents that have it."""
    min_share: float = Field(gt=0, le=1)
    """Of the source's documents."""


class CurateDedup(Section):
    """What counts as a repetition, and who survives."""

    shingle_words: int = Field(ge=1)
    """Words in a shingle."""
    bands: int = Field(ge=1)
    """Bands of the MinHash signature: more find more, and verify more."""
    rows: int = Field(ge=1)
    """Rows in a band. bands * rows hash functions in all."""
    threshold: float = Field(gt=0, le=1)
    """Least exact Jaccard similarity of two documents' shingle sets to merge them."""
    seed: int = Field(ge=0)
    """Of the hash functions."""
    licence_rank: list[str]
    """Licences from most to least wanted in a survivor; others come after them, all alike."""
    min_chunk_chars: int = Field(ge=1)
    """Shortest chunk (between blank lines) that is removed when an earlier document has it."""
    boilerplate: Boilerplate
    """Lines removed when an earlier document of the source has them. Headings, labels, tables and code stay."""
    max_loss: dict[str, float]
    """Source -> largest share of documents it may lose; sources not named: `default_max_loss`."""
    default_max_loss: float = Field(ge=0, le=1)
    """For the other sources."""
