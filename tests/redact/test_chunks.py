from hypothesis import given
from hypothesis import strategies as st

from pipeline.redact.analyse import Found
from pipeline.redact.chunks import LONGEST, chunk_key, chunks, placed


@given(st.text(alphabet="ab \n\f\t", max_size=400))
def test_chunks_lie_in_order_and_only_blanks_lie_between(text):
    at = 0
    for chunk in chunks(text):
        assert chunk.start >= at
        assert not text[at : chunk.start].strip()
        assert text[chunk.start :].startswith(chunk.text)
        at = chunk.start + len(chunk.text)
    assert not text[at:].strip()


def test_a_long_paragraph_is_cut_between_words_and_loses_nothing():
    text = "word " * LONGEST
    assert "".join(chunk.text for chunk in chunks(text)) == text
    assert all(chunk.text.endswith(" ") and len(chunk.text) <= LONGEST for chunk in chunks(text))
    assert "".join(chunk.text for chunk in chunks("x" * 3 * LONGEST)) == "x" * 3 * LONGEST


def test_finds_are_moved_to_their_place_in_the_document():
    text = "one\n\nask Ann"
    (_, second) = chunks(text)
    (find,) = placed(second, [Found(4, 7, "PERSON", "tagger", 1.0)])
    assert text[find.start : find.end] == "Ann"


def test_equal_paragraphs_have_one_key():
    first, second = chunks("same\n\nsame")
    assert chunk_key(first.text) == chunk_key(second.text) != chunk_key("other")
