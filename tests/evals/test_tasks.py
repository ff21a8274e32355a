"""Tasks score what they say, on answers a checkpoint could give."""

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evals.metrics import metrics
from pipeline.evals.questions import Conversation, Question, authored_conversation, chosen, lake_conversations
from pipeline.evals.tasks import citation, multi_turn, refusal, rubric
from pipeline.evals.tasks import format as answer_format
from pipeline.schema.eval_answers import ANSWERS
from pipeline.schema.examples import EXAMPLES
from pipeline.text.answers import INSTRUCTION
from tests.cards.world import EVALUATE, answers

ASKED = Question("q", ["Doors close at 18:00.", "Keys are kept by the porter."], "When do doors close?", 1)
UNANSWERABLE = ASKED._replace(source=0)
RIGHT, WRONG = "Answer: Doors close at 18:00.\nSource: [1]", "Answer: Keys are kept by the porter.\nSource: [2]"
REFUSAL = "Answer: The passages do not say.\nSource: none"


def test_only_the_exact_format_counts():
    said = (RIGHT, REFUSAL, f"Sure! {RIGHT}", "doors", "")
    assert [answer_format.score(text).score for text in said] == [1, 1, 0, 0, 0]


@pytest.mark.parametrize(("question", "answer", "cited", "correct"), [
    (ASKED, RIGHT, 1, 1), (ASKED, WRONG, 1, 0), (ASKED, REFUSAL, 0, 0), (UNANSWERABLE, RIGHT, 1, 0),
    (UNANSWERABLE, REFUSAL, 0, 0), (ASKED, "[1]", 0, 0)])
def test_a_citation_is_right_only_where_the_passage_answers(question, answer, cited, correct):
    found = citation.score(question, answer)
    assert (found.parts["cited"], found.parts["correct"], found.score) == (cited, correct, correct)


@pytest.mark.parametrize(("question", "answer", "right"), [
    (ASKED, RIGHT, 1), (ASKED, REFUSAL, 0), (ASKED, "noise", 0), (UNANSWERABLE, REFUSAL, 1), (UNANSWERABLE, RIGHT, 0),
    (UNANSWERABLE, "noise", 0)])
def test_refusal_is_right_when_and_only_when_no_passage_answers(question, answer, right):
    assert refusal.score(question, answer).score == right


def test_the_rubric_prefers_the_right_answer():
    assert rubric.score(ASKED, RIGHT).score > rubric.score(ASKED, WRONG).score > rubric.score(ASKED, "noise").score


def test_noise_keeps_no_constraint_although_it_has_no_digit():
    talk = Conversation("c", "no_digits", "", ["When?", "Why?"])
    formed = "Answer: Doors close early.\nSource: [1]"
    assert multi_turn.score(talk, ["etaoin", formed]).score == 0.5
    assert multi_turn.score(talk, ["etaoin", formed]).parts == {"kept": 1.0, "format": 0.5, "all": 0.0}
    assert multi_turn.score(talk, ["", ""]).score == 0


def test_the_first_turn_carries_instruction_constraint_passages_and_question():
    row = {"item_id": "c", "passages": ["Doors close."], "instruction": "Use no digits.",
           "constraint_kind": "no_digits", "constraint_value": "", "turns": ["When?", "Why?"]}
    opening, second = authored_conversation(row).turns
    assert opening == f"{INSTRUCTION} Use no digits.\n[1] Doors close.\nQuestion: When?"
    assert second == "Question: Why?"


@given(st.sets(st.text(min_size=1), max_size=20), st.integers(0, 10), st.integers(0, 5))
def test_what_is_chosen_does_not_depend_on_order(keys, most, seed):
    assert chosen(sorted(keys), most, seed) == chosen(sorted(keys, reverse=True), most, seed)
    assert len(chosen(keys, most, seed)) == min(most, len(keys))


def test_conversations_from_examples_are_scripts_on_two_passages_of_one_document():
    rows = [{name: f"{doc}{turn}" if name == "example_id" else doc if name == "doc_id" else "section_qa"
             if name == "kind" else [f"passage {doc} {turn}", "distractor"] if name == "passages"
             else int(name == "source") if dtype == pl.Int64() else f"{name} {turn}"
             for name, dtype in EXAMPLES.items()}
            for doc in "abcdef" for turn in range(2)]
    talks = lake_conversations(pl.DataFrame(rows, schema=EXAMPLES), EVALUATE)
    assert len(talks) == EVALUATE.max_conversations
    for talk in talks:
        documents = {line.split()[2] for line in talk.turns[0].splitlines() if line.startswith("[")}
        assert len(documents) == 1
        assert len(talk.turns) == EVALUATE.turns


def test_metrics_are_flat_numbers_with_their_intervals_apart():
    found = metrics(answers(2), EVALUATE)
    intervals = found.pop("intervals")
    assert set(intervals) == set(found)
    assert all(isinstance(value, float) for value in found.values())
    assert all(low <= found[name] <= high for name, (low, high, _) in intervals.items())
    assert len(found) == 12


def test_metrics_worked_by_hand():
    def row(item_id, task, score, **parts):
        return {"item_id": item_id, "task": task, "prompt": "", "answer": "", "score": score,
                "parts": json.dumps(parts)}
    rows = [row(f"d{n}", f"{side}_perplexity", 0.0, nats=nats, tokens=10, bytes=40)
            for side in ("in_domain", "general") for n, nats in enumerate((10.0, 20.0))]
    for number, (cited, correct, answerable) in enumerate([(1, 1, 1), (1, 0, 1), (0, 0, 1), (1, 0, 0)]):
        rows += [row(f"q{number}", "citation", correct, cited=cited, correct=correct, answerable=answerable),
                 row(f"q{number}", "refusal", 1 - answerable, answerable=answerable),
                 row(f"q{number}", "format", 1.0), row(f"q{number}", "rubric", 0.25 * number)]
    found = metrics(pl.DataFrame([*rows, row("t", "multi_turn", 0.5)], schema=ANSWERS), EVALUATE)
    # 30 nats over 20 tokens and 80 bytes: e^1.5 = 4.481689, 30 / ln 2 / 80 = 0.541011 bits a byte
    assert found["in_domain_perplexity"] == pytest.approx(4.481689)
    assert found["general_bits_per_byte"] == pytest.approx(0.541011, abs=1e-6)
    assert (found["citation_precision"], found["citation_recall"]) == (pytest.approx(1 / 3, abs=1e-6),) * 2
    assert (found["answered"], found["refused"], found["refusal_balanced"]) == (0, 1, 0.5)
    assert (found["rubric"], found["multi_turn"]) == (0.375, 0.5)
