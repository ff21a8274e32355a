"""Section `dacpt` of params.yaml."""

from pydantic import Field

from pipeline.schema.section import Section
from pipeline.schema.training import Training


class Measure(Section):
    """Held-out perplexity before and after."""

    batch_rows: int = Field(ge=1)
    """Windows measured at once."""
    context: int = Field(ge=16)
    """Tokens in a window."""
    max_documents: int = Field(ge=1)
    """Held-out documents used at most, for each of in-domain and general."""
    seed: int = Field(ge=0)
    """Which documents, when there are more."""


class Dacpt(Section):
    """Domain-adaptive continued pre-training (Gururangan et al. 2020, arXiv:2004.10964)."""

    training: Training
    base_share: float = Field(ge=0, lt=1)
    """Share of the base in the final weights: base_share * base + (1 - base_share) * trained
    (weight-space interpolation, Wortsman et al. 2022, arXiv:2109.01903). 0 keeps the trained weights."""
    measure: Measure
