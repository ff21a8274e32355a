"""Section `merge` of params.yaml."""

from pydantic import Field

from pipeline.schema.section import Section


class Merge(Section):
    """The adapter folded into its model, checked on a probe."""

    probe_tokens: int = Field(ge=8)
    """Length of the probe sequence, drawn from the vocabulary."""
    max_difference: float = Field(gt=0)
    """Largest difference of any logit between the merged and the adapted model on the probe."""
    seed: int = Field(ge=0)
    """Of the probe."""
