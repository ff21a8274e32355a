"""What is asked: held-out documents, single questions and scripted conversations, as plain values.

Which ones are chosen depends on the seed and their keys, never on their order in a table.
"""

from collections.abc import Iterable
from typing import NamedTuple

import polars as pl

from pipeline.schema.errors import BadInput
from pipeline.schema.evaluate import Evaluate
from pipeline.text.answers import NO_SOURCE
from pipeline.text.constraints import KINDS, wording
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
    passages: list[str]
    instruction: str
    """The user's sentence that sets the constraint."""
    kind: str
    value: str
    turns: list[str]


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
    authored = [
        Conversation(row["item_id"], row["passages"], row["instruction"], row["constraint_kind"],
                     row["constraint_value"], row["turns"])
        for row in items.filter(task="multi_turn").sort("item_id").iter_rows(named=True)]
    return authored + lake_conversations(examples.filter(split="heldout"), params)


def lake_conversations(examples: pl.DataFrame, params: Evaluate) -> list[Conversation]:
    """One conversation a document with enough answerable examples: their questions on their passages.

    The constraint goes round the kinds by document, so each kind is asked about equally often.
    """
    usable = examples.filter(pl.col("source") > NO_SOURCE).sort("example_id")
    groups = {doc_id: rows for (doc_id,), rows in usable.group_by("doc_id", maintain_order=True)
              if rows.height >= params.turns}
    keys = chosen((str(key) for key in groups), params.max_conversations, params.seed)
    return [lake_conversation(key, groups[key], KINDS[number % len(KINDS)], params)
            for number, key in enumerate(keys)]


def lake_conversation(doc_id: str, rows: pl.DataFrame, kind: str, params: Evaluate) -> Conversation:
    """The conversation on one document's examples, in order of example_id."""
    asked = rows.head(params.turns)
    passages = [passages[source - 1] for passages, source in asked.select("passages", "source").iter_rows()]
    value = {"max_words": str(params.max_words), "no_word": commonest_word(passages)}.get(kind, "")
    return Conversation(f"conversation:{doc_id}", list(dict.fromkeys(passages)), wording(kind, value), kind, value,
                        asked["question"].to_list())


def commonest_word(passages: list[str]) -> str:
    """The commonest word of at least five letters: one that an answer is likely to need. Ties by alphabet."""
    words = [word for passage in passages for word in passage.lower().split() if word.isalpha() and len(word) > 4]
    return min(words, key=lambda word: (-words.count(word), word), default="because")
