"""Repeated n-grams, against datatrove's own functions."""

import numpy as np
from datatrove.pipeline.filters.gopher_repetition_filter import find_all_duplicate, find_top_duplicate, get_n_grams
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.text.repetition import TokenGrams
from pipeline.text.words import code_points

# "a" + "bb" and "ab" + "b" have the same characters: equal as repeated n-grams, different as top ones
TOKENS = st.lists(st.sampled_from(["a", "b", "ab", "bb", "ba", "é"]), max_size=60)


def grams(tokens, window=None):
    return TokenGrams(code_points("".join(tokens)), np.array([len(token) for token in tokens], np.int32), window)


@settings(max_examples=200)
@given(TOKENS, st.integers(1, 6))
def test_characters_of_repeated_ngrams_are_datatroves(tokens, size):
    assert grams(tokens).repeated_chars([size])[0] == find_all_duplicate(tokens, size)


@settings(max_examples=200)
@given(TOKENS, st.integers(2, 4))
def test_characters_of_the_top_ngram_are_datatroves_also_among_equally_frequent_ones(tokens, size):
    theirs = get_n_grams(tokens, size)
    assert grams(tokens).top_chars([size])[0] == (find_top_duplicate(theirs) if theirs else 0)


def test_a_text_shorter_than_one_and_a_half_windows_is_taken_whole():
    tokens = ["one", "two", "three"] * 50
    for size in (2, 5):
        assert grams(tokens, 100).repeated_chars([size])[0] != grams(tokens).repeated_chars([size])[0]
        assert grams(tokens[:149], 100).repeated_chars([size])[0] == grams(tokens[:149]).repeated_chars([size])[0]


def test_what_recurs_from_window_to_window_only_is_no_repetition():
    passage = [f"w{number}" for number in range(100)]
    assert grams(passage * 4, 100).repeated_chars([5])[0] == 0
    assert grams(passage * 4).repeated_chars([5])[0] == 3 * len("".join(passage))


def test_what_recurs_within_windows_counts_however_long_the_text():
    spam = ["buy", "this", "now", "or", "never"] * 20
    assert grams(spam * 40, 100).repeated_chars([5])[0] == 40 * grams(spam).repeated_chars([5])[0]
    assert grams(spam * 40, 100).top_chars([2])[0] == 40 * grams(spam).top_chars([2])[0]
