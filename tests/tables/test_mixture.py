"""Shares and weights of the training mixture."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.tables.mixture import cut, marked, scale_model, source_weights, train_shares, within_chars


def table(chars):
    return pl.DataFrame({"source": list(chars), "chars": list(chars.values())})


def test_a_small_source_is_raised_to_the_floor_worked_by_hand():
    # a has 10 of 100 characters, the floor is .2: weight 2 against 1, so 20 + 90 = 110, scaled by 100 / 110
    weights = source_weights(table({"a": 10, "b": 90}), {}, min_share=0.2, max_weight=3.0)
    assert weights == {"a": pytest.approx(2 / 1.1, abs=1e-6), "b": pytest.approx(1 / 1.1, abs=1e-6)}


def test_nothing_named_and_no_floor_is_an_even_mix():
    assert source_weights(table({"a": 10, "b": 90}), {}, 0.0, 3.0) == {"a": 1.0, "b": 1.0}


@settings(max_examples=20)
@given(st.dictionaries(st.sampled_from("abcde"), st.integers(1, 500), min_size=1), st.floats(0, 0.5), st.floats(1, 5))
def test_weighted_characters_add_up_to_the_unweighted_ones(chars, floor, most):
    weights = source_weights(table(chars), {"a": 2.0}, floor, most)
    weighted = sum(weights[source] * count for source, count in chars.items())
    assert weighted == pytest.approx(sum(chars.values()), rel=1e-4)


def test_the_budget_is_filled_in_order_of_draw_and_passes_over_what_does_not_fit():
    documents = pl.DataFrame({"doc_id": ["a", "b", "c"], "chars": [5, 9, 4], "draw": [0.3, 0.5, 0.9]})
    assert within_chars(documents, 10)["doc_id"].to_list() == ["a", "c"]


def lake(counts, chars=100):
    rows = [(f"{source}{number}", source, chars) for source, count in counts.items() for number in range(count)]
    table = pl.DataFrame(rows, schema=["doc_id", "source", "chars"], orient="row")
    order = [number / table.height for number in range(table.height)]
    # every fifth document of a source is held out
    return marked(table, [0.0 if int(name[1:]) % 5 == 4 else 1.0 for name in table["doc_id"]], order, 0.5)


def taken(parts, part):
    return dict(parts.filter(part=part).group_by("source").agg(pl.col("take").sum()).iter_rows())


def test_each_source_keeps_its_share_of_a_smaller_lake():
    parts = scale_model(lake({"a": 100, "b": 50}), 1500, 0.2, 300, 3)
    assert taken(parts, "train") == {"a": 1000, "b": 500}
    assert train_shares(lake({"a": 100, "b": 50})) == {"a": pytest.approx(2 / 3), "b": pytest.approx(1 / 3)}


def test_parts_do_not_overlap_and_what_is_held_out_is_never_trained_on():
    documents = lake({"a": 100, "b": 50})
    parts = scale_model(documents, 10**9, 0.2, 10**9, 3)
    assert not parts["doc_id"].is_duplicated().any()
    held = set(documents.filter("heldout")["doc_id"])
    assert set(parts.filter(part="heldout")["doc_id"]) == held
    assert set(parts["doc_id"]) == set(documents["doc_id"])


def test_several_documents_of_a_source_are_measured_on_within_its_budget():
    parts = scale_model(lake({"a": 100}, chars=5000), 10**6, 0.2, 400, 3)
    assert parts.filter(part="validation")["take"].to_list() == [100] * 4


def test_a_source_too_small_to_spare_documents_is_not_measured_on():
    parts = scale_model(lake({"a": 100, "b": 6}), 10**9, 0.2, 1000, 3)  # b: 5 to train on, 3 would be more than half
    assert set(taken(parts, "validation")) == {"a"}
    assert taken(parts, "train")["b"] == 500


def test_a_source_wholly_held_out_is_not_weighed():
    documents = lake({"a": 10}).with_columns(pl.lit(True).alias("heldout"))
    assert scale_model(documents, 100, 0.2, 100, 3).height == 0
    assert train_shares(documents) == {}


def test_texts_are_cut_to_what_was_taken():
    parts = scale_model(lake({"a": 4}, chars=10), 15, 0.2, 100, 3)
    texts = cut(parts, pl.DataFrame({"doc_id": parts["doc_id"], "text": ["0123456789"] * parts.height}))
    assert sorted(texts["text"].str.len_chars()) == sorted(parts["take"])
    assert sum(parts["take"]) == 15
