"""Verdicts of a gate on made-up answers, and how often it blocks when nothing got worse."""

import json

import numpy as np
import polars as pl
import pytest

from pipeline.evals.gate import gate_record
from pipeline.schema.errors import BadInput
from pipeline.schema.eval_answers import ANSWERS
from pipeline.schema.gate import Gate

METRICS = {name: 0.5 for name in ("in_domain_perplexity", "general_perplexity", "format_adherence", "citation_recall",
                                  "refusal_balanced", "rubric", "multi_turn")}


def params(**checks):
    return Gate(confidence=0.95, power=0.8, tie_margin=1e-6, stop_on_regression=False, checks={"x": checks})


def answers(**scores):
    """One row an item; task -> scores. Perplexity scores are nats per token of 100-token documents."""
    scores = {"rubric": [0.5] * 10, **scores}
    rows = []
    for task, values in scores.items():
        for number, value in enumerate(values):
            parts = {"nats": value * 100, "tokens": 100, "answerable": float(number % 4 > 0)}
            rows.append({"item_id": f"i{number:03}", "task": task, "prompt": "", "answer": "", "score": float(value),
                         "parts": json.dumps(parts)})
    return pl.DataFrame(rows, schema=ANSWERS)


def gate(before, after, **checks):
    return gate_record("x", (before, METRICS), (after, METRICS), params(**checks), first=False)


def shares(successes, n=100):
    return [1.0] * successes + [0.0] * (n - successes)


@pytest.mark.parametrize(("before", "after", "verdict"), [
    (50, 60, "pass"), (50, 52, "pass"), (50, 20, "regression"), (50, 48, "pass"), (50, 40, "no evidence")])
def test_a_tolerated_loss_of_a_tenth_is_judged_by_what_the_items_show(before, after, verdict):
    found = gate(answers(format=shares(before)), answers(format=shares(after)), format_adherence=-0.1)
    assert found["verdict"] == found["checks"]["format_adherence"]["verdict"] == verdict


def test_a_missed_target_is_no_evidence_and_not_a_regression():
    found = gate(answers(format=shares(50)), answers(format=shares(60)), format_adherence=0.5)
    assert found["verdict"] == "no evidence"
    assert found["checks"]["format_adherence"]["items_needed"] > 0
    assert found["reason"] == "not shown: format_adherence"


def test_a_loss_is_a_regression_even_where_a_gain_was_asked_for():
    found = gate(answers(format=shares(60)), answers(format=shares(20)), format_adherence=0.5)
    assert found["verdict"] == "regression"


@pytest.mark.parametrize(("factor", "bound", "verdict"), [
    (0.6, -0.3, "pass"), (0.8, -0.3, "no evidence"), (1.2, -0.3, "regression"),
    (1.0, 0.02, "pass"), (1.05, 0.02, "regression")])
def test_perplexity_is_judged_by_its_relative_change(factor, bound, verdict):
    rng = np.random.default_rng(2)
    before = 4 + rng.normal(0, 0.3, 30)
    after = before + np.log(factor) + rng.normal(0, 0.01, 30)
    found = gate(answers(in_domain_perplexity=before), answers(in_domain_perplexity=after), in_domain_perplexity=bound)
    check = found["checks"]["in_domain_perplexity"]
    assert check["verdict"] == verdict
    assert check["difference"] == pytest.approx(factor - 1, abs=0.01)
    assert (check["threshold"], check["keeps"]) == (bound, "at most")


def test_the_first_checkpoint_has_nothing_to_be_compared_with():
    table = answers(format=shares(50))
    found = gate_record("x", (table, METRICS), (table, METRICS), params(), first=True)
    assert (found["reason"], found["checks"], found["judge_win_rate"]) == ("no earlier checkpoint", {}, None)


def test_one_regression_decides_the_whole_verdict():
    found = gate(answers(format=shares(60), multi_turn=shares(60)), answers(format=shares(90), multi_turn=shares(10)),
                 format_adherence=0.0, multi_turn=-0.1)
    assert found["verdict"] == "regression"
    assert found["reason"] == "lost ground: multi_turn"


def test_a_pass_needs_every_check():
    found = gate(answers(format=shares(20), multi_turn=shares(50)), answers(format=shares(90), multi_turn=shares(50)),
                 format_adherence=0.3, multi_turn=0.1)
    assert found["verdict"] == "no evidence"


def test_refusal_is_balanced_over_answerable_and_unanswerable_questions():
    # 75 answerable, 25 not; only the latter get better: the balanced gain is a half
    after = [1.0 if number % 4 == 0 else 0.0 for number in range(100)]
    found = gate(answers(refusal=[0.0] * 100), answers(refusal=after), refusal_balanced=0.3)
    assert found["checks"]["refusal_balanced"]["difference"] == 0.5


def test_items_that_only_one_side_answered_are_refused():
    with pytest.raises(BadInput, match="not asked the same items"):
        gate(answers(format=shares(5, 10)), answers(format=shares(5, 11)), format_adherence=-0.1)


def test_a_checkpoint_without_declared_checks_is_refused():
    with pytest.raises(BadInput, match="does not name checkpoint 'y'"):
        gate_record("y", (answers(), METRICS), (answers(), METRICS), params(), first=False)


def test_the_judge_prefers_what_scores_higher():
    found = gate(answers(rubric=[0.1] * 10), answers(rubric=[0.9] * 8 + [0.1] * 2), rubric=0.0)
    rate = found["judge_win_rate"]
    assert (rate["value"], rate["wins"], rate["ties"], rate["losses"], rate["n"]) == (0.9, 8, 2, 0, 10)


def simulated(loss, runs=400, n=80):
    """Share of gates that say `regression` when three scores truly fall by `loss`, with a tenth of answers flipping."""
    rng, tasks, blocked = np.random.default_rng(11), ("format", "multi_turn", "citation"), 0
    for _ in range(runs):
        before = {task: (rng.random(n) < 0.6).astype(float) for task in tasks}
        after = {task: np.where(rng.random(n) < 0.1, (rng.random(n) < 0.6).astype(float), old) - 0
                 for task, old in before.items()}
        after = {task: np.where(rng.random(n) < loss / 0.6, 0.0, new) for task, new in after.items()}
        found = gate(answers(**before), answers(**after), format_adherence=0.0, multi_turn=0.0, citation_recall=0.0)
        blocked += found["verdict"] == "regression"
    return blocked / runs


def test_when_nothing_got_worse_few_gates_block():
    assert simulated(0.0) <= 0.05


def test_when_three_scores_fall_by_a_fifth_nearly_every_gate_blocks():
    assert simulated(0.2, runs=100) >= 0.9
