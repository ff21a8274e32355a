"""Tokens of whole texts from the tokens of their runs, against spaCy on the whole text."""

import gc
import weakref

import pytest
import spacy
from datatrove.utils.text import PUNCTUATION_SET
from datatrove.utils.word_tokenizers import load_word_tokenizer
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.lang.char_classes import LIST_UNITS

from pipeline.text import english_tokens
from pipeline.text.english_tokens import LONGEST_UNIT, PLAIN, EnglishTokens

STOP_WORDS = ["the", "of"]
PIECES = ["the", "The", "of", "cannot", "don't", "U.S.", "e.g.", "i.e.,", "(see", "10km", "$3.50", "a/b", "word's",
          ":)", "end.", "end!?", "...", "…", "--", "well-known", "http://a.b/c?d=e", "x@y.org", "№", "naïve",
          "漢字", "'tis", "\"quoted\"", "3,000", "Mr.", "p.m.", "[1]", "#", "•", "ﬁn", "I'll", "GAAP",
          "gonna", "Id", "re-use;", "3mbar", "7km/h", "(5kmh", "4km2", "x5m", "he's", "HE’S", "AC-2(a)[3]", "9+", "US$"]
ATOMS = ["a", "o", "O", "x", "D", "3", "8", "0", "24", "am", "w", "and", "or", "No", "Mr", "US", "km", "id", "cant",
         "-", "/", ".", ",", ":", "(", "[", '"', "“", "”", "*", "**", ")", "),", ");", "]", "!", "?", "'s", "’s", "%",
         "_", "`", "…", "—", "'", "’", "):", "_.", "].", '",']
GAPS = [" ", "  ", "\n", "\n\n", "\t", "\u00a0", " \t "]
TEXT = st.lists(st.tuples(st.sampled_from(PIECES) | st.text(max_size=6), st.sampled_from(GAPS)), max_size=15).map(
    lambda parts: "".join(piece + gap for piece, gap in parts))


@pytest.fixture(scope="module")
def theirs():
    return load_word_tokenizer("en")


@pytest.fixture(scope="module")
def ours():
    return EnglishTokens(PUNCTUATION_SET, STOP_WORDS)


def pieces(read):
    """The tokens themselves, cut out of the text without its white space."""
    whole, at, found = "".join(read.text.split()), 0, []
    for length in read.lengths.tolist():
        found.append(whole[at:at + length])
        at += length
    assert at == len(whole)
    return found


@settings(max_examples=150)
@given(TEXT)
def test_tokens_are_those_of_spacy_on_the_whole_text(theirs, ours, text):
    assert pieces(ours.read(text)) == theirs.word_tokenize(text)


@settings(max_examples=500)
@given(st.from_regex(PLAIN, fullmatch=True, alphabet=st.characters(max_codepoint=127, include_characters="“”")))
def test_plain_runs_are_split_as_spacy_splits_them(theirs, ours, run):
    read = ours.read(run)
    assert pieces(read) == theirs.word_tokenize(run)
    assert read.sentences(f"{run} then") == len(theirs.span_tokenize(f"{run} then"))


@settings(max_examples=1000)
@given(st.lists(st.sampled_from(ATOMS), min_size=1, max_size=8).map("".join))
def test_marks_between_words_figures_and_exceptions_are_split_as_spacy_splits_them(theirs, ours, run):
    assert pieces(ours.read(run)) == theirs.word_tokenize(run)


@pytest.mark.parametrize("run", [
    "8.8.8.8/24-3", "[17/May/2015:15:05:51", "plan-and/or", "n/a.", "1-8)", "AC-2-3,", "**either/or**", "(0.0",
    "1.5-2.0", "“1,000.50”", "x/w/o", "(see).", "a._.", "x):", "AB.”", "A.”", "he’s.", "3km.)", "5%,", "a%", "`id`",
    "etc.)", "end**."])
def test_shapes_near_the_plain_ones_are_split_as_spacy_splits_them(theirs, ours, run):
    assert pieces(ours.read(run)) == theirs.word_tokenize(run)


@settings(max_examples=150)
@given(TEXT)
def test_sentences_are_as_many_as_spacy_finds_in_the_line(theirs, ours, text):
    line = text.replace("\n", " ").strip()
    assert ours.read(text).sentences(line) == len(theirs.span_tokenize(line))


def test_counts_worked_by_hand(ours):
    # the | cat | , | of | 3 | !  -> "," and "!" are symbols, "3" has no letter
    assert ours.read("the cat, of 3!").counts == (6, 4, 9, 3, 2)


def test_white_space_alone_has_no_tokens(ours):
    read = ours.read(" \n\t ")
    assert read.counts == (0, 0, 0, 0, 0)
    assert read.lengths.tolist() == []
    assert read.sentences("") == 0


def test_every_listed_exception_is_split_as_spacy_splits_it_also_between_marks(theirs, ours):
    for rule in spacy.blank("en").tokenizer.rules:
        for run in ("".join(rule.split()), f"({rule}", f"{rule},", f"{rule}."):
            assert pieces(ours.read(run)) == theirs.word_tokenize(run)


@settings(max_examples=500)
@given(st.text(alphabet="ab3mskmh'’.)-", min_size=1, max_size=9))
def test_a_run_that_ends_in_letters_or_figures_is_split_as_spacy_splits_it(theirs, ours, run):
    assert pieces(ours.read(run)) == theirs.word_tokenize(run)


@pytest.mark.parametrize("stem", ["https://x.example/a/long/path7", "1234567890123456", "abcdefghijklmnopQR", "20°C"])
def test_what_closes_a_long_run_is_taken_off_it_as_spacy_does(theirs, ours, stem):
    dots = ["." * number for number in (1, 2, 11, 12, 13, 30)]
    for one in [*LIST_UNITS, "US$", "€", "+", "%", "'s", "’S", "…", "❤", ")", *dots]:
        for run in (stem + one, f"{stem}{one}.", f"{stem}{one}{one}", f"{stem}.{one}", f"{stem}..........{one}"):
            assert pieces(ours.read(run)) == theirs.word_tokenize(run)


def test_no_unit_of_measure_is_longer_than_looked_for():
    units = [unit for unit in LIST_UNITS if unit.isascii() and unit.replace("/", "").isalpha()]
    assert max(map(len, units)) == LONGEST_UNIT


def test_a_name_that_spacy_reserves_does_not_stop_us(ours):
    assert pieces(ours.read("an (IS_ALPHA) flag")) == ["an", "(IS_ALPHA)", "flag"]


@settings(max_examples=50)
@given(st.lists(TEXT, max_size=6), st.integers(1, 40))
def test_texts_read_together_are_read_as_each_alone(ours, texts, chars):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(english_tokens, "BATCH_CHARS", chars)
        together = list(EnglishTokens(PUNCTUATION_SET, STOP_WORDS).read_all(texts))
    assert [read.text for read in together] == texts
    for one in together:
        alone = ours.read(one.text)
        assert (pieces(one), one.counts) == (pieces(alone), alone.counts)
        assert one.sentences(one.text) == alone.sentences(one.text)


def test_what_is_forgotten_is_freed_at_once(monkeypatch):
    """A stage freezes the collector's view: what only the collector could free would stay for good."""
    tokens = EnglishTokens(PUNCTUATION_SET, STOP_WORDS)
    tokens.read("a lake of notes").counts  # noqa: B018
    before = weakref.ref(tokens._known)
    monkeypatch.setattr(english_tokens, "MAX_RUNS", 0)
    gc.disable()
    try:
        tokens.read("a lake").counts  # noqa: B018
        assert before() is None
    finally:
        gc.enable()


def test_forgetting_changes_no_answer(monkeypatch):
    texts = [f"word{number}, and more of it." for number in range(30)]
    remembering = EnglishTokens(PUNCTUATION_SET, STOP_WORDS)
    once = [remembering.read(text).counts for text in texts]
    monkeypatch.setattr(english_tokens, "MAX_RUNS", 10)
    forgetting = EnglishTokens(PUNCTUATION_SET, STOP_WORDS)
    assert [forgetting.read(text).counts for text in texts[:12]] == once[:12]
    monkeypatch.setattr(english_tokens, "BATCH_CHARS", 60)
    assert [read.counts for read in forgetting.read_all(texts[:12])] == once[:12]
