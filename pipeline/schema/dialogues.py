"""Section `dialogues` of params.yaml."""

from typing import Literal

from pydantic import Field

from pipeline.schema.sampling import Sample
from pipeline.schema.section import Section


class ConstraintChoice(Section):
    """A constraint that the user of a dialogue may set (`pipeline/text/constraints.py`)."""

    kind: Literal["max_words", "one_sentence", "must_cite", "no_digits", "no_word"]
    value: str
    """Empty for kinds without a value."""


class Dialogues(Section):
    """Dialogues of scripted users with the current policy, judged, the best kept."""

    prompts: int = Field(ge=1)
    """Seed prompts, drawn by seeded hash from the train examples."""
    samples: int = Field(ge=1)
    """Dialogues sampled from each seed prompt."""
    turns: int = Field(ge=1)
    """User turns of a dialogue; a seed prompt is that many examples of one document."""
    passage_chars: int = Field(ge=80)
    """Most characters of passages in a dialogue; a seed prompt with more is not used."""
    constraints: list[ConstraintChoice] = Field(min_length=1)
    """One is drawn for each seed prompt."""
    sampling: Sample
    judge: Literal["rubric"]
    """Who scores (`pipeline/judges`)."""
    keep_share: float = Field(gt=0, le=1)
    """Share of the dialogues of each seed prompt that is kept, rounded down, at least one."""
    min_score: float = Field(ge=0, le=1)
    """A dialogue below this is not kept, however it compares."""
    min_kept: int = Field(ge=1)
    """Fewer survivors stop the stage."""
