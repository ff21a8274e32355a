"""Section `curate_filter` of params.yaml."""

import re
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from pipeline.schema.section import Section

ISO_DATE = r"^\d{4}-\d{2}-\d{2}$"


class GopherQuality(Section):
    """Rae et al. 2021 (arXiv:2112.11446), section A1.1; arguments of datatrove's filter."""

    min_doc_words: int = Field(ge=1)
    """Words that are not symbols alone."""
    max_doc_words: int = Field(ge=1)
    min_avg_word_length: int = Field(ge=1)
    max_avg_word_length: int = Field(ge=1)
    max_symbol_word_ratio: float = Field(gt=0)
    """`#` and ellipses per word."""
    max_bullet_lines_ratio: float = Field(gt=0, le=1)
    max_ellipsis_lines_ratio: float = Field(gt=0, le=1)
    max_non_alpha_words_ratio: float = Field(gt=0, le=1)
    """Least share of words with a letter (datatrove's name says the opposite)."""
    min_stop_words: int = Field(ge=0)
    """Distinct words among the, be, to, of, and, that, have, with; 0 asks for none."""


class GopherRepetition(Section):
    """Rae et al. 2021, table A1; arguments of datatrove's filter, shares in [0, 1], and a window."""

    dup_line_frac: float = Field(gt=0, le=1)
    dup_para_frac: float = Field(gt=0, le=1)
    dup_line_char_frac: float = Field(gt=0, le=1)
    dup_para_char_frac: float = Field(gt=0, le=1)
    top_n_grams: list[tuple[int, float]]
    """(n, largest share of characters in the most frequent n-gram). Occurrences that overlap count each, so that one
    word over and over has a share above 1."""
    dup_n_grams: list[tuple[int, float]]
    """(n, largest share of characters in repeated n-grams)."""
    ngram_window_words: int | None = Field(ge=100)
    """Count n-grams in windows of about so many words (spaCy tokens); null: in the whole text, as datatrove."""


class C4Quality(Section):
    """Raffel et al. 2020 (arXiv:1910.10683), section 2.2; arguments of datatrove's filter."""

    filter_no_terminal_punct: bool
    """Count only lines that end a sentence."""
    min_num_sentences: int = Field(ge=1)
    min_words_per_line: int = Field(ge=1)
    """Shorter lines do not count."""
    filter_curly_bracket: bool
    """Drop documents with a `{`."""
    filter_policy: bool
    """Do not count lines that mention a privacy policy, cookies or terms of use."""
    filter_javascript: bool
    """Do not count lines that mention JavaScript."""


class FineWebQuality(Section):
    """Penedo et al. 2024 (arXiv:2406.17557), section 3.6; arguments of datatrove's filter."""

    line_punct_thr: float = Field(ge=0, le=1)
    """Least share of lines that end a sentence."""
    short_line_thr: float = Field(gt=0, le=1)
    """Largest share of lines of at most `short_line_length` characters."""
    short_line_length: int = Field(ge=1)
    char_duplicates_ratio: float = Field(gt=0, le=1)
    """Largest share of characters in repeated lines."""
    new_line_ratio: float = Field(gt=0)
    """Line breaks per word."""


class RuleProfile(Section):
    """The rules for one kind of text. A filter that is null judges nothing."""

    gopher_repetition: GopherRepetition | None
    gopher_quality: GopherQuality | None
    c4_quality: C4Quality | None
    fineweb_quality: FineWebQuality | None
    min_intact: float = Field(ge=0, le=1)
    """Least P(not degraded) of the quality model: what rules that let tables pass cannot see."""


class SourceProfiles(Section):
    """Which profile judges the documents of which source."""

    default: str
    """Name of the profile for sources not named."""
    sources: dict[str, str]
    """Source -> name of its profile."""


class Term(Section):
    """Words that keep a document out of training."""

    name: str = Field(pattern=r"^[a-z0-9-]+$")
    """Named in the ledger; the words themselves are not."""
    reason: Literal["embargo_term", "compliance_term"]
    """The ledger's reason: not yet to be used, or never."""
    pattern: str
    """Regular expression, minding case: markings are in capitals, prose about them is not. `(?i)` for the rest."""
    head_chars: int = Field(ge=0)
    """Only this many characters from the start are looked at, title included; 0: all."""
    lapses: bool
    """A full date right after the words that is not after `not_after` ends their force."""

    @field_validator("pattern")
    @classmethod
    def _compile(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as err:
            raise ValueError(f"`{pattern}` is not a regular expression: {err}") from err
        return pattern


class QualityDrop(Section):
    """Share of the judged documents of a source that goes, the worst first."""

    default: float = Field(ge=0, lt=1)
    """For sources not named."""
    sources: dict[str, Annotated[float, Field(ge=0, lt=1)]]
    """Source -> share."""


class CurateFilter(Section):
    """Gates in the order in which they are tried; the first that fails names the reason."""

    rights_bases: list[str] = Field(min_length=1)
    """Rights bases that permit training."""
    refused_licences: list[str]
    """Licences that do not, whatever the basis."""
    terms: list[Term]
    """Embargo and compliance terms; one match in text or title drops the document."""
    not_before: str = Field(pattern=ISO_DATE)
    """Oldest publication date kept."""
    not_after: str = Field(pattern=ISO_DATE)
    """Newest publication date kept: the knowledge cut-off."""
    unknown_date: Literal["keep", "drop", "model", "strict"]
    """Documents without a publication date: keep or drop all; drop those that the date model is sure are outside; or
    keep only those that it is sure are inside."""
    date_confidence: float = Field(gt=0.5, lt=1)
    """How sure the date model must be."""
    cutoff_by_text: bool
    """Also drop documents that have a date but whose text the date model surely takes for newer than `not_after`."""
    languages: list[str] = Field(min_length=1)
    """ISO 639-1 codes kept."""
    language_chars: int = Field(ge=1)
    """Characters in each window that the language is told from."""
    language_windows: int = Field(ge=1)
    """Windows, evenly from the start of the text to its end; most must be foreign for the text to go."""
    min_language_probability: float = Field(ge=0, le=1)
    """Less sure answers do not make a window foreign."""
    profiles: dict[str, RuleProfile] = Field(min_length=1)
    """Name -> rules. Which source has which is said in `source_profiles`."""
    source_profiles: SourceProfiles
    """Every name in it is one of `profiles`."""
    min_quality: float = Field(ge=0, le=1)
    """Least P(domain) of the quality model."""
    min_quality_words: int = Field(ge=0)
    """Shorter documents are not judged by the quality model: a few words decide too much."""
    quality_drop: QualityDrop
    """The bottom share of each source goes too."""
    max_loss: dict[str, float]
    """Source -> largest share of documents it may lose; sources not named: `default_max_loss`."""
    default_max_loss: float = Field(ge=0, le=1)
    """For the other sources."""

    @field_validator("terms")
    @classmethod
    def _unique(cls, terms: list[Term]) -> list[Term]:
        names = [term.name for term in terms]
        if len(set(names)) < len(names):
            raise ValueError(f"two terms have one name: {sorted(names)}")
        return terms

    @field_validator("source_profiles")
    @classmethod
    def _known(cls, chosen: SourceProfiles, info: ValidationInfo) -> SourceProfiles:
        profiles = info.data.get("profiles", {})
        unknown = sorted({chosen.default, *chosen.sources.values()} - set(profiles))
        if profiles and unknown:
            raise ValueError(f"no profile is called {', '.join(unknown)} (known: {', '.join(sorted(profiles))})")
        return chosen

    def profile_of(self, source: str) -> RuleProfile:
        """The rules that judge the documents of `source`."""
        return self.profiles[self.source_profiles.sources.get(source, self.source_profiles.default)]
