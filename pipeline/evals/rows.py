"""Rows of the answers table."""

import json
from typing import NamedTuple


class Scored(NamedTuple):
    """What one item scored on one task."""

    score: float
    parts: dict[str, float]


def answer_row(item_id: str, task: str, prompt: str, answer: str, scored: Scored) -> dict[str, object]:
    """One row, in the columns of `pipeline.schema.eval_answers.ANSWERS`."""
    return {"item_id": item_id, "task": task, "prompt": prompt, "answer": answer, "score": float(scored.score),
            "parts": json.dumps(scored.parts, sort_keys=True)}
