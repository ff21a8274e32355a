"""The `eval_items` table: every authored evaluation item, whatever its task.

Key: `item_id`. Order: by `item_id`. Columns that a task does not use are "", 0 or an empty list.
"""

import polars as pl

EVAL_ITEMS: dict[str, pl.DataType] = {
    "item_id": pl.String(),
    "task": pl.String(),
    "passages": pl.List(pl.String()),
    "question": pl.String(),
    "answer": pl.String(),
    "source": pl.Int64(),
    "constraint_kind": pl.String(),
    "constraint_value": pl.String(),
    "instruction": pl.String(),
    "turns": pl.List(pl.String()),
    "text": pl.String(),
}
"""
task              qa | multi_turn | general
passages          qa, multi_turn: what the model may answer from, numbered from 1
question, answer  qa: the question and the wanted text (the refusal when source is 0)
source            qa: 1-based passage that holds the answer, 0 when none does
constraint_*      multi_turn: see pipeline/text/constraints.py; the value is "" where the kind takes none
instruction       multi_turn: the user's sentence that sets the constraint, in the first turn
turns             multi_turn: the scripted questions, in order
text              general: English prose, for perplexity
"""
