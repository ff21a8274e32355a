"""Section `evaluate` of params.yaml."""

from pydantic import Field

from pipeline.schema.dialogues import ConstraintChoice
from pipeline.schema.section import Section


class Evaluate(Section):
    """How a checkpoint is measured: the same items, the same way, for every checkpoint."""

    seed: int = Field(ge=0)
    """Which documents and examples are used when there are more than the limits; resampling."""
    context: int = Field(ge=16)
    """Tokens in a perplexity window, at most (a model with less context uses its own)."""
    batch_rows: int = Field(ge=1)
    """Perplexity windows measured at once."""
    max_documents: int = Field(ge=2)
    """Held-out documents used at most, for each of in-domain and general perplexity."""
    max_examples: int = Field(ge=0)
    """Held-out examples asked at most, beside the authored questions."""
    max_conversations: int = Field(ge=0)
    """Conversations made from held-out examples at most, beside the authored ones."""
    turns: int = Field(ge=1)
    """Scripted user turns of a conversation made from examples."""
    passage_chars: int = Field(ge=80)
    """Most characters of passages in such a conversation, so that all turns fit the context."""
    constraints: list[ConstraintChoice] = Field(min_length=1)
    """One is drawn for each such conversation."""
    max_new_tokens: int = Field(ge=1)
    """Longest answer to a single question."""
    max_turn_tokens: int = Field(ge=1)
    """Longest answer in a conversation."""
    temperature: float = Field(ge=0)
    """Of the answers; 0 takes the likeliest token. The same for every checkpoint."""
    top_p: float = Field(gt=0, le=1)
    """Share of probability that is sampled from."""
    batch_size: int = Field(ge=1)
    """Answers generated at once; logits of another batch shape can differ in the last bits."""
    confidence: float = Field(gt=0.5, lt=1)
    """Of the intervals."""
    resamples: int = Field(ge=100)
    """Bootstrap resamples for an interval."""
