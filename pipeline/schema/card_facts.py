"""data/card.yaml: what only people can say of a model. The one hand-written input of a model card.

A field that is left out is "not provided", which the card prints; unknown keys are refused.
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

PLACEHOLDER = re.compile(r"\b(?:TODO|TBD|N/A|lorem ipsum|more information needed)\b|\{\{|<[a-z _-]+>", re.IGNORECASE)
CLAIMS = re.compile(r"\bcomplian(?:t|ce) with\b|\bcertified\b|\b(?:approved|endorsed) by\b|\bconforms? to\b",
                    re.IGNORECASE)
"""What no card of ours may say: a model card is evidence, not a declaration of conformity."""
MIN_CHARS = 20
"""Shorter sentences say nothing about a model."""


def check_sentence(text: str) -> str:
    """`text`, unless it is a placeholder, a claim of conformity or too short to mean anything.

    Raises:
        ValueError: says which.
    """
    if PLACEHOLDER.search(text):
        raise ValueError("is a placeholder; leave the field out to have it printed as not provided")
    if CLAIMS.search(text):
        raise ValueError("claims conformity or endorsement, which a model card cannot give")
    if len(text.strip()) < MIN_CHARS:
        raise ValueError(f"is shorter than {MIN_CHARS} characters")
    return text


Sentence = Annotated[str, AfterValidator(check_sentence)]
Word = Annotated[str, Field(min_length=1, max_length=120)]


class _Facts(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Use(_Facts):
    """What it is for, and what not."""

    direct: Sentence | None = None
    downstream: Sentence | None = None
    out_of_scope: list[Sentence] | None = Field(default=None, min_length=3)
    oversight: Sentence | None = None


class Oecd(_Facts):
    """Criteria of the OECD Framework for the Classification of AI Systems (2022) that need a person's judgement."""

    users: Sentence | None = None
    stakeholders: Sentence | None = None
    redress: Sentence | None = None
    sector: Word | None = None
    business_function: Word | None = None
    critical_function: bool | None = None
    task: Literal["recognition", "event detection", "forecasting", "personalisation", "interaction support",
                  "goal-driven optimisation", "reasoning with knowledge structures"] | None = None
    action_autonomy: Literal["none", "low", "medium", "high"] | None = None
    data_provenance: list[Literal["expert", "provided", "observed", "synthetic", "derived"]] | None = None
    data_dynamism: Literal["static", "updated", "real-time"] | None = None
    data_rights: Literal["proprietary", "public", "personal"] | None = None


class Dataset(_Facts):
    """One body of text that the model was trained on, or measured with."""

    name: Word
    cards: list[Word] = []
    """Data cards (names in `data_card.datasets`) of tables that hold text of it."""
    licence: Word
    rights_basis: Sentence
    personal_data: Sentence
    rationale: Sentence
    biases: Sentence


class Limitation(_Facts):
    """Something the model does badly."""

    limitation: Sentence
    affected: Sentence
    mitigation: Sentence


class EuAiAct(_Facts):
    """What a provider says of its position under Regulation (EU) 2024/1689."""

    provider_determination: Literal["not a provider", "provider limited to the modification",
                                    "undetermined"] | None = None
    base_training_flop: float | None = Field(default=None, gt=0)
    base_flop_source: Sentence | None = None
    copyright_policy: Sentence | None = None
    code_of_practice_signatory: bool | None = None


class Review(_Facts):
    """Who stands behind the human text."""

    author: Word | None = None
    reviewer: Word | None = None
    date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None


class CardFacts(_Facts):
    """The whole file."""

    name: Word
    version: Word
    summary: Sentence
    licence: Word
    language: list[Annotated[str, Field(pattern=r"^[a-z]{2,3}$")]] = Field(min_length=1)
    provider: Word | None = None
    contact: Word | None = None
    complaint_contact: Word | None = None
    use: Use = Use()
    oecd: Oecd = Oecd()
    datasets: list[Dataset] = Field(min_length=1)
    evaluation_sets: list[Dataset] = []
    """Never trained on; they have data cards, and no place among the datasets of a model card."""
    training_rationale: Sentence | None = None
    optimised_for: Sentence | None = None
    limitations: list[Limitation] | None = Field(default=None, min_length=3)
    eu_ai_act: EuAiAct = EuAiAct()
    review: Review = Review()
