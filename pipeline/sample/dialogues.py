"""Dialogues with a scripted user: what is asked, what is sampled, which ones are kept.

A seed prompt is two questions on one document, each with the passage that answers it, and one
constraint. The user's turns are scripted: the constraint, both passages and the first question; the
second question; from the third turn on the earlier questions again, which asks for the constraint to be
remembered when it is furthest away. Only the assistant's turns are sampled.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import NamedTuple

import polars as pl

from pipeline.judges.dialogue import Constraint
from pipeline.judges.interface import Prompt
from pipeline.sample.pairs import item_seed
from pipeline.text.answers import INSTRUCTION, Message, render_prompt
from pipeline.text.constraints import wording
from pipeline.text.examples import draw

KINDS = ("section_qa", "resolved_qa", "template")
"""Kinds of examples with a one-line answer; a playbook's two lines cannot be one sentence."""

AGAIN = ("Back to what I asked before: {question}", "Please answer this once more: {question}",
         "And again, for my notes: {question}")
"""Wordings of a repeated question."""


class Script(NamedTuple):
    """The user's side of a dialogue, complete before anything is sampled."""

    example_id: str
    """Of the first question: the seed prompt's name."""
    constraint: Constraint
    turns: list[str]
    """The user's messages."""
    prompts: list[Prompt]
    """What each turn asks, for the judge."""


class Dialogue(NamedTuple):
    """One sampled dialogue."""

    script: Script
    sample: int
    seed: int
    """Of the first turn; later turns derive theirs from it."""
    answers: list[str]

    @property
    def messages(self) -> list[Message]:
        """User and assistant in turn, as far as the dialogue has come; it may end with a question."""
        spoken: list[Message] = []
        for number, turn in enumerate(self.script.turns[:len(self.answers) + 1]):
            spoken.append({"role": "user", "content": turn})
            if number < len(self.answers):
                spoken.append({"role": "assistant", "content": self.answers[number]})
        return spoken


def scripts(examples: pl.DataFrame, constraints: Sequence[Constraint], num_turns: int, passage_chars: int,
            seed: int) -> list[Script]:
    """All scripts the examples offer: disjoint pairs of examples of one document, by seeded hash."""
    usable = examples.filter(pl.col("kind").is_in(KINDS)).sort("example_id")
    by_document: dict[str, list[dict[str, object]]] = defaultdict(list)
    for example in usable.iter_rows(named=True):
        by_document[str(example["doc_id"])].append(example)
    found = []
    for _, rows in sorted(by_document.items()):
        rows.sort(key=lambda row: draw(seed, "script", row["example_id"]))
        for first, second in zip(rows[::2], rows[1::2], strict=False):
            if len(cited_passage(first)) + len(cited_passage(second)) <= passage_chars:
                found.append(script(first, second, constraints, num_turns, seed))
    return found


def script(first: dict[str, object], second: dict[str, object], constraints: Sequence[Constraint],
           num_turns: int, seed: int) -> Script:
    """The script of two examples; the order of the passages and the constraint are drawn by hash."""
    key = str(first["example_id"])
    examples = [first, second]
    swapped = draw(seed, "swap", key) % 2
    passages = [cited_passage(example) for example in (reversed(examples) if swapped else examples)]
    constraint = constraints[draw(seed, "constraint", key) % len(constraints)]
    turns, prompts = [], []
    for turn in range(num_turns):
        place = turn % 2
        question = str(examples[place]["question"])
        again = AGAIN[draw(seed, "again", key, turn) % len(AGAIN)]
        asked = question if turn < 2 else again.format(question=question)  # both were asked once
        turns.append(f"Question: {asked}")
        prompts.append(Prompt(passages, question, 1 + (place ^ swapped)))
    opening = f"{INSTRUCTION} {wording(*constraint)}"
    turns[0] = render_prompt(passages, str(first["question"]), opening)
    return Script(key, constraint, turns, prompts)


def cited_passage(example: dict[str, object]) -> str:
    """The passage an answerable example cites."""
    passages, source = example["passages"], example["source"]
    assert isinstance(passages, list)  # a column of the examples table
    assert isinstance(source, int)
    return str(passages[source - 1])


Speak = Callable[[list[list[Message]], list[int]], list[str]]
"""Conversations that end with the user, and a seed each -> the assistant's next turns."""


def hold(scripts_: Sequence[Script], samples: int, seed: int, speak: Speak) -> list[Dialogue]:
    """`samples` dialogues of each script, turn by turn over all of them at once."""
    open_ = [Dialogue(one, number, item_seed(seed, "dialogue", one.example_id, number), [])
             for one in scripts_ for number in range(samples)]
    for turn in range(max((len(one.turns) for one in scripts_), default=0)):
        seeds = [dialogue.seed if turn == 0 else item_seed(dialogue.seed, "turn", turn) for dialogue in open_]
        spoken = speak([dialogue.messages for dialogue in open_], seeds)
        open_ = [dialogue._replace(answers=[*dialogue.answers, answer])
                 for dialogue, answer in zip(open_, spoken, strict=True)]
    return open_


def survivors(dialogues: Sequence[Dialogue], scores: Sequence[float], keep_share: float,
              min_score: float) -> list[bool]:
    """Which dialogues are kept: of each seed prompt the best `keep_share`, at least one, above `min_score`.

    Per seed prompt and not overall, because constraints differ in difficulty: the best quarter of all
    would be the easiest constraint over and over, and the hard ones would never be trained. Of equal
    dialogues of one seed prompt only the first counts; of equal scores the earlier sample is kept.
    """
    ranks: dict[str, list[int]] = defaultdict(list)
    seen: set[tuple[str, ...]] = set()
    for item, dialogue in enumerate(dialogues):
        said = (dialogue.script.example_id, *dialogue.answers)
        if said not in seen:
            ranks[dialogue.script.example_id].append(item)
        seen.add(said)
    sampled = {key: sum(dialogue.script.example_id == key for dialogue in dialogues) for key in ranks}
    kept = [False] * len(dialogues)
    for key, items in ranks.items():
        best = sorted(items, key=lambda item: (-scores[item], dialogues[item].sample))
        for item in best[:max(1, int(keep_share * sampled[key]))]:
            kept[item] = scores[item] >= min_score
    return kept
