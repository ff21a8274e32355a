"""The one answer format: how a question is put, how an answer is written, and how it is read back.

A prompt is an instruction line, numbered passages, and the question:

    Answer from the passages and name your source.
    [1] ...
    [2] ...
    Question: ...

An answer is two or three lines, nothing before and nothing after:

    Answer: <one line>              Action: <one line>              Answer: The passages do not say.
    Source: [n]                     Justification: <one line>       Source: none
                                    Source: [n]

Laws, held by tests: `parse_answer(render_answer(a)) == a`, and what parses renders to itself.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

INSTRUCTION = "Answer from the passages and name your source."
"""The first line of every prompt that asks for the answer format."""

REFUSAL = "The passages do not say."
"""The answer to a question whose passages do not hold one."""

NO_SOURCE = 0
"""`Answer.source` of an answer that cites nothing."""

_GRAMMAR = re.compile(
    r"(?:Answer: (?P<answer>\S[^\r\n]*)|Action: (?P<action>\S[^\r\n]*)\nJustification: (?P<why>\S[^\r\n]*))"
    r"\nSource: (?:\[(?P<source>[1-9][0-9]?)\]|none)")
"""At most 99 passages: a citation is one or two digits without a leading zero."""

Message = dict[str, str]
"""`{"role": "user" | "assistant", "content": ...}`, as chat templates take it."""


class Answer(NamedTuple):
    """A parsed answer. Each text is one non-empty line without surrounding blanks."""

    text: str
    """What is answered; for a playbook the required action."""
    justification: str
    """Empty unless this is a playbook answer."""
    source: int
    """1-based number of the cited passage, `NO_SOURCE` for `Source: none`."""


def render_prompt(passages: Sequence[str], question: str, instruction: str = INSTRUCTION) -> str:
    """The user's message; line breaks inside a passage or question become blanks, so numbers stay unambiguous."""
    numbered = [f"[{number}] {one_line(passage)}" for number, passage in enumerate(passages, start=1)]
    return "\n".join([one_line(instruction), *numbered, f"Question: {one_line(question)}"])


def prompt_messages(passages: Sequence[str], question: str, instruction: str = INSTRUCTION) -> list[Message]:
    """`render_prompt` as the messages a chat template takes."""
    return [{"role": "user", "content": render_prompt(passages, question, instruction)}]


def render_answer(answer: Answer) -> str:
    """The target text of `answer`, without a final newline."""
    source = f"[{answer.source}]" if answer.source else "none"
    if answer.justification:
        return f"Action: {answer.text}\nJustification: {answer.justification}\nSource: {source}"
    return f"Answer: {answer.text}\nSource: {source}"


def parse_answer(text: str) -> Answer | None:
    """`text` as an `Answer`, None when it is not exactly in the format (blanks around it are forgiven)."""
    found = _GRAMMAR.fullmatch(text.strip())
    if found is None:
        return None
    return Answer((found["answer"] or found["action"]).rstrip(), (found["why"] or "").rstrip(),
                  int(found["source"] or NO_SOURCE))


def format_ok(text: str) -> bool:
    """Whether `text` is in the answer format."""
    return parse_answer(text) is not None


def cited(text: str) -> int:
    """The passage number `text` cites; `NO_SOURCE` when it cites none or is not in the format."""
    answer = parse_answer(text)
    return answer.source if answer else NO_SOURCE


def refuses(text: str) -> bool:
    """Whether `text` is the refusal, in the format."""
    answer = parse_answer(text)
    return answer is not None and answer.text == REFUSAL and answer.source == NO_SOURCE


def spoken(text: str) -> str:
    """What an answer says, without its labels and its source line; text out of format is returned whole."""
    answer = parse_answer(text)
    return text.strip() if answer is None else f"{answer.text} {answer.justification}".strip()


def one_line(text: str) -> str:
    """`text` with every run of white space as one blank."""
    return " ".join(text.split())
