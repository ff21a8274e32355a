"""Constraints a user sets in the first turn and that every later answer must keep.

They are checked by program on what the answer *says* (`answers.spoken`): the label `Answer:` is not
a word of it and the number in `Source: [2]` is not a digit of it.
"""

import re
from typing import Literal, get_args

from pipeline.schema.errors import BadInput
from pipeline.text.answers import cited, spoken

Kind = Literal["max_words", "one_sentence", "must_cite", "no_digits", "no_word"]
"""
max_words     value: the largest number of words, e.g. "20"
one_sentence  value: ""
must_cite     value: ""; every answer names a passage
no_digits     value: ""
no_word       value: the word, compared without case, as a whole word
"""

KINDS: tuple[str, ...] = get_args(Kind)

_SENTENCE_END = re.compile(r"[.!?](?=\s+\S)")


def keeps(kind: str, value: str, answer: str) -> bool:
    """Whether `answer` keeps the constraint. An empty answer keeps none: silence is not obedience.

    Raises:
        BadInput: the kind is unknown, or the value does not fit it.
    """
    check_constraint(kind, value)
    said = spoken(answer)
    if not said:
        return False
    match kind:
        case "max_words":
            return len(said.split()) <= int(value)
        case "one_sentence":
            return _SENTENCE_END.search(said) is None
        case "must_cite":
            return cited(answer) > 0
        case "no_digits":
            return not any(character.isdigit() for character in said)
        case _:
            return re.search(rf"\b{re.escape(value)}\b", said, re.IGNORECASE) is None


def wording(kind: str, value: str) -> str:
    """The sentence that sets the constraint in a user's first turn."""
    check_constraint(kind, value)
    return {
        "max_words": f"Use at most {value} words in every answer.",
        "one_sentence": "Give every answer as one sentence.",
        "must_cite": "Cite a passage in every answer.",
        "no_digits": "Use no digits in any answer.",
        "no_word": f'Never use the word "{value}".',
    }[kind]


def check_constraint(kind: str, value: str) -> None:
    """Raise BadInput unless `kind` is known and `value` fits it."""
    if kind not in KINDS:
        raise BadInput("constraint", "kind is unknown", wanted=", ".join(KINDS), got=repr(kind))
    fits = {"max_words": value.isdecimal() and int(value or 0) > 0, "no_word": bool(value.strip())}
    if not fits.get(kind, value == ""):
        raise BadInput(f"constraint {kind}", "value does not fit the kind", got=repr(value))
