"""Section `mixture` of params.yaml, and the file of weights the stage writes."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from pipeline.schema.section import Section


class Proxy(Section):
    """The small model that stands for the one to be trained."""

    vocab_size: int = Field(ge=260)
    """Byte-level BPE, trained on the scale model's text; special tokens included."""
    context: int = Field(ge=1)
    """Tokens before the predicted one that it sees."""
    embedding: int = Field(ge=1)
    hidden: int = Field(ge=1)
    batch: int = Field(ge=1)
    """Predicted tokens a step."""
    learning_rate: float = Field(gt=0)
    """AdamW's peak; it falls linearly to 0."""


class Mixture(Section):
    """How source weights are searched for."""

    target: Literal["even", "size"] | dict[str, float]
    """Whose held-out loss counts: every source the same, every byte the same, or by the numbers given
    (sources not named: 0)."""
    max_chars: int = Field(ge=1000)
    """Characters of the scale model of the lake; each source keeps its share of them."""
    general_chars: int = Field(ge=0)
    """Characters of general English that a proxy learns first, as the base has; 0: it starts from nothing."""
    passes: float = Field(gt=0)
    """How often a proxy sees its text; what the training it stands for will do."""
    validation_share: float = Field(gt=0, lt=1)
    """Share of each source's training documents that the search measures on (they are trained on afterwards)."""
    validation_chars: int = Field(ge=100)
    """Characters of each source measured at most; of a document at most a fourth of them."""
    min_documents: int = Field(ge=2)
    """A source with fewer documents to measure on keeps weight 1: chance would set it."""
    min_weight: float = Field(gt=0, le=1)
    """No source is drawn less often than this, relative to an unweighted mix."""
    max_passes: float = Field(gt=0)
    """Most passes over a source's text, where an unweighted mix makes `passes`: the highest weight is their ratio.
    Up to 4 passes are worth about as much as fresh text; after 16 a further one adds little (Muennighoff et al.
    2023, arXiv:2305.16264: the worth of repeated text falls by a factor of e in 15 repetitions)."""
    perturbation: float = Field(gt=1)
    """Factor by which the proxies of a round draw a source more or less often."""
    rounds: int = Field(ge=1)
    """Steps of the search."""
    seeds: int = Field(ge=2)
    """Proxies trained for each candidate that is compared at the end."""
    side_by_side: int = Field(ge=1)
    """Proxies trained as one batched model; part of the identity, as a batch of another size rounds another way."""
    confidence: float = Field(gt=0, lt=1)
    """With which a mixture must be better than the unweighted one to be proposed; also of the intervals shown."""
    min_gain: float = Field(ge=0, lt=1)
    """Share by which a searched mixture must lower the perplexity of the better of the unweighted and the even one.
    What a proxy finds smaller than this need not hold for another model: six real sources had a searched mix 1.7 %
    better than the even one for the proxies and 9 % worse for a transformer."""
    seed: int = Field(ge=0)
    proxy: Proxy

    @model_validator(mode="after")
    def _room_to_repeat(self) -> "Mixture":
        if self.max_passes < self.passes:
            raise ValueError("max_passes is at least passes: a weight of 1 makes `passes` of them")
        return self

    @field_validator("target")
    @classmethod
    def _positive(cls, target: str | dict[str, float]) -> str | dict[str, float]:
        if isinstance(target, dict) and (any(value < 0 for value in target.values()) or not any(target.values())):
            raise ValueError("numbers are at least 0 and one of them is above 0")
        return target


class Weights(Section):
    """`data/mixture/weights.json`: what `curate_mix.source_weights: tuned` takes."""

    chosen: str
    """Name of the candidate the weights are of; `proportional` when none was better with confidence."""
    weights: dict[str, float]
    """Source -> how often its documents are drawn; weighted characters add up to the unweighted ones."""

    @model_validator(mode="after")
    def _some(self) -> "Weights":
        if not self.weights or min(self.weights.values()) <= 0:
            raise ValueError("every source has a weight above 0")
        return self
