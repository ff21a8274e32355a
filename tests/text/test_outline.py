"""Sections and sentences are spans of the text they came from."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pipeline.text.outline import Span, clean_heading, labelled, sections, sentences, title_of

TEXT = """# Fire Policy

Intro line.

## 1 Who acts, e.g. wardens
The warden rings No. 7 at once. Others leave!
- Take nothing. Ever.

1. First step. 2
2. Second step.

## 2.1 **Empty**

## What if it rains?
| a | b |
|---|---|
| 1 | 2 |

After the table.
"""


def said(spans):
    return [TEXT[span.start:span.end] for span in spans]


def test_sections_lose_numbering_and_markup_and_empty_ones():
    assert [(part.heading, part.level) for part in sections(TEXT)] == [
        ("Fire Policy", 1), ("Who acts, e.g. wardens", 2), ("What if it rains?", 2)]


def test_sentences_end_at_stops_and_items_but_not_at_abbreviations():
    assert said(sentences(TEXT, sections(TEXT)[1].body)) == [
        "The warden rings No. 7 at once.", "Others leave!", "- Take nothing.", "Ever.", "1. First step.", "2",
        "2. Second step."]


def test_a_table_row_is_an_item_of_its_own():
    assert said(sentences(TEXT, sections(TEXT)[2].body))[-2:] == ["| 1 | 2 |", "After the table."]


def test_labels_give_what_follows_them():
    text = "**Scenario:** It burns.\n\n**Required action**: Run,\nfast.\n\n**Empty:**\n"
    found = labelled(text, Span(0, len(text)), ("Scenario", "Required action", "Empty", "Absent"))
    assert {name: text[span.start:span.end] for name, span in found.items()} == {
        "Scenario": "It burns.", "Required action": "Run,\nfast."}


def test_the_title_is_the_first_top_heading():
    assert title_of("## 3 Later\n\n# The  *Book* #\n") == "The *Book*"
    assert title_of("no heading") == ""
    assert clean_heading("12.") == "12"


@given(st.text(st.sampled_from("ab. \n#-*1!|A"), max_size=80))
def test_sentences_are_disjoint_in_order_trimmed_and_lose_no_letter(text):
    spans = sentences(text, Span(0, len(text)))
    assert all(one.end <= two.start for one, two in pairwise(spans))
    assert all(text[span.start:span.end].strip() == text[span.start:span.end] != "" for span in spans)
    outside = text
    for span in reversed(spans):
        outside = outside[:span.start] + outside[span.end:]
    assert not any(mark.isalnum() for mark in outside)


@given(st.text(st.sampled_from("ab. \n#A"), max_size=80))
def test_section_bodies_are_disjoint_and_in_order(text):
    parts = sections(text)
    assert all(one.body.end <= two.body.start for one, two in pairwise(parts))
