"""Section `curate_redact` of params.yaml, and the columns of its spans table."""

import re
from typing import Literal, Self

import polars as pl
from pydantic import Field, model_validator

from pipeline.schema.section import Section

SPANS: dict[str, pl.DataType] = {
    "doc_id": pl.String(),
    "field": pl.String(),
    "start": pl.Int64(),
    "end": pl.Int64(),
    "entity_type": pl.String(),
    "recogniser": pl.String(),
    "score": pl.Float64(),
    "pseudonym": pl.String(),
}
"""
field         "text" or "title"
start, end    characters of the input field, end excluded; spans of one field never overlap
score         0 .. 1, of the surest recogniser
pseudonym     what stands in the output instead; the table holds nothing of the replaced text
Key: doc_id, field, start.
"""


class CodePattern(Section):
    """A firm's own code: client, employee, case, ..."""

    kind: str = Field(pattern=r"^[A-Z][A-Z_]*$")
    """Entity type; names the pseudonym."""
    syntax: Literal["form", "regex"]
    """How `pattern` is written. form: what the code looks like, `#` a digit, `@` a letter, the rest as it is,
    such as `BW-#####`; other separators, none, a blank among the digits and a place in a file name are allowed
    for. regex: a regular expression; small and capital letters are the same, a group named `v` is the span."""
    pattern: str = Field(min_length=1)
    score: float = Field(gt=0, le=1)
    """How sure a match is without context."""
    context: tuple[str, ...] = Field(strict=False)
    """Words within 48 characters before or 24 after that raise the score by 0.35."""

    @model_validator(mode="after")
    def _a_form_is_one(self) -> Self:
        if self.syntax == "form" and not re.fullmatch(r"[A-Za-z0-9#@ ./_-]*#[A-Za-z0-9#@ ./_-]*", self.pattern):
            raise ValueError(
                f"{self.kind}: a form is of letters, digits, separators, # and @, with at least one #: {self.pattern}"
            )
        return self


class CurateRedact(Section):
    """What counts as personal data, and what stands in its place."""

    min_score: float = Field(ge=0, le=1)
    """Finds below this are left alone."""
    nothing_bias: float = Field(ge=0)
    """Taken from the tagger's score for "nothing" before it decides: more finds more and errs more."""
    tagger_scores: dict[str, float]
    """Type -> the least score at which a find of the tagger counts."""
    codes: tuple[CodePattern, ...] = Field(strict=False)
    """The firm's own codes."""
    not_personal: tuple[str, ...] = Field(strict=False)
    """Exact texts that are never personal data: names of systems and offices, say."""
    pseudonym: Literal["keyed", "type"]
    """keyed: `<PERSON_04b523ae19>`, the same for the same person everywhere; type: `<PERSON>`."""
    pseudonym_key: Literal["public", "local"]
    """public: a published key, so that anybody can rebuild the same bytes; it gives no secrecy against
    guessing (whoever guesses a name can compute its pseudonym). local: a secret key outside the
    repository; only its holder can rebuild the same bytes."""
    pseudonym_digits: int = Field(ge=6, le=64)
    """Hexadecimal digits kept of the HMAC; 10 (40 bits) makes a clash among 10,000 people unlikely."""
    spread_names: bool
    """Replace every mention of the parts of a full name found elsewhere in the same document."""
    max_density: float = Field(gt=0, le=1)
    """Documents in which a larger share of characters is personal data are dropped."""
    min_density_spans: int = Field(ge=1)
    """Fewer spans than this never drop a document."""
