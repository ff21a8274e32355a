"""Section `gate` of params.yaml."""

from typing import Literal, get_args

from pydantic import Field

from pipeline.schema.section import Section

Check = Literal["in_domain_perplexity", "general_perplexity", "format_adherence", "citation_recall",
                "refusal_balanced", "rubric", "multi_turn"]
"""What a gate can compare; each is also a number in metrics.json."""

CHECKS: tuple[str, ...] = get_args(Check)

PERPLEXITIES = ("in_domain_perplexity", "general_perplexity")
"""Lower is better, compared as a relative change; all other checks: higher is better, absolute change."""


class Gate(Section):
    """What a checkpoint must show against the one before it."""

    confidence: float = Field(gt=0.5, lt=1)
    """Of the two-sided intervals; a claim is one-sided, so it is wrong at most (1 - confidence) / 2 of the time."""
    power: float = Field(gt=0, lt=1)
    """Probability with which the smallest detectable difference is seen."""
    tie_margin: float = Field(ge=0)
    """Rubric scores this close are a tie in the win rate."""
    stop_on_regression: bool
    """Whether a regression ends the run; otherwise it is recorded and the run goes on."""
    checks: dict[str, dict[Check, float]]
    """Checkpoint -> check -> bound on the change from the checkpoint before.
    Perplexities: an upper bound on the relative change (-0.3: fall by 30 % or more; 0.02: rise by 2 % or less).
    Scores: a lower bound on the change (0.5: rise by 0.5 or more; -0.1: fall by 0.1 or less)."""
