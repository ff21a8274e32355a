"""Rules with datatrove's decisions."""

import os
from functools import cache
from pathlib import Path

import pytest
from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)
from datatrove.pipeline.filters.gopher_quality_filter import STOP_WORDS
from datatrove.utils.text import PUNCTUATION_SET

from pipeline.schema.curate_filter import CurateFilter
from pipeline.stage.params import load_section
from pipeline.text.english_tokens import EnglishTokens
from pipeline.text.heuristics import Heuristics, c4_quality, fineweb_quality, gopher_quality, gopher_repetition

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
C4_TEXTS = [
    "\n".join([*SENTENCES, "It uses {braces} in the middle of a line."]),
    "\n".join(["Our privacy policy applies to all who read this.", *SENTENCES[:1]]),
    "\n".join(["Please turn on JavaScript to read on.", *SENTENCES[:1]]),
    "\n".join([*SENTENCES, "Lorem Ipsum dolor sit amet."]),
    "One. Two!  Three? - Four... [2] Five [citation needed].\n[1][2][3]\nA line that goes on...",
    f"A line with {'long' * 300} in it ends here.\nAnd one more line follows it.",
]


@pytest.fixture(scope="module")
def params():
    return load_section(CurateFilter, "curate_filter")


@pytest.fixture(scope="module")
def heuristics(params):
    return Heuristics(params)


def datatroves(params):
    """Its filters as they come, with spaCy on the whole text."""
    repetition = params.gopher_repetition.model_dump(exclude={"ngram_window_words"})
    return {"GopherRepetition": GopherRepetitionFilter(**repetition),
            "GopherQuality": GopherQualityFilter(**params.gopher_quality.model_dump()),
            "C4Quality": C4QualityFilter(**params.c4_quality.model_dump()),
            "FineWebQuality": FineWebQualityFilter(**params.fineweb_quality.model_dump())}


def reasons(filters, text):
    """Filter -> why it drops `text`, None if it does not. Each gets a copy: C4 also edits the text."""
    answers = {name: rule.filter(Document(text=text, id="")) for name, rule in filters.items()}
    return {name: None if answer is True else answer[1] for name, answer in answers.items()}


@cache
def tokens():
    return EnglishTokens(PUNCTUATION_SET, STOP_WORDS)


def each_rule(params, text):
    """The same by our rules."""
    read = tokens().read(text)
    return {"GopherRepetition": gopher_repetition(read, params.gopher_repetition),
            "GopherQuality": gopher_quality(read, params.gopher_quality),
            "C4Quality": c4_quality(read, params.c4_quality),
            "FineWebQuality": fineweb_quality(read, params.fineweb_quality)}


@pytest.fixture(scope="module")
def theirs(params):
    return datatroves(params)


@pytest.mark.parametrize("name", TEXTS)
def test_decisions_are_those_of_datatroves_filters_with_their_own_tokeniser(name, params, theirs, heuristics):
    found = reasons(theirs, TEXTS[name])
    failed = [f"{rule}: {reason}" for rule, reason in found.items() if reason]
    assert heuristics.failed_rule(TEXTS[name]) == (failed[0] if failed else None)


@pytest.mark.parametrize("name", TEXTS)
def test_every_rule_gives_datatroves_reason_also_where_an_earlier_one_failed(name, params, theirs):
    assert each_rule(params, TEXTS[name]) == reasons(theirs, TEXTS[name])


@pytest.mark.parametrize("change", [
    {"filter_curly_bracket": True}, {"filter_policy": True}, {"filter_javascript": True},
    {"filter_no_terminal_punct": False}, {"min_num_sentences": 4}, {"min_words_per_line": 12},
])
def test_every_switch_of_c4_decides_as_datatroves(change, params):
    changed = params.model_copy(update={"c4_quality": params.c4_quality.model_copy(update=change)})
    rule = {"C4Quality": C4QualityFilter(**changed.c4_quality.model_dump())}
    for text in [*TEXTS.values(), *C4_TEXTS]:
        assert each_rule(changed, text)["C4Quality"] == reasons(rule, text)["C4Quality"]


@pytest.mark.skipif("PEDIGREE_CORPORA" not in os.environ, reason="PEDIGREE_CORPORA names no folder of corpora")
def test_decisions_on_real_documents_are_datatroves(params, theirs):
    whole = params.model_copy(update={"gopher_repetition": params.gopher_repetition.model_copy(
        update={"ngram_window_words": None})})
    files = sorted(Path(os.environ["PEDIGREE_CORPORA"]).glob("A0[45]*/**/*.md"))[::12]
    for text in (path.read_text(errors="replace") for path in files):
        assert each_rule(whole, text) == reasons(theirs, text)


def test_good_text_passes_and_bad_text_names_its_rule(heuristics):
    assert heuristics.failed_rule(TEXTS["good"]) is None
    assert heuristics.failed_rule(TEXTS["short"]) == "GopherQuality: gopher_short_doc"
    assert heuristics.failed_rule(TEXTS["repeated"]) == "GopherRepetition: dup_line_frac"


def test_the_text_before_does_not_change_a_decision(heuristics):
    first = [heuristics.failed_rule(text) for text in TEXTS.values()]
    assert first == [heuristics.failed_rule(text) for text in reversed(TEXTS.values())][::-1]
