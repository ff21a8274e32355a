"""Task `citation`: does the answer cite the passage that holds the answer, and no other?

Precision: right citations / citations, over all questions; a citation for a question that no passage
answers is a wrong one. Recall: right citations / questions that a passage answers.
"""

from pipeline.evals.questions import Question
from pipeline.evals.rows import Scored
from pipeline.text.answers import NO_SOURCE, cited

VERSION = "1"


def score(question: Question, answer: str) -> Scored:
    """1 when the citation is the right one, or rightly none from an answer in the format.

    Parts: `cited` and `correct` (a right citation), which sum to precision and recall; `answerable`.
    """
    source = cited(answer)
    correct = question.answerable and source == question.source
    parts = {"cited": float(source != NO_SOURCE), "correct": float(correct), "answerable": float(question.answerable)}
    return Scored(float(correct), parts)
