"""Section `curate_decontaminate` of params.yaml."""

from pydantic import Field

from pipeline.schema.section import Section


class CurateDecontaminate(Section):
    """When a document has seen an evaluation item."""

    ngram_words: int = Field(ge=2)
    """Words in an n-gram; one shared n-gram is enough."""
    min_item_words: int = Field(ge=1)
    """Fields shorter than `ngram_words` match as a whole from this length on; shorter ones are not checked."""
    max_loss: dict[str, float]
    """Source -> largest share of documents it may lose; sources not named: `default_max_loss`."""
    default_max_loss: float = Field(ge=0, le=1)
    """For the other sources."""
