"""Task `rubric`: the programmatic judge's score of each answer, so that gates can pair items."""

from pipeline.evals.questions import Question
from pipeline.evals.rows import Scored
from pipeline.judges.interface import Prompt
from pipeline.judges.rubric import Rubric

VERSION = f"1, judge {Rubric.name} {Rubric.version}"


def score(question: Question, answer: str) -> Scored:
    """The judge's score and its parts."""
    prompt = Prompt(question.passages, question.question, question.source)
    judgement = Rubric().judge(prompt, answer)
    return Scored(judgement.score, judgement.parts)
