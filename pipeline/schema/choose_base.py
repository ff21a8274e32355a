"""Section `choose_base` of params.yaml."""

from pydantic import Field

from pipeline.schema.section import Section


class ChooseBase(Section):
    """How the candidates are measured."""

    context: int = Field(ge=16)
    """Tokens in a window; a candidate with a shorter context is measured in its own."""
    batch_rows: int = Field(ge=1)
    """Windows measured at once."""
    max_documents: int = Field(ge=1)
    """Held-out in-domain documents used at most, chosen by seed."""
    seed: int = Field(ge=0)
    """Which documents, when there are more."""
