"""Reliability bins, calibration error, Brier score, AUC."""

import pytest

from pipeline.text.calibration import brier, calibration_error, rank_auc, reliability_bins


def test_bins_worked_by_hand():
    # positives .95 .95 .15, negatives .15: classes weigh one half each, so a positive weighs 1/6
    low, high = reliability_bins([0.95, 0.95, 0.15], [0.15])
    assert (low.low, low.predicted, low.observed, low.weight, low.scores) == (0.1, 0.15, 0.25, 0.6667, 2)
    assert (high.low, high.predicted, high.observed, high.weight, high.scores) == (0.9, 0.95, 1.0, 0.3333, 2)
    assert calibration_error([low, high]) == pytest.approx(0.6667 * 0.1 + 0.3333 * 0.05, abs=1e-4)


def test_a_perfect_model_has_no_error_and_a_constant_half_has_a_quarter():
    assert calibration_error(reliability_bins([1.0] * 3, [0.0])) == 0
    assert brier([1.0] * 3, [0.0]) == 0
    assert brier([0.5] * 3, [0.5]) == 0.25
    assert calibration_error(reliability_bins([0.5] * 3, [0.5])) == 0


def test_more_of_one_class_changes_nothing():
    assert reliability_bins([0.9] * 10, [0.2])[1][:4] == reliability_bins([0.9], [0.2])[1][:4]


def test_one_class_alone_is_refused():
    with pytest.raises(ValueError, match="both classes"):
        reliability_bins([0.5], [])


def test_auc_worked_by_hand():
    # of the 6 pairs (.9 .5 .1) x (.5 .2): 3 above, 1 tie, 2 below
    assert rank_auc([0.9, 0.5, 0.1], [0.5, 0.2]) == (3 + 0.5) / 6
