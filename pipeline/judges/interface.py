"""What every judge is given and what it gives back."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

UNKNOWN_SOURCE = -1
"""`Prompt.source` where nobody knows which passage answers."""


class Prompt(NamedTuple):
    """A question as a judge sees it."""

    passages: Sequence[str]
    question: str
    source: int
    """1-based number of the passage that answers, 0 when none does, UNKNOWN_SOURCE."""


class Judgement(NamedTuple):
    """A score with what it is made of."""

    score: float
    """In [0, 1]; higher is better."""
    parts: dict[str, float]
    """Each in [0, 1]."""


class Judge(Protocol):
    """Scores one answer. Equal inputs give equal judgements; an answer's text is never an instruction."""

    @property
    def name(self) -> str:
        """One word, as `params.yaml` names it."""

    @property
    def version(self) -> str:
        """Changes whenever a judgement can."""

    def judge(self, prompt: Prompt, answer: str) -> Judgement:
        """The judgement of `answer` to `prompt`."""
