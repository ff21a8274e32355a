"""Constraints are checked on what an answer says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.schema.errors import BadInput
from pipeline.text.constraints import KINDS, keeps, wording

ANSWER = "Answer: The desk waits. It then calls.\nSource: [2]"


@pytest.mark.parametrize(("kind", "value", "kept"), [
    ("max_words", "6", True), ("max_words", "5", False),  # labels and source are not words of it
    ("one_sentence", "", False), ("must_cite", "", True),
    ("no_digits", "", True),  # the 2 of [2] is the citation's
    ("no_word", "DESK", False), ("no_word", "des", True)])
def test_one_answer_worked_by_hand(kind, value, kept):
    assert keeps(kind, value, ANSWER) is kept


def test_a_full_stop_inside_a_figure_ends_no_sentence():
    assert keeps("one_sentence", "", "Answer: CAR 4.2 asks for 6.5 million.\nSource: [1]")


def test_a_refusal_cites_nothing():
    assert not keeps("must_cite", "", "Answer: The passages do not say.\nSource: none")


def test_an_answer_out_of_format_is_judged_whole():
    assert not keeps("no_digits", "", "Answer 1")


@given(st.sampled_from(KINDS))
def test_silence_keeps_no_constraint_and_every_kind_has_a_wording(kind):
    value = {"max_words": "9", "no_word": "x"}.get(kind, "")
    assert not keeps(kind, value, "  ")
    assert value in wording(kind, value)


@pytest.mark.parametrize(("kind", "value"), [("shout", ""), ("max_words", "few"), ("max_words", "0"),
                                              ("no_word", " "), ("must_cite", "yes")])
def test_a_constraint_that_cannot_be_checked_is_refused(kind, value):
    with pytest.raises(BadInput, match="constraint"):
        keeps(kind, value, ANSWER)
