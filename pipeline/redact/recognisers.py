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
from itertools import accumulate
from typing import Any, NamedTuple, TypeVar

import polars as pl
import regex

from pipeline.redact.presidio import (
    ContextAwareEnhancer,
    Doc,
    EntityRecognizer,
    NlpArtifacts,
    NlpEngine,
    RecognizerResult,
    Vocab,
)
from pipeline.redact.rule import NEAR_AFTER, NEAR_BEFORE, NEAR_BOOST, Rule
from pipeline.redact.tagger import TYPES, Span, Tagger
from pipeline.redact.visible import plain, shape
from pipeline.schema.errors import BadInput, PedigreeError

LANGUAGE = "en"
"""Presidio keys recognisers by language. Ours ask nothing of it, so all text goes by this one."""
TIMEOUT_S = 20
"""For one pattern of a user's on one chunk; a linear pattern needs milliseconds, so running out is an error."""
FLAGS = regex.IGNORECASE | regex.MULTILINE | regex.VERSION0
NO_TOKENS = Doc(Vocab())
"""Context words are found by character, so Presidio is given no tokens."""
BETWEEN = "\n"
"""Stands between two texts of a sheet."""

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


class Place(NamedTuple):
    """Where a text lies on a sheet, end excluded."""

    start: int
    end: int


class FailClosed(EntityRecognizer, ABC):
    """A recogniser whose errors stop the run and carry its name.

    Presidio hands it a sheet: texts one behind another, because Presidio's own work for each call would
    outweigh the search in a short text. Each text is searched apart, so its neighbours decide nothing.
    """

    name: str

    def load(self) -> None:
        """Nothing to load."""

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None
    ) -> list[RecognizerResult]:
        """Results of `on_sheet`, marked with what found them.

        Raises:
            RecogniserFailed: whatever `find` raised, or an answer of None.
        """
        places = nlp_artifacts.places if isinstance(nlp_artifacts, TaggerArtifacts) else [Place(0, len(text))]
        hits = answered(self.name, lambda: list(self.on_sheet(text, places, nlp_artifacts)))
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

    def on_sheet(self, sheet: str, places: Sequence[Place], artifacts: NlpArtifacts | None) -> Iterator[Hit]:
        """Hits in each of the texts that lie at `places` of `sheet`, in places of the sheet."""
        for place in places:
            for hit in self.find(sheet[place.start : place.end], artifacts):
                yield moved(Hit(*hit), place.start)

    @abstractmethod
    def find(self, text: str, artifacts: NlpArtifacts | None) -> Iterable[Hit]:
        """Hits in one text."""


def moved(hit: Hit, by: int) -> Hit:
    """`hit`, `by` characters further on."""
    return hit._replace(start=hit.start + by, end=hit.end + by)


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
            self.needs = re.compile(rule.needs)
        except (regex.error, re.error) as err:
            raise BadInput(
                "params.yaml",
                f"`curate_redact.codes`: {rule.name} is no regular expression ({err})",
                do="correct the pattern",
            ) from err
        self.group: str | int = "v" if "v" in self.pattern.groupindex else 0
        self.near = (
            regex.compile("|".join(rf"\b{regex.escape(word)}" for word in rule.near), FLAGS) if rule.near else None
        )

    def hits(self, text: str) -> list[Hit]:
        """All of `find`; raises RecogniserFailed with the rule's name if it does."""
        return answered(self.rule.name, lambda: list(self.find(text)))

    def find(self, text: str) -> Iterator[Hit]:
        """Matches whose check does not refuse them, raised by context words."""
        for match in self.pattern.finditer(text, timeout=TIMEOUT_S if self.rule.timed else None):
            start, end = match.span(self.group)
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
        self.words = sorted({word for rule in rules for word in rule.words})
        self.shapes = sorted({part for rule in rules for part in rule.shapes})
        super().__init__(sorted({rule.kind for rule in rules}), name="patterns", supported_language=LANGUAGE)

    def find(self, text: str, artifacts: NlpArtifacts | None) -> list[Hit]:
        """Hits in one text."""
        return list(self.on_sheet(text, [Place(0, len(text))], artifacts))

    def on_sheet(self, sheet: str, places: Sequence[Place], artifacts: NlpArtifacts | None) -> Iterator[Hit]:
        """Hits of every rule in the ASCII form of each text (see `visible`), the failed rule named.

        A rule is run on the texts that hold what it cannot match without.
        """
        texts = [plain(sheet[place.start : place.end]) for place in places]
        small = [text.lower() for text in texts]
        holders = _holders(self.words, small) | _holders(self.shapes, [shape(text) for text in texts])
        needed: dict[tuple[str, int], bool] = {}  # rules share what they need
        for pattern in self.patterns:
            for number in sorted(_eligible(pattern.rule, holders, len(texts))):
                key = pattern.rule.needs, number
                if key not in needed:
                    needed[key] = pattern.needs.search(small[number]) is not None
                if needed[key]:
                    for hit in pattern.hits(texts[number]):
                        yield moved(hit, places[number].start)


def _eligible(rule: Rule, holders: dict[str, set[int]], count: int) -> set[int]:
    """Numbers of the texts that hold one of the rule's words and one of its shapes, if it asks for them."""
    asked = [set[int]().union(*(holders[part] for part in parts)) for parts in (rule.words, rule.shapes) if parts]
    return set.intersection(*asked) if asked else set(range(count))


def _holders(parts: Sequence[str], texts: Sequence[str]) -> dict[str, set[int]]:
    """Part -> numbers of the texts that hold it, all parts looked for at once (Aho-Corasick, in Polars)."""
    if not parts:
        return {}
    held = pl.Series("part", texts, pl.String).str.extract_many(list(parts), overlapping=True).list.unique()
    numbers = pl.DataFrame(held).with_row_index("number").explode("part").drop_nulls().group_by("part").agg("number")
    return {part: set[int]() for part in parts} | {part: set(holders) for part, holders in numbers.iter_rows()}


class TaggerRecogniser(FailClosed):
    """Hands over what the engine found when it ran the tagger on the whole sheet."""

    def __init__(self, thresholds: dict[str, float]) -> None:
        super().__init__(list(TYPES), name="tagger", supported_language=LANGUAGE)
        self.thresholds = thresholds

    def on_sheet(self, sheet: str, places: Sequence[Place], artifacts: NlpArtifacts | None) -> Iterator[Hit]:
        """The engine's spans, which lie in places of the sheet already."""
        yield from self.find(sheet, artifacts)

    def find(self, text: str, artifacts: NlpArtifacts | None) -> list[Hit]:
        """The engine's spans whose score reaches the threshold of their type."""
        if not isinstance(artifacts, TaggerArtifacts):
            raise TypeError("the analyzer was not given the tagger's artifacts")
        return [Hit(*span, self.name) for span in artifacts.spans if span.score >= self.thresholds[span.kind]]


class TaggerArtifacts(NlpArtifacts):
    """Texts of a sheet and the spans in them. Presidio's token lists stay empty."""

    def __init__(self, places: list[Place], spans: list[Span]) -> None:
        super().__init__(
            entities=[], tokens=NO_TOKENS, tokens_indices=[], lemmas=[], nlp_engine=None, language=LANGUAGE
        )
        self.places, self.spans = places, spans


class TaggerEngine(NlpEngine):
    """Presidio's NLP engine made of our tagger; `sheet` is the fast way."""

    def __init__(self, tagger: Tagger, nothing_bias: float) -> None:
        self.tagger, self.nothing_bias = tagger, nothing_bias

    def load(self) -> None:
        """The tagger is loaded when it is given."""

    def is_loaded(self) -> bool:
        """Always."""
        return True

    def process_text(self, text: str, language: str) -> TaggerArtifacts:
        """One text."""
        return self.sheet([text])[1]

    def process_batch(
        self, texts: Iterable[str], language: str, batch_size: int = 1, n_process: int = 1, **_: Any
    ) -> Iterator[tuple[str, TaggerArtifacts]]:
        """Each text on a sheet of its own."""
        for text in texts:
            yield text, self.process_text(text, language)

    def sheet(self, texts: Sequence[str]) -> tuple[str, TaggerArtifacts]:
        """All texts as one, BETWEEN between two, and what the tagger finds in each.

        Raises:
            RecogniserFailed: the tagger failed.
        """
        found = answered("tagger", lambda: self.tagger.spans(texts, self.nothing_bias))
        starts = [0, *accumulate(len(text) + len(BETWEEN) for text in texts)]
        places = [Place(start, start + len(text)) for start, text in zip(starts, texts, strict=False)]
        spans = [
            span._replace(start=span.start + start, end=span.end + start)
            for start, spans in zip(starts, found, strict=False)
            for span in spans
        ]
        return BETWEEN.join(texts), TaggerArtifacts(places, spans)

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
