"""A judge that is a program: five claims about an answer, each checked on its text.

    format               it is in the answer format (`pipeline.text.answers`)
    citation_exists      it cites a passage that is there, or refuses and cites none
    citation_supports    the share of what it says that the cited passage says; it cites the right one
    refusal_calibration  it refuses when, and only when, the passages do not answer
    on_policy            it asserts no figure and no obligation that the cited passage lacks

An answer out of format gets nothing for the other four: what cannot be read cannot be checked.
The rubric sees words, not meaning: an answer that copies an irrelevant sentence of the right passage
scores as well as the right sentence. That is why a judge is an interface and this is only the first.
"""

import re

from pipeline.judges.interface import UNKNOWN_SOURCE, Judgement, Prompt
from pipeline.text.answers import NO_SOURCE, REFUSAL, Answer, parse_answer

WEIGHTS = {"format": 0.15, "citation_exists": 0.1, "citation_supports": 0.4, "refusal_calibration": 0.2,
           "on_policy": 0.15}
"""Sum to 1. Support weighs most, because it is the substance of an answer and an empty phrase has the other four.
A refusal where the passages do answer gets 0.4, less than any answer in the format that cites a passage and
adds nothing to it (0.6 and more)."""

MIN_CONTENT_WORDS = 5
"""An answer with fewer content words gets support in proportion: one copied word is no answer."""

_WORD = re.compile(r"[a-z]+(?:[-'][a-z]+)*|\d+(?:[.,:]\d+)*")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_STOP = frozenset(re.findall(
    r"\w+",
    "a an and are as at be been but by for from had has have if in into is it its of on or so than that the their "
    "them then there they this those to was were what when which who will with would you your we our i he she his her "
    "not no do does did can could any all each more most other some such only also"))
"""Words that any two English sentences share."""

_OBLIGATIONS = {
    "duty": re.compile(r"\b(?:must|shall|required?|requires|has to|have to|obliged|needs? to)\b"),
    "ban": re.compile(r"\b(?:must not|shall not|may not|never|cannot|can not|forbid\w*|prohibit\w*|not allowed)\b"),
    "leave": re.compile(r"\b(?:may|allowed|permitted|optional)\b(?! not)"),
}
"""Kinds of obligation; an answer may restate one in other words, but may not invent a kind."""


class Rubric:
    """The programmatic judge."""

    name = "rubric"
    version = "1"

    def judge(self, prompt: Prompt, answer: str) -> Judgement:
        """The weighted sum of the five parts."""
        read = parse_answer(answer)
        parts = dict.fromkeys(WEIGHTS, 0.0) if read is None else judge_parsed(prompt, read)
        return Judgement(sum(weight * parts[name] for name, weight in WEIGHTS.items()), parts)


def judge_parsed(prompt: Prompt, answer: Answer) -> dict[str, float]:
    """The five parts of an answer that is in the format."""
    refuses = answer.text == REFUSAL
    said = f"{answer.text} {answer.justification}"
    exists = refuses if answer.source == NO_SOURCE else answer.source <= len(prompt.passages) and not refuses
    passage = prompt.passages[answer.source - 1] if exists and answer.source else ""
    grounded = refuses or (exists and adds_nothing(said, passage))
    return {
        "format": 1.0,
        "citation_exists": float(exists),
        "citation_supports": _support(prompt, answer, passage),
        "refusal_calibration": _calibration(prompt, refuses=refuses),
        "on_policy": float(grounded),
    }


def support(said: str, passage: str) -> float:
    """Share of the content words of `said` that `passage` holds, less for fewer than MIN_CONTENT_WORDS."""
    words = _content(said)
    held = _content(passage)
    return sum(word in held for word in words) / max(len(words), MIN_CONTENT_WORDS)


def adds_nothing(said: str, passage: str) -> bool:
    """Whether every figure and every kind of obligation in `said` is in `passage`."""
    figures = set(_NUMBER.findall(said)) <= set(_NUMBER.findall(passage))
    spoken, held = said.lower(), passage.lower()
    return figures and all(kind.search(held) for kind in _OBLIGATIONS.values() if kind.search(spoken))


def _support(prompt: Prompt, answer: Answer, passage: str) -> float:
    if prompt.source == NO_SOURCE:
        return float(answer.text == REFUSAL)
    right = prompt.source in (UNKNOWN_SOURCE, answer.source)
    return support(f"{answer.text} {answer.justification}", passage) if right else 0.0


def _calibration(prompt: Prompt, *, refuses: bool) -> float:
    if prompt.source == UNKNOWN_SOURCE:
        return 1.0
    return float(refuses == (prompt.source == NO_SOURCE))


def _content(text: str) -> frozenset[str]:
    return frozenset(word for word in _WORD.findall(text.lower()) if word not in _STOP)
