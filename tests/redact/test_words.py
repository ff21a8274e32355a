from hypothesis import given
from hypothesis import strategies as st

from pipeline.redact.words import GAPS, NUM_SHAPES, cut, fold, grams, shape


def test_words_keep_their_places():
    text = "O'Brien's desk,\nroom 12b"
    words = cut(text)
    assert words.texts == ["O'Brien", "'", "s", "desk", ",", "room", "12", "b"]
    assert [text[start:end] for start, end in zip(words.starts, words.ends, strict=True)] == words.texts
    assert [GAPS[gap] for gap in words.gaps] == ["start", "none", "none", "space", "none", "newline", "space", "none"]


def test_a_link_is_one_word_however_many_names_are_in_it():
    assert cut("[Ann](https://x.example/ann-lee?q=1) or a.lee+x@firm.example.").texts == [
        "[", "Ann", "]", "(", "https://x.example/ann-lee?q=1", ")", "or", "a.lee+x@firm.example", ".",
    ]  # fmt: skip
    assert grams("https://x.example/ann-lee", 999) == grams("a.lee@firm.example", 999)
    assert cut("mail @ann_lee :// www.").texts == ["mail", "@", "ann", "_", "lee", ":", "/", "/", "www", "."]


@given(st.text())
def test_every_character_that_is_not_blank_lies_in_one_word(text):
    words = cut(text)
    covered = [place for start, end in zip(words.starts, words.ends, strict=True) for place in range(start, end)]
    assert covered == [place for place, letter in enumerate(text) if not letter.isspace()]
    assert all(1 <= shape(word, gap) < NUM_SHAPES for word, gap in zip(words.texts, words.gaps, strict=True))


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
