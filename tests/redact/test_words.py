from hypothesis import given
from hypothesis import strategies as st

from pipeline.redact.words import NUM_SHAPES, cut, fold, grams


def test_words_keep_their_places():
    text = "O'Brien's desk,\nroom 12b"
    assert [text[word.start : word.end] for word in cut(text)] == ["O'Brien's", "desk", ",", "room", "12", "b"]


@given(st.text())
def test_every_character_that_is_not_blank_lies_in_one_word(text):
    covered = {place for word in cut(text) for place in range(word.start, word.end)}
    assert sum(word.end - word.start for word in cut(text)) == len(covered)
    assert all(1 <= word.shape < NUM_SHAPES for word in cut(text))


def test_look_alike_letters_fold_to_the_same_word():
    assert fold("Mаrtа") == fold("Marta") == fold("ＭＡＲＴＡ")


@given(st.text(min_size=1), st.integers(1, 1000))
def test_buckets_stay_in_range(word, buckets):
    assert all(0 <= bucket < buckets for bucket in grams(word, buckets))


def test_a_name_shares_buckets_with_the_name_it_resembles():
    near, far = (
        set(grams("Kowalczyk", 10**6)) & set(grams("Kowalczuk", 10**6)),
        set(grams("Kowalczyk", 10**6)) & set(grams("Tanaka", 10**6)),
    )
    assert len(near) > 10 * len(far)
