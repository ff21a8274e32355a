"""Rules with datatrove's decisions."""

import os
import re
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
from hypothesis import given as drawn
from hypothesis import strategies as st

from pipeline.sample_lake.poor import NAVIGATION, STUFFED
from pipeline.schema.curate_filter import CurateFilter, SourceProfiles
from pipeline.stage.params import load_section
from pipeline.text.english_tokens import EnglishTokens
from pipeline.text.heuristics import (
    Heuristics,
    c4_quality,
    fineweb_quality,
    gopher_quality,
    gopher_repetition,
    lines_of,
    paragraphs_of,
)

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
def given():
    return load_section(CurateFilter, "curate_filter")


@pytest.fixture(scope="module")
def params(given):
    return given.profiles["prose"]


@pytest.fixture(scope="module")
def heuristics(given):
    return Heuristics(given)


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
    assert heuristics.failed_rule(TEXTS[name], "any") == (failed[0] if failed else None)


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
    assert heuristics.failed_rule(TEXTS["good"], "any") is None
    assert heuristics.failed_rule(TEXTS["short"], "any") == "GopherQuality: gopher_short_doc"
    assert heuristics.failed_rule(TEXTS["repeated"], "any") == "GopherRepetition: dup_line_frac"


def test_the_text_before_does_not_change_a_decision(heuristics):
    first = [heuristics.failed_rule(text, "any") for text in TEXTS.values()]
    assert first == [heuristics.failed_rule(text, "any") for text in reversed(TEXTS.values())][::-1]


def test_texts_judged_together_are_judged_as_each_alone(by_kind):
    texts = [*TEXTS.values(), "", MESSAGE]
    for name in ("prose", "reference", "messages"):
        assert by_kind.failed_rules(texts, [name] * len(texts)) == [by_kind.failed_rule(text, name) for text in texts]


@drawn(st.text(alphabet="ab \n\n\n\r\x1c", max_size=20))
def test_paragraphs_and_lines_are_those_of_datatroves_patterns(text):
    assert paragraphs_of(text) == re.split(r"\n{2,}", text.strip())
    assert lines_of(text) == re.split(r"\n+", text)


CONTROLS = "\n\n".join(
    f"### AC-{number} {name}\n\n#### Control\n\n- a. {deed}\n- b. Review the record every {number} months\n\n"
    f"#### Guidance\n\n{name} is done {how}\n\n#### References\n\nNone"
    for number, (name, deed, how) in enumerate([
        ("Account management", "Name the kinds of account that the system may have", "by owners of systems"),
        ("Access enforcement", "Enforce the approved rights of every user and process", "where the data lie"),
        ("Separation of duties", "Keep apart the duties of those that order and those that pay", "in each department"),
        ("Least privilege", "Give no more rights than the task of the day asks for", "with a list that is looked at."),
    ], start=2))
"""A catalogue: the same headings over every entry, hardly a sentence."""
NAMES = ["Home", "Products", "Contact", "Careers", "Search", "Sitemap", "Terms", "Cookies", "Support", "Community"] * 2
MESSAGE = "Where can I find my new card?"
JUNK = {
    "keywords": STUFFED,
    "navigation": NAVIGATION,
    "link list": "\n".join(f"- [{name}](/{name.lower()})" for name in NAMES),
    "keyword list": ", ".join(NAMES),
    "table of contents": "\n".join(f"{number}.1 {name} {'.' * 30} {number * 7}" for number, name in enumerate(NAMES)),
    "numbers": "\n".join(f"{number * 7.31:.2f},{number * 3.7:.2f},{number % 7}.50" for number in range(200)),
    "access log": "\n".join(f'10.0.0.{number % 9} - - [01/Mar/2024:10:{number % 60:02}:11 +0000] "GET /a/{number} '
                            f'HTTP/1.1" 200 {number * 37} "-" "Mozilla/5.0"' for number in range(200)),
    "traceback": 'Traceback (most recent call last):\n  File "a.py", line 3, in run\n    go(x)\nValueError: 17\n' * 40,
}
JUNK_MESSAGES = ["ok", "??", "test test test test test test", "1 2 3 4 5 6 7 8", "!!!! ???? !!!! ????", "- - - - - - -",
                 "buy now buy now buy now buy now buy now buy now buy now buy now", "https://example.com/a/b?c=d&e=f"]


@pytest.fixture(scope="module")
def by_kind(given):
    """The rules with a source for each profile, of the same name."""
    chosen = SourceProfiles(default="prose", sources={name: name for name in given.profiles})
    return Heuristics(given.model_copy(update={"source_profiles": chosen}))


def test_a_source_is_judged_by_its_own_profile_and_others_by_the_default(by_kind):
    assert by_kind.failed_rule(CONTROLS, "reference") is None
    assert by_kind.failed_rule(CONTROLS, "prose") == by_kind.failed_rule(CONTROLS, "any") == (
        "GopherRepetition: dup_para_frac")
    assert by_kind.failed_rule(MESSAGE, "messages") is None
    assert by_kind.failed_rule(MESSAGE, "reference") == "GopherRepetition: top_2_gram"


@pytest.mark.parametrize("profile", ["prose", "reference"])
@pytest.mark.parametrize("kind", JUNK)
def test_a_profile_for_documents_drops_what_is_of_no_use(profile, kind, by_kind):
    assert by_kind.failed_rule(JUNK[kind], profile)


@pytest.mark.parametrize("text", JUNK_MESSAGES)
def test_the_profile_for_messages_drops_what_says_nothing(text, by_kind):
    assert by_kind.failed_rule(text, "messages")


def test_a_filter_that_is_null_judges_nothing(given):
    bare = given.profiles["prose"].model_copy(update=dict.fromkeys(
        ("gopher_repetition", "gopher_quality", "c4_quality", "fineweb_quality")))
    rules = Heuristics(given.model_copy(update={"profiles": {"prose": bare}}))
    assert {rules.failed_rule(text, "any") for text in [*JUNK.values(), ""]} == {None}
