"""The `answers` table of an evaluation: what each item scored on each task. It may hold private text.

Key: `item_id`, `task`. Order: by key.
"""

import polars as pl

ANSWERS: dict[str, pl.DataType] = {
    "item_id": pl.String(),
    "task": pl.String(),
    "prompt": pl.String(),
    "answer": pl.String(),
    "score": pl.Float64(),
    "parts": pl.String(),
}
"""
item_id  eval_items' `item_id`, sft_data's `example_id`, or a `doc_id` for perplexity
task     in_domain_perplexity | general_perplexity | format | citation | refusal | rubric | multi_turn
prompt   what the model was asked; user turns joined by a form feed; "" for perplexity
answer   what it said; turns joined by a form feed; "" for perplexity
score    in [0, 1], higher is better; for perplexity nats per token, lower is better
parts    JSON object: what the score is made of (numbers only, keys sorted)
"""

TURN_BREAK = "\f"
"""Between turns in `prompt` and `answer`."""
