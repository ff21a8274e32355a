"""Section `curate_mix` of params.yaml."""

from typing import Literal

from pydantic import Field, field_validator

from pipeline.schema.section import Section


class CurateMix(Section):
    """What is trained on, how often, and what is only measured."""

    heldout_share: float = Field(gt=0, lt=1)
    """Share of domain documents kept for measuring, drawn by hash."""
    replay_share: float = Field(ge=0, lt=1)
    """Share of general English among the characters trained on."""
    max_train_chars: int | None = Field(ge=1)
    """Budget of domain characters; null: all. Documents are taken in hash order. The held-out documents
    have a budget in proportion: `heldout_share` of both together."""
    source_weights: Literal["tuned"] | dict[str, float]
    """Source -> how often its documents are drawn, relative to others; sources not named: 1.
    `tuned`: what the stage `mixture` found within bounds of its own; `min_source_share` and `max_weight` are
    then not applied."""
    min_source_share: float = Field(ge=0, lt=1)
    """A source whose share of characters is smaller is drawn more often, up to this share."""
    max_weight: float = Field(ge=1)
    """No document is drawn more often than this, relative to an unweighted mix."""
    seed: int = Field(ge=0)
    """Of the held-out draw, the budget and the choice of replay documents."""

    @field_validator("source_weights")
    @classmethod
    def _positive(cls, weights: str | dict[str, float]) -> str | dict[str, float]:
        if isinstance(weights, dict) and any(weight <= 0 for weight in weights.values()):
            raise ValueError("weights are above 0; to leave a source out, refuse it in lake.yaml")
        return weights
