"""The vocabulary report's counts are those of a tokenizer that really has the proposed pieces."""

import json
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers

from pipeline.lm.tokenise import train_tokenizer
from pipeline.lm.vocabulary import Fit, Piece, fit, merged, new_pieces, parts_of_pieces, with_pieces, word_units
from tests.tiny import TEXTS

TOKENIZER = train_tokenizer(TEXTS[:3], 270, 64)
FIRST = len(TOKENIZER)
PLAIN = set(range(FIRST)) - set(TOKENIZER.all_special_ids)
OTHERS = [*TEXTS[3:], "Naïve café: ein Übermaß 数字 42 aaaaaaa !!!! \n\n  x"]


def extended(pieces):
    """`TOKENIZER` with the pieces in its vocabulary and its merges."""
    state = json.loads(TOKENIZER.backend_tokenizer.to_str())
    names = TOKENIZER.convert_ids_to_tokens(list(range(FIRST)))
    for number, piece in enumerate(pieces):
        left, right = (names[token] for token in piece.pair)
        names.append(left + right)
        state["model"]["vocab"][left + right] = FIRST + number
        state["model"]["merges"].append([left, right])
    return Tokenizer.from_str(json.dumps(state))


def count_tokens(tokenizer, texts):
    return sum(len(tokenizer.encode(text, add_special_tokens=False).ids) for text in texts)


@pytest.mark.parametrize("most", [1, 7, 60])
def test_a_tokenizer_with_the_pieces_cuts_as_foretold(most):
    counts = word_units(TOKENIZER, TEXTS)
    pieces = new_pieces(counts, FIRST, most, 2, PLAIN)
    assert len(pieces) == most
    for texts in (TEXTS, OTHERS):
        later = with_pieces(word_units(TOKENIZER, texts), pieces, FIRST)
        assert sum(len(units) * count for units, count in later.items()) == count_tokens(extended(pieces), texts)


def test_what_the_pieces_say_they_save_is_what_they_save():
    counts = word_units(TOKENIZER, TEXTS)
    pieces = new_pieces(counts, FIRST, 40, 2, PLAIN)
    before, after = (fit(units, TEXTS).tokens for units in (counts, with_pieces(counts, pieces, FIRST)))
    assert before - after == sum(piece.saved for piece in pieces)
    assert [piece.saved for piece in pieces] == sorted((piece.saved for piece in pieces), reverse=True)


@settings(max_examples=80)
@given(st.dictionaries(st.lists(st.integers(0, 3), min_size=1, max_size=9).map(tuple), st.integers(1, 9), min_size=1,
                       max_size=8))
def test_every_piece_saves_as_many_tokens_as_it_says_whatever_the_words(words):
    counts = Counter(words)
    pieces = new_pieces(counts, 4, 6, 1, range(4))
    sizes = [sum(len(units) * count for units, count in with_pieces(counts, pieces[:upto], 4).items())
             for upto in range(len(pieces) + 1)]
    assert [before - after for before, after in pairwise(sizes)] == [
        piece.saved for piece in pieces]


def test_counts_worked_by_hand():
    # "aab" twice and "ab" once: pair ab occurs 3 times, then a + ab twice
    counts = Counter({(0, 0, 1): 2, (0, 1): 1})
    assert new_pieces(counts, 9, 5, 2, {0, 1}) == [Piece((0, 1), 3), Piece((0, 9), 2)]
    assert with_pieces(counts, [Piece((0, 1), 3)], 9) == Counter({(0, 9): 2, (9,): 1})
    assert parts_of_pieces([Piece((0, 1), 3), Piece((0, 9), 2)], 9) == [[0, 1], [0, 0, 1]]


def test_of_three_alike_in_a_row_one_pair_is_joined():
    assert merged([5, 5, 5], (5, 5), 9) == [9, 5]
    assert new_pieces(Counter({(5, 5, 5): 4}), 9, 1, 1, {5}) == [Piece((5, 5), 4)]


def test_a_special_token_is_part_of_no_piece_and_a_rare_piece_is_not_proposed():
    counts = Counter({(0, 1): 9, (1, 2): 3})
    assert new_pieces(counts, 9, 5, 1, {1, 2}) == [Piece((1, 2), 3)]
    assert new_pieces(counts, 9, 5, 4, {1, 2}) == []


def test_words_are_kept_apart_as_the_tokenizer_keeps_them():
    counts = word_units(TOKENIZER, ["one one", ""])
    assert sum(counts.values()) == 2
    assert [TOKENIZER.decode(units) for units in counts] == ["one", " one"]


def test_a_tokenizer_that_cuts_no_words_is_cut_at_its_own_blanks():
    from transformers import PreTrainedTokenizerFast
    letters = {letter: number for number, letter in enumerate("\u2581abc")}
    model = Tokenizer(models.BPE(vocab={**letters, "\u2581a": 4}, merges=[("\u2581", "a")]))
    model.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=model)
    assert word_units(tokenizer, ["ab ab ca"]) == Counter({(4, 2): 2, (0, 3, 1): 1})


def test_fertility_is_tokens_per_word_between_blanks():
    found = fit(Counter({(1, 2, 3): 2}), ["one two  three\n", "four"])
    assert found == Fit(tokens=6, words=4, num_bytes=19)
    assert (found.fertility, found.bytes_per_token) == (1.5, pytest.approx(19 / 6))
