"""The `truth` table of the sample lake: what was planted where. No other stage may read it.

Key: `path`, `locator`. Order: by key. It serves tests and measurements only.
"""

import polars as pl

TRUTH: dict[str, pl.DataType] = {
    "path": pl.String(),
    "locator": pl.String(),
    "origin": pl.String(),
    "plant": pl.String(),
    "of_path": pl.String(),
    "strength": pl.String(),
    "jaccard": pl.Float64(),
    "pii": pl.List(pl.Struct({"type": pl.String(), "value": pl.String()})),
    "expected_stage": pl.String(),
    "expected_decision": pl.String(),
    "expected_reason": pl.String(),
}
"""
path, locator   as in the documents table
origin          id of the authored document or record the text comes from; "" when there is none
plant           none | near_duplicate | same_bytes | boilerplate | footer | off_topic | garbled | stuffed |
                navigation | expired | embargo | uncleared | eval_overlap | hostile
of_path         the file this one repeats; "" otherwise
strength        light | medium | heavy | truncated | reformatted for near-duplicates, the kind of
                damage for hostile files; "" otherwise
jaccard         of the words' 5-grams with the repeated text, both as authored; null otherwise
pii             every planted value in the text, in order
expected_*      what a sound run decides about it first besides keep; "" and keep for ordinary documents.
                For near-duplicates either file of the pair may be the one that goes.
"""
