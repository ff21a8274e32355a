"""The rule that moves weights, on losses whose lowest point is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.schema.mixture import Mixture
from pipeline.train.mixture_search import (
    MAX_LEAP,
    Measured,
    Scene,
    Tried,
    bounded,
    bounds_of,
    next_shares,
    normalised,
    pattern,
    start_of,
    values_in,
    without_search,
)
from pipeline.train.proxies import windows
from tests.curation import params

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


@settings(max_examples=60)
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


def test_the_highest_weight_is_what_the_passes_over_a_source_leave_room_for():
    given = params(Mixture, "mixture", passes=1.5, max_passes=12.0, min_weight=0.2)
    low, high = bounds_of(scene([0.7, 0.2, 0.1], [True, True, False]), given)
    assert low.tolist() == [0.2, 0.2, 1.0]
    assert high.tolist() == [8.0, 8.0, 1.0]


def test_fewer_passes_than_an_unweighted_mix_makes_are_refused():
    with pytest.raises(ValueError, match="max_passes"):
        params(Mixture, "mixture", passes=3.0, max_passes=2.0)


def test_the_mixtures_that_need_no_search_worked_by_hand():
    # thirds are wanted of 0.8, 0.15, 0.05: the last source may double only, the others share the rest alike
    found = without_search(scene([0.8, 0.15, 0.05]), np.full(3, 0.1), np.array([9.0, 9.0, 2.0]))
    assert found["proportional"].tolist() == [1, 1, 1]
    assert found["even"] * [0.8, 0.15, 0.05] == pytest.approx([1 / 3] * 3)
    assert found["even_bounded"] * [0.8, 0.15, 0.05] == pytest.approx([0.45, 0.45, 0.1])


def test_the_search_begins_at_the_better_mix_that_keeps_the_bounds():
    measured = Measured(windows([[1]] * 4, 2, 9), np.array([0, 0, 1, 1]))
    world = scene([0.8, 0.2])._replace(validation=measured)

    def tried(name, weight, nats):
        return Tried(name, np.full(2, weight), np.full((2, 4), nats), np.empty((2, 0)))

    known = [tried("proportional", 1.0, 3.0), tried("even", 9.0, 1.0), tried("even_bounded", 5.0, 2.0)]
    assert start_of(world, known).tolist() == [5.0, 5.0]
    assert start_of(world, [known[0]._replace(nats=np.full((2, 4), 1.9)), *known[1:]]).tolist() == [1.0, 1.0]


def test_a_source_with_one_document_to_measure_on_counts_nothing():
    world = scene([0.5, 0.5])
    measured = Measured(windows([[1], [2], [3]], 2, 9), np.array([0, 0, 1]))
    assert values_in(world, measured).tolist() == [1.0, 0.0]
    assert values_in(world, NOTHING).tolist() == [0.0, 0.0]
