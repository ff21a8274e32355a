"""What is asked: held-out documents, single questions and scripted conversations, as plain values.

Which ones are chosen depends on the seed and their keys, never on their order in a table.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import polars as pl

from pipeline.judges.dialogue import Constraint
from pipeline.sample.dialogues import scripts
from pipeline.schema.errors import BadInput
from pipeline.schema.evaluate import Evaluate
from pipeline.text.answers import INSTRUCTION, NO_SOURCE, one_line, render_prompt
from pipeline.text.draws import unit_draw


class Question(NamedTuple):
    """One question on passages."""

    item_id: str
    passages: list[str]
    question: str
    source: int
    """1-based passage that answers; NO_SOURCE when none does."""

    @property
    def answerable(self) -> bool:
        """Whether a passage answers."""
        return self.source != NO_SOURCE


class Conversation(NamedTuple):
    """A conversation whose user turns are scripted: they do not depend on what the model says."""

    item_id: str
    kind: str
    value: str
    """The constraint that the first turn sets (`pipeline.text.constraints`)."""
    turns: list[str]
    """The user's messages."""


def chosen(keys: Iterable[str], most: int, seed: int) -> list[str]:
    """At most `most` of `keys`, drawn by seed, sorted."""
    return sorted(sorted(keys, key=lambda key: (unit_draw(seed, key), key))[:most])


def held_out_documents(documents: pl.DataFrame, what: str, params: Evaluate) -> dict[str, str]:
    """doc_id -> text of at most `max_documents` held-out documents.

    Args:
        documents: columns `doc_id`, `text`, `split`.
        what: named in errors.

    Raises:
        BadInput: fewer than two documents are held out, so nothing can be said about others.
    """
    held = documents.filter(split="heldout")
    if held.height < 2:
        raise BadInput(what, "too few documents are held out to measure on", wanted="at least 2",
                       got=str(held.height), do="raise the held-out share in params.yaml")
    texts = dict(held.select("doc_id", "text").iter_rows())
    return {key: texts[key] for key in chosen(texts, params.max_documents, params.seed)}


def questions(items: pl.DataFrame, examples: pl.DataFrame, params: Evaluate) -> list[Question]:
    """All authored questions, then at most `max_examples` held-out examples; each by id."""
    authored = [Question(row["item_id"], row["passages"], row["question"], row["source"])
                for row in items.filter(task="qa").sort("item_id").iter_rows(named=True)]
    rows = {row["example_id"]: row for row in examples.filter(split="heldout").iter_rows(named=True)}
    return authored + [Question(key, rows[key]["passages"], rows[key]["question"], rows[key]["source"])
                       for key in chosen(rows, params.max_examples, params.seed)]


def conversations(items: pl.DataFrame, examples: pl.DataFrame, params: Evaluate) -> list[Conversation]:
    """All authored conversations, then those made from held-out examples; each by id."""
    authored = [authored_conversation(row)
                for row in items.filter(task="multi_turn").sort("item_id").iter_rows(named=True)]
    return authored + lake_conversations(examples.filter(split="heldout"), params)


def authored_conversation(row: dict[str, Any]) -> Conversation:
    """First the instruction, the constraint, passages and a question; then questions alone."""
    opening = render_prompt(row["passages"], row["turns"][0], f"{INSTRUCTION} {row['instruction']}")
    return Conversation(row["item_id"], row["constraint_kind"], row["constraint_value"],
                        [opening, *(f"Question: {one_line(turn)}" for turn in row["turns"][1:])])


def lake_conversations(examples: pl.DataFrame, params: Evaluate) -> list[Conversation]:
    """Scripts of the kind that stage `dialogues` trains on, here on documents that no stage trains on."""
    constraints = [Constraint(choice.kind, choice.value) for choice in params.constraints]
    offered = {f"conversation:{found.example_id}": found
               for found in scripts(examples, constraints, params.turns, params.passage_chars, params.seed)}
    return [Conversation(key, *offered[key].constraint, offered[key].turns)
            for key in chosen(offered, params.max_conversations, params.seed)]
