"""Task `multi_turn`: is a constraint set in the first turn still kept in every later one?

The user turns are scripted: written in advance, the same whatever the model says. A turn counts when
its answer is in the answer format, which every conversation asks for, and keeps the constraint: noise
without a digit in it does not "use no digits".
"""

from statistics import fmean

from pipeline.evals.questions import Conversation
from pipeline.evals.respond import Respondent
from pipeline.evals.rows import Scored, answer_row
from pipeline.schema.eval_answers import TURN_BREAK
from pipeline.text.answers import Message, format_ok
from pipeline.text.constraints import keeps

TASK = "multi_turn"
VERSION = "1"


def rows(respondent: Respondent, talks: list[Conversation]) -> list[dict[str, object]]:
    """Rows of the answers table, one a conversation, in order. All conversations move turn by turn."""
    messages: list[list[Message]] = [[] for _ in talks]
    for turn in range(max((len(talk.turns) for talk in talks), default=0)):
        speaking = [index for index, talk in enumerate(talks) if turn < len(talk.turns)]
        for index in speaking:
            messages[index].append({"role": "user", "content": talks[index].turns[turn]})
        said = respondent.answer([messages[index] for index in speaking], respondent.params.max_turn_tokens)
        for index, answer in zip(speaking, said, strict=True):
            messages[index].append({"role": "assistant", "content": answer})
    return [answer_row(talk.item_id, TASK, said_by("user", history), said_by("assistant", history),
                       score(talk, answers(history)))
            for talk, history in zip(talks, messages, strict=True)]


def score(talk: Conversation, said: list[str]) -> Scored:
    """The share of turns that count.

    Parts: `kept` and `format`, the share of turns with each alone; `all`, 1 when every turn counts.
    """
    kept = [keeps(talk.kind, talk.value, answer) for answer in said]
    formed = [format_ok(answer) for answer in said]
    both = [keep and form for keep, form in zip(kept, formed, strict=True)]
    return Scored(fmean(both), {"kept": fmean(kept), "format": fmean(formed), "all": float(all(both))})


def answers(history: list[Message]) -> list[str]:
    """The assistant's turns, in order."""
    return [message["content"] for message in history if message["role"] == "assistant"]


def said_by(role: str, history: list[Message]) -> str:
    """All turns of one side as one text."""
    return TURN_BREAK.join(message["content"] for message in history if message["role"] == role)
