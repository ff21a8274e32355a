"""Section `vocabulary` of params.yaml."""

from pydantic import Field

from pipeline.schema.section import Section


class Vocabulary(Section):
    """What the report on the tokenizer looks at, and how much it proposes."""

    pieces: int = Field(ge=0)
    """Pieces proposed at most."""
    min_saved: int = Field(ge=1)
    """A piece that saves fewer tokens of the sample is not proposed."""
    max_chars: int = Field(ge=1)
    """Characters of text looked at, for proposing and for measuring each; documents in hash order. The sources share
    them evenly, and what small sources leave goes to the others; the document that reaches a share is taken whole."""
    seed: int = Field(ge=0)
    """Which documents, when there are more."""
