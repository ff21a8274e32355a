"""The tables that cross the training stages: examples, preference pairs, dialogues."""

import polars as pl

MESSAGES = pl.List(pl.Struct({"role": pl.String(), "content": pl.String()}))
"""A conversation as chat templates take it."""

PARTS = pl.List(pl.Struct({"name": pl.String(), "value": pl.Float64()}))
"""A judgement's parts, sorted by name. A list and not a struct: another judge has other parts."""

EXAMPLES: dict[str, pl.DataType] = {
    "example_id": pl.String(),
    "kind": pl.String(),
    "split": pl.String(),
    "doc_id": pl.String(),
    "passages": pl.List(pl.String()),
    "question": pl.String(),
    "answer": pl.String(),
    "source": pl.Int64(),
    "citation_start": pl.Int64(),
    "citation_end": pl.Int64(),
    "review_state": pl.String(),
}
"""
example_id      16 hex digits of document, kind and span; the key
kind            section_qa | playbook | resolved_qa | template | unanswerable
split           train | heldout, that of the document
doc_id          the document the question came from
passages        slices of documents of the same split, exactly as they stand there
answer          the whole target text, in the answer format
source          1-based number of the cited passage, 0 when no passage answers
citation_start  `text[citation_start:citation_end]` of `doc_id` is the cited passage; 0, 0 when unanswerable
review_state    generated | reviewed
"""

PAIRS: dict[str, pl.DataType] = {
    "pair_id": pl.String(),
    "round": pl.Int64(),
    "example_id": pl.String(),
    "prompt": MESSAGES,
    "chosen": pl.String(),
    "rejected": pl.String(),
    "chosen_score": pl.Float64(),
    "rejected_score": pl.Float64(),
    "chosen_parts": PARTS,
    "rejected_parts": PARTS,
    "chosen_seed": pl.Int64(),
    "rejected_seed": pl.Int64(),
}
"""
pair_id         16 hex digits of round and example; the key
chosen_seed     the seed that made the answer from `prompt` (below 2^63): anyone with the policy can draw it again
"""

DIALOGUES: dict[str, pl.DataType] = {
    "dialogue_id": pl.String(),
    "example_id": pl.String(),
    "sample": pl.Int64(),
    "messages": MESSAGES,
    "constraint_kind": pl.String(),
    "constraint_value": pl.String(),
    "score": pl.Float64(),
    "parts": PARTS,
    "kept": pl.Boolean(),
    "seed": pl.Int64(),
}
"""
dialogue_id     16 hex digits of seed prompt and sample number; the key
example_id      the example whose question opens the dialogue (the seed prompt)
messages        user turns are scripted, assistant turns are sampled
kept            whether it is among the survivors
seed            of its first turn; later turns derive theirs from it
"""


def parts_rows(parts: dict[str, float]) -> list[dict[str, str | float]]:
    """A judgement's parts as the rows of a `PARTS` cell."""
    return [{"name": name, "value": value} for name, value in sorted(parts.items())]
