"""Dialogues are judged over all turns."""

import pytest

from pipeline.judges.dialogue import Constraint, judge_dialogue
from pipeline.judges.interface import Prompt
from pipeline.judges.rubric import Rubric

PROMPTS = [Prompt(["The kiln must cool for nine long hours at night."], "?", 1)] * 3
GOOD = "Answer: The kiln must cool for nine long hours.\nSource: [1]"
LONG = "Answer: The kiln must cool for nine long hours at night.\nSource: [1]"


def test_full_marks_need_every_turn():
    all_kept = judge_dialogue(Rubric(), PROMPTS, [GOOD] * 3, Constraint("max_words", "9"))
    assert all_kept.score == pytest.approx(1)
    assert all_kept.parts["constraint"] == 1


def test_one_broken_turn_costs_the_dialogue_its_whole_and_a_third():
    one_broken = judge_dialogue(Rubric(), PROMPTS, [GOOD, LONG, GOOD], Constraint("max_words", "9"))
    assert (one_broken.parts["constraint"], one_broken.parts["constraint_turns"]) == (0, pytest.approx(2 / 3))
    # half for the constraint, (2/3 + 0) / 2 of it, half for turns that are perfect by the rubric
    assert one_broken.score == pytest.approx(0.5 * (2 / 3) / 2 + 0.5)


def test_turns_and_answers_must_match():
    with pytest.raises(ValueError, match="zip"):
        judge_dialogue(Rubric(), PROMPTS, [GOOD], Constraint("must_cite", ""))
