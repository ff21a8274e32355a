"""The `ledger` table: one row per input of a curation stage, saying what became of it and why.

Key: `input_id`. Order: by `input_id`. It holds no document text.
Conservation law: every input is in it exactly once; kept + dropped + merged = in, per source.
"""

from typing import Literal, get_args

import polars as pl

Decision = Literal["keep", "drop", "merge", "edit", "split"]
"""keep, edit (kept, text changed) and split (became several records) survive; drop and merge do not."""

DECISIONS: tuple[str, ...] = get_args(Decision)
SURVIVES = ("keep", "edit", "split")

LEDGER: dict[str, pl.DataType] = {
    "input_id": pl.String(),
    "source": pl.String(),
    "decision": pl.String(),
    "reason": pl.String(),
    "score": pl.Float64(),
    "evidence": pl.String(),
    "survivor_id": pl.String(),
}
"""
input_id      doc_id; in `curate_extract` the file's path, or "path#locator" for a record of a split file
reason        a key of REASONS
score         the number the decision rests on (see REASONS for its unit), null when there is none
evidence      short and free of document text: a rule name, an eval item id, an error class; "" if none
survivor_id   the doc_id this input was merged into; "" unless decision is merge
"""

REASONS: dict[str, str] = {
    "ok": "kept unchanged; score: the stage's own, if any",
    # curate_extract
    "records": "a file of records, split; score: number of records",
    "unsupported_type": "no reader for this mime type",
    "unreadable": "damaged, truncated or not what its name says; evidence: the error class",
    "encrypted": "needs a password",
    "limit_exceeded": "over a size, page, time or decompression limit; evidence: which",
    "no_text": "nothing but blanks after extraction",
    "bad_record": "a line or row that is not a record; evidence: line number",
    "same_bytes": "the same raw bytes as the survivor",
    # curate_filter
    "rights_not_cleared": "the source's rights basis does not permit training",
    "embargo_term": "carries an embargo term; evidence: the term's name in params.yaml",
    "compliance_term": "carries a marking that forbids the use; evidence: the term's name in params.yaml",
    "too_old": "published before the gate; evidence: the date, or the years told by the text, with score P(too old)",
    "after_cutoff": "published after the gate; evidence: the date, or the years told by the text, with score P(newer)",
    "unknown_date": "no date, and not surely inside the gate; score: P(inside) where the text was asked",
    "language": "not an accepted language; score: its probability",
    "heuristic": "a Gopher, C4 or FineWeb rule; evidence: the rule",
    "degraded": "garbled, shuffled or stuffed text by fastText; score: P(intact)",
    "quality": "fastText quality score under the threshold; score: P(in domain)",
    "quality_bottom": "in the bottom share of its source; score: P(in domain); evidence: the source's cut",
    # curate_dedup
    "near_duplicate": "exact Jaccard of word 5-grams with the survivor; score: that Jaccard",
    "repeated_chunks": "kept, chunks seen earlier removed; score: share of characters removed; evidence: how many",
    "boilerplate_lines": "kept, lines common to its source removed; score and evidence: as of repeated_chunks",
    "all_chunks_repeated": "nothing was left once repeated chunks and boilerplate lines were removed",
    # curate_redact
    "pii": "kept, personal data replaced by pseudonyms; score: number of spans",
    "pii_density": "too many spans for the text to be worth keeping; score: share of characters",
    # curate_decontaminate
    "eval_overlap": "shares an n-gram with an evaluation item; evidence: item id",
    # curate_mix
    "train": "kept for training; score: sampling weight",
    "heldout": "kept for measuring only",
    "over_budget": "left out by the mixture's token budget",
}

NAMED_BY_EVIDENCE = ("limit_exceeded", "rights_not_cleared", "embargo_term", "compliance_term", "language", "heuristic")
"""Reasons of several rules: their evidence is the name of one. That of other reasons is a value of one document."""

CUT = ("repeated_chunks", "boilerplate_lines")
"""Reasons of edits that take something away and put nothing in its place: what went can be shown."""

NOT_QUOTED = ("rights_not_cleared", "embargo_term", "compliance_term")
"""Reasons that forbid to show the text as they forbid to train on it."""
