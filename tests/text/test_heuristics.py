"""datatrove's filters as we call them."""


import pytest
from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)

from pipeline.schema.curate_filter import CurateFilter
from pipeline.stage.params import load_section
from pipeline.text.heuristics import Heuristics

SENTENCES = [
    "The desk calls the client before noon and records what was said.",
    "A supervisor who has not seen the record by four o'clock stops the payment.",
    "Payments that were stopped go to the head of operations with a note of the reason.",
    "Clients have ten days to answer, and those that do not are written to again.",
]
TEXTS = {
    "good": "\n".join(SENTENCES),
    "short": " ".join(SENTENCES[:2]),
    "repeated": "\n".join(SENTENCES[:1] * 12),
    "bullets": "\n".join(f"- entry of the list that is here to be read with care, number {n}." for n in range(30)),
    "symbols": " ".join(["12 34 ;; 56 -- 78"] * 30),
    "fragments": "\n".join(["Menu of the day"] * 2 + [f"Item {n} and" for n in range(40)]),
}


@pytest.fixture(scope="module")
def params():
    return load_section(CurateFilter, "curate_filter")


@pytest.fixture(scope="module")
def heuristics(params):
    return Heuristics(params)


@pytest.mark.parametrize("name", TEXTS)
def test_decisions_are_those_of_datatroves_filters_with_their_own_tokeniser(name, params, heuristics):
    theirs = [
        GopherRepetitionFilter(**params.gopher_repetition.model_dump(exclude={"ngram_window_words"})),
        GopherQualityFilter(**params.gopher_quality.model_dump()),
        C4QualityFilter(**params.c4_quality.model_dump()),
        FineWebQualityFilter(**params.fineweb_quality.model_dump()),
    ]
    answers = [(rule, rule.filter(Document(text=TEXTS[name], id=""))) for rule in theirs]
    failed = [f"{type(rule).__name__.removesuffix('Filter')}: {answer[1]}"
              for rule, answer in answers if answer is not True]
    assert heuristics.failed_rule(TEXTS[name]) == (failed[0] if failed else None)


def test_good_text_passes_and_bad_text_names_its_rule(heuristics):
    assert heuristics.failed_rule(TEXTS["good"]) is None
    assert heuristics.failed_rule(TEXTS["short"]) == "GopherQuality: gopher_short_doc"
    assert heuristics.failed_rule(TEXTS["repeated"]) == "GopherRepetition: dup_line_frac"


def test_the_text_before_does_not_change_a_decision(heuristics):
    first = [heuristics.failed_rule(text) for text in TEXTS.values()]
    assert first == [heuristics.failed_rule(text) for text in reversed(TEXTS.values())][::-1]
