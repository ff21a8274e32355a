"""Words, n-grams and their hashes."""

import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.unicode_classes import DOTTED_I, small_letters
from pipeline.text.words import code_points, ngram_hashes, small_code_points, word_hashes, words_of


def test_words_are_what_re_finds_in_western_text():
    text = "Hello, World's naïve_x 12-3 é“quoted” ÜBER"
    assert words_of(text) == re.findall(r"\w+", text.lower())


def test_an_ideograph_is_a_word_by_itself():
    assert words_of("ab漢字c かな") == ["ab", "漢", "字", "c", "か", "な"]


@given(st.text(max_size=60))
def test_hashes_agree_with_the_words_themselves(text):
    words = words_of(text)
    hashes = word_hashes([text, *words])
    assert hashes.of(0).tolist() == [int(hashes.of(place + 1)[0]) for place in range(len(words))]


@given(st.text(st.characters() | st.sampled_from("A\u0130\u03a3 \u1e9e\ud800"), max_size=20))
def test_code_points_are_those_of_the_small_letters(text):
    assert small_code_points(text).tolist() == code_points(text.lower()).tolist()


def test_every_letter_but_one_has_one_small_letter():
    table = small_letters()
    assert [code for code, small in enumerate(table) if chr(code).lower() != chr(small)] == [ord(DOTTED_I)]


@given(st.lists(st.text(alphabet="ab ", max_size=20), max_size=5), st.integers(1, 4))
def test_equal_ngrams_and_only_they_have_equal_hashes(texts, size):
    hashed = ngram_hashes(word_hashes(texts), size)
    grams = [tuple(words[start:start + size]) for words in map(words_of, texts)
             for start in range(len(words) - size + 1)]
    assert len(grams) == len(hashed.flat)
    assert len(set(grams)) == len(np.unique(hashed.flat))


def test_ngrams_do_not_cross_documents():
    hashed = ngram_hashes(word_hashes(["a b", "c d e"]), 3)
    assert np.diff(hashed.offsets).tolist() == [0, 1]


def test_hashes_never_change():
    # stored signatures and ledgers rest on these: a change here is a change of every decision
    assert word_hashes(["custody"]).flat.tolist() == [16770342731616778393]
    assert ngram_hashes(word_hashes(["client asset"]), 2).flat.tolist() == [1976997516847353553]
