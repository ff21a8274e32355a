"""Section `preferences` of params.yaml."""

from typing import Literal

from pydantic import Field

from pipeline.schema.sampling import Sample
from pipeline.schema.section import Section


class Preferences(Section):
    """Pairs of answers of the current policy, the better one by a judge's word."""

    prompts: int = Field(ge=1)
    """Train examples asked in a round, drawn by seeded hash; another draw each round."""
    samples: int = Field(ge=2)
    """Answers drawn for each prompt."""
    sampling: Sample
    judge: Literal["rubric"]
    """Who scores (`pipeline/judges`)."""
    min_margin: float = Field(gt=0, le=1)
    """Smallest difference of the best and the worst score that makes a pair."""
    min_pairs: int = Field(ge=1)
    """Fewer pairs than this stop the stage: DPO on a handful of pairs learns the handful."""
