"""Repeated chunks."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.chunks import without_repeats

NOTICE = "This document belongs to the bank and may not be shown to anyone outside of it."


def trimmed(*texts, min_chars=40):
    return list(without_repeats(texts, min_chars))


def test_a_later_document_loses_the_chunk_and_the_earlier_keeps_it():
    first, second = trimmed(f"Alpha.\n\n{NOTICE}", f"Beta.\n\n{NOTICE}\n\nGamma.")
    assert first.text == f"Alpha.\n\n{NOTICE}"
    assert second.text == "Beta.\n\nGamma."
    assert second.removed_share == len(NOTICE) / len(f"Beta.\n\n{NOTICE}\n\nGamma.")


def test_line_breaks_and_blanks_do_not_hide_a_repetition():
    assert trimmed(NOTICE, f"Beta.\n\n{NOTICE.replace(' ', chr(10), 3)}")[1].text == "Beta."


def test_a_page_break_ends_a_chunk():
    assert trimmed(NOTICE, f"Beta.\f{NOTICE}")[1].text == "Beta."


def test_short_chunks_may_repeat():
    assert trimmed("Scope\n\nAlpha.", "Scope\n\nBeta.")[1].text == "Scope\n\nBeta."


def test_a_chunk_repeated_in_one_document_only_stays():
    text = f"{NOTICE}\n\nAlpha.\n\n{NOTICE}"
    assert trimmed(text) == [(text, 0.0, 0)]


def test_nothing_is_left_of_a_document_that_only_repeats():
    assert trimmed(f"# Notice\n\n{NOTICE}", f"# Another notice\n\n{NOTICE}")[1].text == ""


def test_a_heading_goes_with_the_last_chunk_below_it_and_so_does_its_parent():
    text = f"# Policy\n\nBeta.\n\n## 2 Notices\n\n### 2.1 Notice\n\n{NOTICE}\n\n## 3 End\n\nGamma."
    assert trimmed(NOTICE, text)[1].text == "# Policy\n\nBeta.\n\n## 3 End\n\nGamma."


def test_a_heading_that_had_nothing_below_it_before_stays():
    text = f"# Policy\n\n## Left blank\n\n## Notice\n\n{NOTICE}\n\nGamma."
    assert trimmed(NOTICE, text)[1].text == "# Policy\n\n## Left blank\n\n## Notice\n\nGamma."


@given(st.lists(st.lists(st.sampled_from("abcdefgh"), max_size=5).map("\n\n".join), max_size=5))
def test_every_chunk_survives_somewhere(texts):
    kept = {chunk for result in trimmed(*texts, min_chars=1) for chunk in result.text.split("\n\n")}
    assert {chunk for text in texts for chunk in text.split("\n\n")} - {""} <= kept
