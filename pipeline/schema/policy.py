"""`policy.yaml`: what an auditor demands of a checkpoint's lineage. Every field must be there.

An empty policy demands nothing, so it proves nothing; it is refused, like an unknown field. What is
not to be demanded is said so: `hermetic: false`, `maximum_age_days: null`.
"""

from typing import Literal

from pydantic import Field, model_validator

from pipeline.schema.section import Section

Role = Literal["data-owner", "trainer", "evaluator", "attester"]
Result = Literal["PASSED", "WARNED", "FAILED"]


class Signers(Section):
    """Who may sign for one role."""

    keys: list[str] = Field(min_length=1)
    """Each a key's hint (64 hex digits: sha256 of its PEM) or a PEM file, relative to the policy."""
    threshold: int = Field(ge=1)
    """How many different ones of them must have signed, and agree."""


class Gates(Section):
    """What the signed evaluation must show."""

    result: Result
    """The least good result that is accepted: PASSED, WARNED (no evidence) or FAILED (any)."""
    passed: list[str]
    """Gate checks that must be among the passed tests, e.g. `general_perplexity`; may be empty."""
    at_least: dict[str, float]
    """Score in metrics.json -> least value, e.g. `format_adherence: 0.9`; may be empty."""
    at_most: dict[str, float]
    """Score in metrics.json -> greatest value, for perplexities; may be empty."""


class Policy(Section):
    """One policy, for one kind of checkpoint."""

    keyring: list[str] = Field(min_length=1)
    """Keys (as in `signers`) that may sign the producer's keyring: the root of trust."""
    keyring_version: int = Field(ge=1)
    """Lowest accepted version of the keyring: an older one may lack a revocation."""
    signers: dict[Role, Signers] = Field(min_length=4)
    """Every role must be there."""
    predicates: list[str] = Field(min_length=1)
    """Predicate types that must be among the claims."""
    hermetic: bool
    """Whether every stage upstream must have run observed, unable to read an undeclared file."""
    gates: Gates
    bases: list[str] = Field(min_length=1)
    """Tree digests (sha256) of the base models a checkpoint may come from; `any` accepts all."""
    licences: list[str] = Field(min_length=1)
    """Licences that base and lake sources may have, as recorded; `any` accepts all."""
    timestamps: str | None
    """Sigstore trusted root (JSON, relative to the policy) with the timestamp authorities to believe. Then every
    claim must have an RFC 3161 token of theirs, and keys are judged at that time. null: they are judged now."""
    maximum_age_days: int | None = Field(ge=1)
    """Oldest accepted time of the claims by these authorities; null: age is not judged."""

    @model_validator(mode="after")
    def _age_needs_a_clock(self) -> "Policy":
        if self.maximum_age_days is not None and self.timestamps is None:
            raise ValueError("maximum_age_days needs timestamps: nothing else says when the claims were signed")
        return self
