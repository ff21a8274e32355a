"""Scripted users, and who survives."""

from hypothesis import given
from hypothesis import strategies as st

from pipeline.judges.dialogue import Constraint
from pipeline.sample.dialogues import Dialogue, cited_passage, hold, scripts, survivors
from tests import tiny_policy

CONSTRAINTS = [Constraint("max_words", "9"), Constraint("no_word", "tide")]


def made(**changes):
    values = {"constraints": CONSTRAINTS, "num_turns": 3, "passage_chars": 200, "seed": 4, **changes}
    return scripts(tiny_policy.examples(), **values)


def held(count=4, answers=("x", "y", "x", "z")):
    one = made()[0]
    return [Dialogue(one, number, number, [answers[number]] * 3) for number in range(count)]


def test_the_first_turn_sets_the_constraint_and_gives_both_passages():
    for one in made():
        first = one.turns[0]
        assert ("at most 9 words" in first) or ('the word "tide"' in first)
        assert "[1] " in first
        assert "[2] " in first
        assert all("[1]" not in turn for turn in one.turns[1:])


def test_each_turn_is_judged_by_the_passage_that_answers_it():
    rows = {row["example_id"]: row for row in tiny_policy.examples().iter_rows(named=True)}
    for one in made():
        assert one.prompts[0].passages[one.prompts[0].source - 1] == cited_passage(rows[one.example_id])
        assert {prompt.source for prompt in one.prompts[:2]} == {1, 2}
        assert one.prompts[2] == one.prompts[0]
        assert one.prompts[2].question in one.turns[2]


def test_both_questions_are_on_one_document():
    rows = {row["example_id"]: row for row in tiny_policy.examples().iter_rows(named=True)}
    for one in made():
        asked = {prompt.question for prompt in one.prompts}
        assert len({row["doc_id"] for row in rows.values() if row["question"] in asked
                    and row["doc_id"] == rows[one.example_id]["doc_id"]}) == 1


def test_long_passages_make_no_script():
    assert made(passage_chars=10) == []


def test_turns_are_sampled_in_the_light_of_all_before():
    seen = []

    def speak(conversations, seeds):
        seen.append((conversations, seeds))
        return [f"said {len(talk)}" for talk in conversations]

    dialogues = hold(made()[:2], 3, 5, speak)
    assert len(dialogues) == 6
    assert [[len(talk) for talk in talks] for talks, _ in seen] == [[1] * 6, [3] * 6, [5] * 6]
    assert all(one.answers == ["said 1", "said 3", "said 5"] for one in dialogues)
    assert len({seed for _, seeds in seen for seed in seeds}) == 18
    assert [turn["role"] for turn in dialogues[0].messages] == ["user", "assistant"] * 3


def test_the_best_quarter_of_each_seed_prompt_survives():
    assert survivors(held(), [0.7, 0.9, 0.8, 0.9], 0.25, 0.5) == [False, True, False, False]
    assert survivors(held(), [0.7, 0.9, 0.8, 0.95], 0.5, 0.5) == [False, True, False, True]


def test_equal_dialogues_count_once_and_the_weak_are_not_kept_for_want_of_better():
    assert survivors(held(), [0.9, 0.1, 0.9, 0.2], 0.5, 0.5) == [True, False, False, False]


@given(st.lists(st.floats(0, 1), min_size=4, max_size=4), st.floats(0.01, 1), st.floats(0, 1))
def test_no_dropped_dialogue_beats_a_kept_one(scores, share, least):
    dialogues = held(answers=("a", "b", "c", "d"))
    kept = survivors(dialogues, scores, share, least)
    assert sum(kept) <= max(1, int(share * 4))
    assert all(score >= least for score, keep in zip(scores, kept, strict=True) if keep)
    worst_kept = min((score for score, keep in zip(scores, kept, strict=True) if keep), default=1)
    assert all(score <= worst_kept for score, keep in zip(scores, kept, strict=True) if not keep) or not any(kept)
