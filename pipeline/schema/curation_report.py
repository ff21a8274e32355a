"""Section `curation_report` of params.yaml."""

from pydantic import Field

from pipeline.schema.section import Section


class CurationReport(Section):
    """How much of the lake the page shows."""

    examples: int = Field(ge=0)
    """Documents quoted for each rule at most; 0: none is read."""
    excerpt_chars: int = Field(ge=40)
    """Of one quotation, at most."""
    quote_unredacted: bool
    """Whether text is quoted in which personal data had not been replaced yet: that of documents which curation dropped
    before `curate_redact`. What the ledger's reason forbids to quote is not quoted either way, paths always are."""
    token_sample_chars: int = Field(ge=1000)
    """Characters of each source on which its tokens a character are measured, at most."""
