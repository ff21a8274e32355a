"""Task `refusal`: does the model answer what the passages answer, and refuse what they do not?

The headline is balanced: the mean of both rates, so refusing everything scores a half at most, and
so does answering everything. An answer out of format does neither.
"""

from pipeline.evals.questions import Question
from pipeline.evals.rows import Scored
from pipeline.text.answers import format_ok, refuses

VERSION = "1"


def score(question: Question, answer: str) -> Scored:
    """1 for an answer in the format to an answerable question, or the refusal of an unanswerable one.

    Parts: `answerable`, by which the rates are told apart.
    """
    refused = refuses(answer)
    right = format_ok(answer) and not refused if question.answerable else refused
    return Scored(float(right), {"answerable": float(question.answerable)})
