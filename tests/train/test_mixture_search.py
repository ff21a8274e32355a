"""The rule that moves weights, on losses whose lowest point is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.train.mixture_search import (
    MAX_LEAP,
    Measured,
    Scene,
    bounded,
    next_shares,
    normalised,
    pattern,
    values_in,
)
from pipeline.train.proxies import windows

NOTHING = Measured(windows([], 2, 9), np.empty(0, np.int64))


def scene(shares, tuned=None):
    tuned = np.ones(len(shares), bool) if tuned is None else np.array(tuned)
    return Scene([f"s{place}" for place in range(len(shares))], np.array(shares), tuned, tuned / tuned.sum(),
                 NOTHING.text, [], NOTHING, NOTHING, {})


def losses(world, weights, power, perturbation):
    """A power law: -sum(power * log share), for the runs of a round around `weights`."""
    signs = np.zeros((len(pattern(int(world.tuned.sum()))), len(world.sources)))
    signs[:, world.tuned] = pattern(int(world.tuned.sum()))
    mixtures = np.stack([normalised(weights * perturbation**row, world) for row in signs])
    return -(np.log(world.shares * mixtures) @ power)


@pytest.mark.parametrize("count", [2, 3, 4, 7, 8, 31])
def test_effects_are_measured_apart_from_each_other_and_from_the_mean(count):
    signs = pattern(count)
    full = np.column_stack([np.ones(len(signs)), signs])
    assert np.array_equal(full.T @ full, len(signs) * np.eye(count + 1))


def test_the_lowest_point_of_a_power_law_is_found_in_a_few_rounds():
    world, power = scene([0.7, 0.2, 0.1]), np.array([0.3, 0.3, 0.6])
    weights = np.ones(3)
    for _ in range(12):
        shares = next_shares(world, weights, losses(world, weights, power, 1.1), 1.1, power.sum())
        weights = bounded(shares, world.shares, np.full(3, 0.01), np.full(3, 100.0))
    assert world.shares * weights == pytest.approx([0.25, 0.25, 0.5], abs=0.005)


def test_a_source_that_is_not_tuned_keeps_its_share_and_the_others_share_the_rest():
    world, power = scene([0.5, 0.3, 0.2], [False, True, True]), np.array([0.0, 0.1, 0.3])
    shares = next_shares(world, np.ones(3), losses(world, np.ones(3), power, 1.3), 1.3, power.sum())
    assert shares[0] == 0.5
    assert shares[2] > 0.2 > 0.3 - 0.1 >= 0
    assert shares[1] < 0.3


def test_no_step_leaps_however_little_more_text_gains():
    world, power = scene([0.5, 0.5]), np.array([0.0, 0.5])
    shares = next_shares(world, np.ones(2), losses(world, np.ones(2), power, 1.3), 1.3, 1e-6)
    assert shares == pytest.approx([0.5 / MAX_LEAP, 0.5 * MAX_LEAP])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0.01, 1), st.floats(0, 5)), min_size=2, max_size=6), st.floats(0.1, 1),
       st.floats(1, 4))
def test_bounded_weights_keep_their_bounds_and_spend_the_budget(sources, low, high):
    shares = np.array([share for share, _ in sources])
    shares /= shares.sum()
    wished = np.array([wish for _, wish in sources])
    weights = bounded(wished, shares, np.full(len(shares), low), np.full(len(shares), high))
    assert weights.min() >= low - 1e-9
    assert weights.max() <= high + 1e-9
    if (wished > 0.01).all():
        assert float(shares @ weights) == pytest.approx(1, abs=1e-6)


def test_wishes_within_the_bounds_are_met_as_they_are():
    weights = bounded(np.array([0.6, 0.4]), np.array([0.5, 0.5]), np.full(2, 0.1), np.full(2, 3.0))
    assert weights == pytest.approx([1.2, 0.8])


def test_a_source_with_one_document_to_measure_on_counts_nothing():
    world = scene([0.5, 0.5])
    measured = Measured(windows([[1], [2], [3]], 2, 9), np.array([0, 0, 1]))
    assert values_in(world, measured).tolist() == [1.0, 0.0]
    assert values_in(world, NOTHING).tolist() == [0.0, 0.0]
