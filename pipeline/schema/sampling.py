"""How answers are sampled, shared by the sections `preferences` and `dialogues`."""

from pydantic import Field

from pipeline.schema.section import Section


class Sample(Section):
    """One way of drawing answers; the batch size counts, because batch shapes round differently."""

    max_new_tokens: int = Field(ge=1)
    """An answer is cut here."""
    temperature: float = Field(gt=0)
    """Divides the logits; above 1 more varied."""
    top_p: float = Field(gt=0, le=1)
    """Smallest set of tokens with this much probability; 1 keeps all."""
    batch_size: int = Field(ge=1)
    """Answers drawn at a time."""
    seed: int = Field(ge=0)
    """Every draw's own seed derives from this and the item's key."""
