"""A mixture is proposed only when documents and seeds agree that it is better."""

import math

import numpy as np
import pytest

from pipeline.evals.mixtures import candidate_rows, mean_loss, source_rows, verdict, versus
from pipeline.train.mixture_search import Measured, Scene, Tried
from pipeline.train.proxies import windows

TOKENS = 10
MEASURED = Measured(windows([[1] * TOKENS] * 8, 2, 9), np.array([0] * 4 + [1] * 4))
SCENE = Scene(["a", "b"], np.array([0.8, 0.2]), np.array([True, True]), np.array([0.5, 0.5]), MEASURED.text, [],
              MEASURED, MEASURED, {})
BASE = np.array([[20.0, 21, 22, 23, 30, 31, 32, 33], [20.1, 21.1, 22.1, 23.1, 30.1, 31.1, 32.1, 33.1]])


def tried(name, gains, weights=(1.0, 1.0)):
    nats = BASE - np.asarray(gains, float)
    return Tried(name, np.array(weights), nats, nats)


REFERENCE = tried("proportional", np.zeros(8))
STEADY_GAINS = np.array([1.0, 1.1, 0.9, 1.0, 1.0, 1.1, 0.9, 1.0])
STEADY = tried("round_1", STEADY_GAINS, (0.9, 1.4))
WILD = tried("round_2", [9.0, -6, 8, -5, 9, -6, 8, -5], (0.8, 1.8))


def test_the_mean_counts_sources_as_the_target_says_worked_by_hand():
    # a: 86 nats, b: 126 nats over 40 tokens each; half of each, and 0.01 more with the second seed
    assert mean_loss(SCENE, MEASURED, BASE) == pytest.approx((86 + 126) / 80 + 0.005)
    assert math.isclose(versus(SCENE, MEASURED, BASE, STEADY.nats).value, -0.1)


def test_a_steady_gain_is_chosen_and_a_larger_one_by_luck_is_not():
    found = verdict(SCENE, [REFERENCE, STEADY, WILD], 0.95, 0.03)
    assert found.best.name == "round_2"  # mean gain 1.5 nats against 1.0
    assert found.chosen.name == "round_1"


def test_without_confidence_the_unweighted_mix_stays():
    assert verdict(SCENE, [REFERENCE, WILD], 0.95, 0.03).chosen.name == "proportional"


def test_a_mixture_out_of_bounds_is_shown_and_never_proposed():
    found = verdict(SCENE, [REFERENCE, tried("even", np.full(8, 2.0))], 0.95, 0.03)
    assert (found.best.name, found.chosen.name) == ("proportional", "proportional")


@pytest.mark.parametrize(("gain", "chosen"), [(1.01, "even_bounded"), (2.0, "round_1")])
def test_a_searched_mixture_must_gain_more_on_the_better_plain_mix_than_the_least_that_carries_over(gain, chosen):
    # nats of ten tokens: 0.1 less for the even mix, 0.101 or 0.2 for the searched one, steady over documents and seeds
    even, searched = tried("even_bounded", STEADY_GAINS), tried("round_1", gain * STEADY_GAINS)
    assert verdict(SCENE, [REFERENCE, even, searched], 0.95, 0.03).chosen.name == chosen
    assert verdict(SCENE, [REFERENCE, even, searched], 0.95, 0.03).best.name == "round_1"


def test_luck_of_the_draw_widens_the_interval():
    seeds_disagree = np.stack([STEADY.nats[0] - 2, STEADY.nats[1] + 2])
    narrow, wide = (versus(SCENE, MEASURED, BASE, nats) for nats in (STEADY.nats, seeds_disagree))
    assert wide.value == pytest.approx(narrow.value)
    assert wide.error > 5 * narrow.error


def test_the_table_has_the_best_first_and_an_interval_without_end_is_empty():
    alone = SCENE._replace(heldout=Measured(windows([], 2, 9), np.empty(0, np.int64)))
    nothing = np.empty((2, 0))
    table = candidate_rows(alone, [REFERENCE._replace(heldout=nothing), STEADY._replace(heldout=nothing)], 0.95)
    assert [row["candidate"] for row in table] == ["round_1", "proportional"]
    assert table[0]["validation_high"] < 0
    assert table[0]["heldout_perplexity"] is None
    shares = [row["share"] for row in source_rows(SCENE, [STEADY])]
    assert shares == pytest.approx([0.72, 0.28])
