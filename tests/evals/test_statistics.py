"""Intervals and paired comparisons: worked by hand, by law, and by simulation."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.evals.statistics import (
    Difference,
    bootstrap_ratio,
    combined,
    holm,
    mean_of,
    paired_log_ratio,
    paired_scores,
    wilson,
    win_rate,
)

unit = st.floats(0, 1)
sample = st.lists(unit, min_size=2, max_size=30).map(lambda values: np.array(values))


def test_wilson_of_8_in_10_worked_by_hand():
    # z = 1.959964; centre (0.8 + z^2/20) / (1 + z^2/10) = 0.716740; half width 0.226576
    assert wilson(8, 10, 0.95)[:3] == (0.8, pytest.approx(0.490162, abs=1e-6), pytest.approx(0.943318, abs=1e-6))


@given(st.integers(0, 50), st.integers(0, 50))
def test_wilson_holds_the_share_and_stays_in_the_unit_interval(wins, losses):
    found = wilson(wins, wins + losses, 0.95)
    assert 0 <= found.low <= found.value + 1e-9
    assert found.value - 1e-9 <= found.high <= 1


def test_wilson_of_nothing_knows_nothing():
    assert wilson(0, 0, 0.95) == (0.0, 0.0, 1.0, 0)


def test_the_same_seed_gives_the_same_bootstrap_interval_and_another_seed_another():
    values, ones = np.random.default_rng(1).random(40), np.ones(40)
    first = bootstrap_ratio(values, ones, 0.95, 500, seed=3)
    assert first == bootstrap_ratio(values, ones, 0.95, 500, seed=3)
    assert first != bootstrap_ratio(values, ones, 0.95, 500, seed=4)
    assert first.low < first.value < first.high


def test_a_bootstrap_interval_of_a_mean_agrees_with_the_normal_one():
    values = np.random.default_rng(5).normal(10, 2, 400)
    found = bootstrap_ratio(values, np.ones(400), 0.95, 4000, seed=0)
    assert found.high - found.low == pytest.approx(2 * 1.96 * values.std(ddof=1) / 20, rel=0.06)


def test_holm_worked_by_hand():
    # sorted 0.01 0.02 0.03 0.04 times 4 3 2 1, running maximum: 0.04 0.06 0.06 0.06
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])


@given(st.lists(unit, max_size=12))
def test_holm_never_lowers_a_p_value_and_keeps_their_order(p_values):
    adjusted = holm(p_values)
    assert all(raw <= new <= 1 for raw, new in zip(p_values, adjusted, strict=True))
    ranked = sorted(range(len(p_values)), key=lambda index: p_values[index])
    assert all(adjusted[low] <= adjusted[high] for low, high in pairwise(ranked))


def test_a_paired_difference_worked_by_hand():
    # gains 1 0 0 1: mean 0.5; error with Agresti-Min: n+2 = 6, sum 2, squares 2+1 -> (3/6 - (2/6)^2)/6
    found = paired_scores([np.array([0.0, 1, 0, 0])], [np.array([1.0, 1, 0, 1])])
    assert found == (0.5, pytest.approx(math.sqrt((3 / 6 - (2 / 6) ** 2) / 6)), 3, 4)


@given(sample)
def test_swapping_before_and_after_negates_a_paired_difference(before):
    after = before[::-1].copy()
    there, back = paired_scores([before], [after]), paired_scores([after], [before])
    assert (there.value, there.error) == (pytest.approx(-back.value), pytest.approx(back.error))


def test_thirty_equal_pairs_do_not_prove_equality_to_a_point():
    same = paired_scores([np.ones(30)], [np.ones(30)])
    low, high = same.interval(0.95)
    assert low < -0.02 < 0.02 < high
    assert same.p_above(-0.2) < 0.025 < same.p_above(-0.02)


def test_strata_weigh_the_same_whatever_their_size():
    found = paired_scores([np.zeros(90), np.zeros(10)], [np.zeros(90), np.ones(10)])
    assert found.value == 0.5


def test_a_perplexity_that_falls_by_a_third_in_every_document():
    nats, tokens = np.array([100.0, 300.0, 200.0]), np.array([50.0, 150.0, 100.0])
    found = paired_log_ratio(nats, nats + tokens * math.log(2 / 3), tokens)
    assert math.expm1(found.value) == pytest.approx(-1 / 3)
    assert found.error == pytest.approx(0, abs=1e-12)


def test_too_few_items_never_show_anything():
    found = paired_scores([np.array([0.0])], [np.array([1.0])])
    assert found.p_above(-1) == found.p_below(1) == 1.0


def test_a_win_rate_counts_ties_half():
    rate = win_rate(np.array([0.0, 0.5, 1, 0.2]), np.array([1.0, 0.5, 0, 0.9]), 0.95, 1e-6)
    assert (rate.value, rate.wins, rate.ties, rate.losses) == (0.625, 2, 1, 1)


@given(sample)
def test_win_rates_of_two_sides_sum_to_one(before):
    after = np.sort(before)
    there, back = win_rate(before, after, 0.95, 1e-6), win_rate(after, before, 0.95, 1e-6)
    assert there.value + back.value == pytest.approx(1)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    rng, covered = np.random.default_rng(8), 0
    for _ in range(1000):
        before, after = rng.random(60) < 0.6, rng.random(60) < 0.7
        low, high = paired_scores([before.astype(float)], [after.astype(float)]).interval(0.95)
        covered += low <= 0.1 <= high
    assert 0.93 <= covered / 1000 <= 0.985


def test_the_detectable_difference_is_seen_about_as_often_as_its_power():
    rng = np.random.default_rng(9)
    detectable = Difference(0, 0.1 / math.sqrt(40), 39, 40).detectable(0.95, 0.8)
    seen = 0
    for _ in range(1000):
        gains = rng.normal(detectable, 0.1, 40)
        seen += Difference(gains.mean(), gains.std(ddof=1) / math.sqrt(40), 39, 40).p_above(0) <= 0.025
    assert 0.76 <= seen / 1000 <= 0.84


def test_the_mean_of_three_worked_by_hand():
    # 1, 2, 6: mean 3, variance (4 + 1 + 9) / 2 = 7, error sqrt(7 / 3)
    assert mean_of(np.array([1.0, 2, 6])) == Difference(3.0, pytest.approx(math.sqrt(7 / 3)), 2, 3)
    assert math.isinf(mean_of(np.array([1.0])).error)


def test_parts_are_combined_by_value_with_welchs_degrees_of_freedom_worked_by_hand():
    # variances 0.25 * 4 = 1 and 0.25 * 16 = 4; freedom 5^2 / (1 / 4 + 16 / 8) = 11.1
    found = combined([Difference(1.0, 2.0, 4, 5), Difference(3.0, 4.0, 8, 9)], [0.5, 0.5])
    assert found == Difference(2.0, pytest.approx(math.sqrt(5)), 11, 14)


def test_a_part_that_knows_nothing_leaves_the_whole_knowing_nothing():
    found = combined([Difference(1.0, math.inf, 1, 1), Difference(3.0, 4.0, 8, 9)], [0.5, 0.5])
    assert math.isinf(found.interval(0.95)[1])
    assert combined([], []) == Difference(0.0, 0.0, 1, 0)
