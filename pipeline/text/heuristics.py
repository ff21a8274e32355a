"""Gopher, C4 and FineWeb rules: datatrove's own filters, called one document at a time.

Decisions are datatrove's; speed is ours: its filters tokenise the same text with spaCy up to three
times, here once.
"""

from typing import Any

from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)
from datatrove.utils.word_tokenizers import SpaCyTokenizer

from pipeline.schema.curate_filter import CurateFilter


class RememberingTokenizer(SpaCyTokenizer):
    """datatrove's English tokeniser; keeps its answer for the last text it saw."""

    def __init__(self) -> None:
        super().__init__("en")
        self._last: tuple[str, list[str]] = ("", [])

    def word_tokenize(self, text: str) -> list[str]:
        """The words of `text`, punctuation marks included."""
        if text != self._last[0]:
            self._last = (text, super().word_tokenize(text))
        return self._last[1]


class Heuristics:
    """The four filters with the thresholds of params.yaml, in the order of datatrove's FineWeb example."""

    def __init__(self, params: CurateFilter) -> None:
        words = RememberingTokenizer()
        self.filters: tuple[Any, ...] = (
            GopherRepetitionFilter(**params.gopher_repetition.model_dump(), language=words),
            GopherQualityFilter(**params.gopher_quality.model_dump(), language=words),
            C4QualityFilter(**params.c4_quality.model_dump(), language=words),
            FineWebQualityFilter(**params.fineweb_quality.model_dump(), language=words),
        )

    def failed_rule(self, text: str) -> str | None:
        """The first rule that `text` breaks, as `<filter>: <datatrove's reason>`; None if it breaks none.

        Each filter gets a copy: C4 also edits the text, which would take out headings and tables.
        """
        for rule in self.filters:
            answer = rule.filter(Document(text=text, id=""))
            kept, reason = answer if isinstance(answer, tuple) else (answer, "")
            if not kept:
                return f"{type(rule).__name__.removesuffix('Filter')}: {reason}"
        return None
