"""Find personal data in chunks of text: Presidio's analyzer over our recognisers, overlaps united."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from pipeline.redact.presidio import AnalyzerEngine, RecognizerRegistry, RecognizerResult
from pipeline.redact.recognisers import (
    LANGUAGE,
    FailClosed,
    NoMoreContext,
    Patterns,
    TaggerArtifacts,
    TaggerEngine,
    TaggerRecogniser,
)
from pipeline.redact.rules import RULES, code_rules
from pipeline.redact.tagger import Tagger
from pipeline.redact.visible import Visible, visible
from pipeline.schema.curate_redact import CurateRedact
from pipeline.schema.errors import BrokenContract


class Found(NamedTuple):
    """Personal data in a text; spans of one text are in order and never overlap."""

    start: int
    end: int
    kind: str
    recogniser: str
    score: float


class Analyser:
    """Presidio with our engine and recognisers."""

    def __init__(self, tagger: Tagger, params: CurateRedact, extra: Sequence[FailClosed] = ()) -> None:
        rules = (*code_rules(params.codes), *RULES)
        recognisers: list[FailClosed] = [TaggerRecogniser(params.tagger_scores), Patterns(rules), *extra]
        self.engine = TaggerEngine(tagger, params.nothing_bias)
        self.presidio = AnalyzerEngine(
            registry=RecognizerRegistry(recognizers=recognisers, supported_languages=[LANGUAGE]),
            nlp_engine=self.engine,
            supported_languages=[LANGUAGE],
            default_score_threshold=params.min_score,
            context_aware_enhancer=NoMoreContext(),
        )
        self.entities = sorted({kind for recogniser in recognisers for kind in recogniser.supported_entities})
        self.allow = list(params.not_personal)
        running = self.presidio.registry.get_recognizers(language=LANGUAGE, entities=self.entities)
        if {recogniser.id for recogniser in running} != {recogniser.id for recogniser in recognisers}:
            raise BrokenContract(
                "curate_redact",
                "Presidio would not run every recogniser",
                wanted=str(len(recognisers)),
                got=str(len(running)),
            )

    def found(self, texts: Sequence[str]) -> list[list[Found]]:
        """Personal data in each text.

        Raises:
            RecogniserFailed: names the recogniser.
        """
        seen = [visible(text) for text in texts]
        sheet, artifacts = self.engine.sheet([one.text for one in seen])
        found: list[list[Found]] = [[] for _ in texts]
        starts = [place.start for place in artifacts.places]
        for find in self._analyse(sheet, artifacts):
            number = bisect_right(starts, find.start) - 1
            start = starts[number]
            found[number].append(find._replace(start=find.start - start, end=find.end - start))
        return [[_placed(find, one) for find in united(finds)] for one, finds in zip(seen, found, strict=True)]

    def _analyse(self, sheet: str, artifacts: TaggerArtifacts) -> list[Found]:
        results: list[RecognizerResult] = self.presidio.analyze(
            sheet, LANGUAGE, entities=self.entities, nlp_artifacts=artifacts, allow_list=self.allow
        )
        return [
            Found(
                result.start,
                result.end,
                result.entity_type,
                result.recognition_metadata[RecognizerResult.RECOGNIZER_NAME_KEY],
                result.score,
            )
            for result in results
        ]


def _placed(find: Found, seen: Visible) -> Found:
    start, end = seen.original(find.start, find.end)
    return find._replace(start=start, end=end)


def united(found: list[Found]) -> list[Found]:
    """Overlapping finds made one: the surest names it, all their characters are covered.

    Ties go to patterns, then to the longer, then to the type first in the alphabet, so the order of
    `found` is free.
    """
    united_: list[Found] = []
    for find in sorted(found, key=lambda find: (find.start, find.end, find.kind, find.recogniser)):
        if united_ and find.start < united_[-1].end:
            last = united_.pop()
            best = min(last, find, key=_rank)
            find = best._replace(start=last.start, end=max(last.end, find.end))
        united_.append(find)
    return united_


def _rank(find: Found) -> tuple[float, bool, int, str, str]:
    """Smallest first."""
    return -find.score, find.recogniser == "tagger", find.start - find.end, find.kind, find.recogniser
