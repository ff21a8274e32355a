"""Gates on what a document is, not on how it reads: rights, embargo terms, dates.

A gate returns why the document must go, or None when it may pass.
"""

import re
from collections.abc import Sequence

from pipeline.schema.decided import Decided


def rights_gate(cleared: bool, basis: str, licence: str, bases: Sequence[str],
                refused: Sequence[str]) -> Decided | None:
    """A person must have cleared the source, on a listed basis, under a licence that is not refused."""
    if not cleared:
        return Decided("drop", "rights_not_cleared", evidence="not cleared in lake.yaml")
    if basis not in bases:
        return Decided("drop", "rights_not_cleared", evidence=f"basis {basis or 'unknown'}")
    if licence in refused:
        return Decided("drop", "rights_not_cleared", evidence=f"licence {licence}")
    return None


def embargo_gate(text: str, terms: Sequence[re.Pattern[str]]) -> Decided | None:
    """No term may match. Evidence is the term's number, because the ledger holds no text."""
    for number, term in enumerate(terms, start=1):
        if term.search(text):
            return Decided("drop", "embargo_term", evidence=f"term {number}")
    return None


def date_gate(published: str | None, not_before: str, not_after: str, unknown: str) -> Decided | None:
    """Publication date within both ends. ISO dates of equal length order as strings do."""
    if published is None:
        return Decided("drop", "too_old", evidence="no date") if unknown == "drop" else None
    if published[:10] < not_before:
        return Decided("drop", "too_old", evidence=published)
    if published[:10] > not_after:
        return Decided("drop", "after_cutoff", evidence=published)
    return None
