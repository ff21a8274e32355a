# ruff: noqa: ARG002  # signatures are Presidio's
"""Presidio recognisers that fail closed, and the NLP engine that carries the tagger.

Presidio 2.2.366 loses errors in three places that matter here:
- `PatternRecognizer` logs a pattern that runs out of time and goes on without it;
- its model recognisers (`huggingface_ner_recognizer`) log an exception and return nothing;
- `AnalyzerEngine` takes an answer of None for "nothing found".
Each would read as "no personal data". `FailClosed` turns them into `RecogniserFailed`, with a name.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeVar

import regex
from presidio_analyzer import EntityRecognizer, RecognizerResult
from presidio_analyzer.context_aware_enhancers import ContextAwareEnhancer
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine
from spacy.tokens import Doc
from spacy.vocab import Vocab

from pipeline.redact.rules import NEAR_AFTER, NEAR_BEFORE, NEAR_BOOST, Rule
from pipeline.redact.tagger import TYPES, Span, Tagger
from pipeline.redact.visible import plain
from pipeline.schema.errors import BadInput, PedigreeError

LANGUAGE = "en"
"""Presidio keys recognisers by language. Ours ask nothing of it, so all text goes by this one."""
TIMEOUT_S = 20
"""For one pattern on one chunk; a linear pattern needs milliseconds, so running out is an error."""
FLAGS = regex.IGNORECASE | regex.MULTILINE | regex.VERSION0
NO_TOKENS = Doc(Vocab())
"""Context words are found by character, so Presidio is given no tokens."""


Answer = TypeVar("Answer")


class RecogniserFailed(PedigreeError):
    """A recogniser raised, ran out of time or gave no answer; nothing may be published."""


class Hit(NamedTuple):
    """A find, and the name of the rule or model that made it."""

    start: int
    end: int
    kind: str
    score: float
    name: str


class FailClosed(EntityRecognizer, ABC):
    """A recogniser whose errors stop the run and carry its name."""

    name: str

    def load(self) -> None:
        """Nothing to load."""

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None
    ) -> list[RecognizerResult]:
        """Results of `find`, marked with what found them.

        Raises:
            RecogniserFailed: whatever `find` raised, or an answer of None.
        """
        hits = answered(self.name, lambda: [Hit(*hit) for hit in self.find(text, nlp_artifacts)])
        identifier = RecognizerResult.RECOGNIZER_IDENTIFIER_KEY
        return [
            RecognizerResult(
                hit.kind,
                hit.start,
                hit.end,
                hit.score,
                recognition_metadata={RecognizerResult.RECOGNIZER_NAME_KEY: hit.name, identifier: self.id},
            )
            for hit in hits
        ]

    @abstractmethod
    def find(self, text: str, artifacts: NlpArtifacts | None) -> Iterable[Hit]:
        """Hits in `text`."""


def answered(name: str, work: Callable[[], list[Answer]]) -> list[Answer]:
    """The answer of a recogniser.

    Raises:
        RecogniserFailed: `work` raised anything at all; it is raised again, with a name.
    """
    try:
        return work()
    except RecogniserFailed:
        raise
    except Exception as err:
        raise RecogniserFailed(
            f"recogniser `{name}`",
            f"failed ({type(err).__name__}: {err})",
            do="no document is written; mend the recogniser or its model, then run again",
        ) from err


class PatternRecogniser:
    """One rule of `pipeline.redact.rules`."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        try:
            self.pattern = regex.compile(rule.regex, FLAGS)
            self.needs = re.compile(rule.needs, re.IGNORECASE)
        except (regex.error, re.error) as err:
            raise BadInput(
                "params.yaml",
                f"`curate_redact.codes`: {rule.name} is no regular expression ({err})",
                do="correct the pattern",
            ) from err
        self.near = (
            regex.compile("|".join(rf"\b{regex.escape(word)}" for word in rule.near), FLAGS) if rule.near else None
        )

    def find(self, text: str) -> Iterator[Hit]:
        """Matches whose check does not refuse them, raised by context words."""
        group = "v" if "v" in self.pattern.groupindex else 0
        for match in self.pattern.finditer(text, timeout=TIMEOUT_S):
            start, end = match.span(group)
            score: float | None = self.rule.score
            if self.rule.check is not None:
                verdict = self.rule.check(text[start:end])
                score, end = verdict.score if verdict.score is not None else score, start + verdict.length
            if score and start < end:
                surer = round(min(1.0, score + self._context(text, start, end)), 3)
                yield Hit(start, end, self.rule.kind, surer, self.rule.name)

    def _context(self, text: str, start: int, end: int) -> float:
        if self.near is None:
            return 0.0
        around = text[max(0, start - NEAR_BEFORE) : start] + "\n" + text[end : end + NEAR_AFTER]
        return NEAR_BOOST if self.near.search(around) else 0.0


class Patterns(FailClosed):
    """All rules as one recogniser: Presidio's own work for each recogniser outweighs most patterns."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.patterns = [PatternRecogniser(rule) for rule in rules]
        super().__init__(sorted({rule.kind for rule in rules}), name="patterns", supported_language=LANGUAGE)

    def find(self, text: str, artifacts: NlpArtifacts | None) -> list[Hit]:
        """Hits of every rule in the ASCII form of `text` (see `visible`), the failed rule named."""
        seen = plain(text)
        small = seen.lower()
        needed = cache(lambda needs: needs.search(seen) is not None)  # rules share what they need
        return [
            hit
            for pattern in self.patterns
            if (not pattern.rule.words or any(word in small for word in pattern.rule.words)) and needed(pattern.needs)
            for hit in answered(pattern.rule.name, lambda pattern=pattern: list(pattern.find(seen)))  # type: ignore[misc]
        ]


class TaggerRecogniser(FailClosed):
    """Hands over what the engine found when it ran the tagger on the whole batch."""

    def __init__(self, thresholds: dict[str, float]) -> None:
        super().__init__(list(TYPES), name="tagger", supported_language=LANGUAGE)
        self.thresholds = thresholds

    def find(self, text: str, artifacts: NlpArtifacts | None) -> list[Hit]:
        """The engine's spans whose score reaches the threshold of their type."""
        if not isinstance(artifacts, TaggerArtifacts):
            raise TypeError("the analyzer was not given the tagger's artifacts")
        return [Hit(*span, self.name) for span in artifacts.spans if span.score >= self.thresholds[span.kind]]


class TaggerArtifacts(NlpArtifacts):
    """Spans of one text. Presidio's token lists stay empty: context words are found by character."""

    def __init__(self, spans: list[Span]) -> None:
        super().__init__(
            entities=[], tokens=NO_TOKENS, tokens_indices=[], lemmas=[], nlp_engine=None, language=LANGUAGE
        )
        self.spans = spans


class TaggerEngine(NlpEngine):
    """Presidio's NLP engine made of our tagger; only `process_batch` is fast."""

    def __init__(self, tagger: Tagger, nothing_bias: float) -> None:
        self.tagger, self.nothing_bias = tagger, nothing_bias

    def load(self) -> None:
        """The tagger is loaded when it is given."""

    def is_loaded(self) -> bool:
        """Always."""
        return True

    def process_text(self, text: str, language: str) -> TaggerArtifacts:
        """One text."""
        return self.artifacts([text])[0]

    def process_batch(
        self, texts: Iterable[str], language: str, batch_size: int = 1, n_process: int = 1, **_: Any
    ) -> Iterator[tuple[str, TaggerArtifacts]]:
        """All texts at once: the tagger cuts its own batches, and their size changes nothing."""
        listed = list(texts)
        yield from zip(listed, self.artifacts(listed), strict=True)

    def artifacts(self, texts: Sequence[str]) -> list[TaggerArtifacts]:
        """Raises RecogniserFailed if the tagger does."""
        spans = answered("tagger", lambda: self.tagger.spans(texts, self.nothing_bias))
        return [TaggerArtifacts(found) for found in spans]

    def is_stopword(self, word: str, language: str) -> bool:
        """Not used."""
        return False

    def is_punct(self, word: str, language: str) -> bool:
        """Not used."""
        return False

    def get_supported_entities(self) -> list[str]:
        """Types of the tagger."""
        return list(TYPES)

    def get_supported_languages(self) -> list[str]:
        """The one that stands for all."""
        return [LANGUAGE]


class NoMoreContext(ContextAwareEnhancer):
    """Rules have looked at the words around a match; Presidio's enhancer would only copy every result."""

    def __init__(self) -> None:
        super().__init__(0.0, 0.0, 0, 0)

    def enhance_using_context(
        self,
        text: str,
        raw_results: list[RecognizerResult],
        nlp_artifacts: NlpArtifacts,
        recognizers: list[EntityRecognizer],
        context: list[str] | None = None,
    ) -> list[RecognizerResult]:
        """The results as they are."""
        return raw_results
