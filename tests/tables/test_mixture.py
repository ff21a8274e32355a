"""Shares and weights of the training mixture."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.tables.mixture import source_weights, within_chars


def table(chars):
    return pl.DataFrame({"source": list(chars), "chars": list(chars.values())})


def test_a_small_source_is_raised_to_the_floor_worked_by_hand():
    # a has 10 of 100 characters, the floor is .2: weight 2 against 1, so 20 + 90 = 110, scaled by 100 / 110
    weights = source_weights(table({"a": 10, "b": 90}), {}, min_share=0.2, max_weight=3.0)
    assert weights == {"a": pytest.approx(2 / 1.1, abs=1e-6), "b": pytest.approx(1 / 1.1, abs=1e-6)}


def test_nothing_named_and_no_floor_is_an_even_mix():
    assert source_weights(table({"a": 10, "b": 90}), {}, 0.0, 3.0) == {"a": 1.0, "b": 1.0}


@settings(max_examples=20, deadline=None)
@given(st.dictionaries(st.sampled_from("abcde"), st.integers(1, 500), min_size=1), st.floats(0, 0.5), st.floats(1, 5))
def test_weighted_characters_add_up_to_the_unweighted_ones(chars, floor, most):
    weights = source_weights(table(chars), {"a": 2.0}, floor, most)
    weighted = sum(weights[source] * count for source, count in chars.items())
    assert weighted == pytest.approx(sum(chars.values()), rel=1e-4)


def test_the_budget_is_filled_in_order_of_draw_and_passes_over_what_does_not_fit():
    documents = pl.DataFrame({"doc_id": ["a", "b", "c"], "chars": [5, 9, 4], "draw": [0.3, 0.5, 0.9]})
    assert within_chars(documents, 10)["doc_id"].to_list() == ["a", "c"]
