"""Boilerplate lines."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.schema.curate_dedup import Boilerplate
from pipeline.text.boilerplate import BoilerplateRemover, boilerplate, lines_of

FOOTER = "Brackwater Mutual Bank - internal use only - do not copy"
COMMON = Boilerplate(min_letters=20, min_documents=3, min_share=0.5)


def body(number):
    return f"The duty reconciler of desk {'abcdefghij'[number]} compares the balances before noon."


def removed(texts, sources=None, common=COMMON):
    sources = sources or ["policies"] * len(texts)
    remover = BoilerplateRemover(boilerplate(texts, sources, common), common.min_letters)
    return [remover.trimmed(text, source) for text, source in zip(texts, sources, strict=True)]


def found(text, min_letters=20):
    lines = lines_of(text, min_letters)
    return [text[start:end] for start, end in zip(lines.starts, lines.ends, strict=True)]


def test_a_footer_inside_a_paragraph_stays_in_the_first_document_only():
    texts = [f"# Policy {number}\n\n{body(number)}\n{FOOTER}\nMore of it." for number in range(4)]
    first, *others = removed(texts)
    assert first == (texts[0], 0.0, 0)
    for number, one in enumerate(others, start=1):
        assert one.text == f"# Policy {number}\n\n{body(number)}\nMore of it."
        assert one.removed_share == pytest.approx(len(f"{FOOTER}\n") / len(texts[number]))


@pytest.mark.parametrize("line", [f"*{FOOTER}*", f"  {FOOTER}  ", FOOTER.replace(" ", "  "), f"_{FOOTER}_",
                                  FOOTER.replace(" ", "\u00a0")])
def test_marks_and_white_space_do_not_hide_a_line(line):
    texts = [f"{body(number)}\n{FOOTER if number < 3 else line}" for number in range(4)]
    assert removed(texts)[3].text == body(3)


@pytest.mark.parametrize("line", [f"## {FOOTER}", f"{FOOTER}:", f"**{FOOTER}:**", f"**{FOOTER}**", f"| {FOOTER} | x |",
                                  f"- _{FOOTER}:_", "**Status:** waiting for the customer to reply to us",
                                  "Category: waiting for the customer to reply", f"{FOOTER}\n{'=' * 20}",
                                  f"{FOOTER}\n---", "**Assistant:** Have a nice day and come back to us soon.",
                                  "Owner: the board", "12.03.2024 - 14.03.2024 - 2024/1/2/3/4/5"])
def test_headings_labels_rows_and_short_lines_stay(line):
    texts = [f"{body(number)}\n{line}\n{body(number)}" for number in range(5)]
    assert [one.text for one in removed(texts)] == texts


def test_code_between_fences_stays():
    texts = [f"{body(number)}\n\n```python\n{FOOTER}\n```\n\nEnd." for number in range(5)]
    assert [one.text for one in removed(texts)] == texts
    assert found(f"~~~\n{FOOTER}\n~~~\n{FOOTER}") == [FOOTER]


OPENING = ("This letter answers yours of last month and tells you what the client's agent of the bank has\n"
           "found out about the balances of the accounts that you asked us about in it.")


def test_common_lines_of_a_sentence_go_together():
    texts = [f"{OPENING} {body(number)}\n{body(9 - number)}" for number in range(4)]
    assert [one.text for one in removed(texts)] == texts    # the second line goes on in another way each time
    whole = [f"{OPENING}\n{body(number)}" for number in range(4)]
    assert [one.text for one in removed(whole)][1:] == [body(number) for number in range(1, 4)]


def test_a_line_in_the_middle_of_a_sentence_stays():
    texts = [f"{body(number)[:-1]} and then the duty\n{FOOTER.lower()}\nwhich is all." for number in range(4)]
    assert [one.text for one in removed(texts)] == texts


def test_a_line_must_be_common_in_its_own_source():
    few = [f"{body(number)}\n{FOOTER}" for number in range(2)] + [body(number) for number in range(2, 6)]
    assert [one.text for one in removed(few)] == few
    texts = [f"{body(number)}\n{FOOTER}" for number in range(6)]
    assert [one.text for one in removed(texts, ["a", "b", "c", "d", "e", "f"])] == texts


def test_a_heading_over_nothing_but_boilerplate_goes_with_it():
    texts = [f"{body(number)}\n\n## Notice\n\n{FOOTER}" for number in range(4)]
    assert removed(texts)[1].text == body(1)


def test_a_document_of_boilerplate_only_is_emptied():
    assert removed([*(f"{body(number)}\n{FOOTER}" for number in range(3)), f"# Notice\n\n{FOOTER}"])[3].text == ""


def test_a_page_break_ends_a_line():
    assert found(f"{FOOTER}\f{body(1)}") == [FOOTER, body(1)]


def test_a_hash_that_another_line_has_by_chance_removes_nothing():
    remover = BoilerplateRemover({"a": np.sort(lines_of(f"{FOOTER}\n{body(1)}", 20).hashes)}, 20)
    assert remover.trimmed(FOOTER, "a").text == FOOTER
    assert remover.trimmed(body(1), "a").text == body(1)


LINES = st.sampled_from([FOOTER, body(0), body(1), "# Head", "", "Short.", "```", f"**{FOOTER}**", "| a | b |"])


@given(st.lists(st.lists(LINES, max_size=8).map("\n".join), min_size=1, max_size=6))
def test_every_line_survives_somewhere_and_none_is_made_up(texts):
    def lines_in(many):
        return {line for text in many for line in text.split("\n") if line.strip() and not line.startswith("#")}

    kept = [one.text for one in removed(texts, common=Boilerplate(min_letters=5, min_documents=2, min_share=0.1))]
    assert lines_in(kept) == lines_in(texts)
