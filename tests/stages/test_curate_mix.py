"""Stage `curate_mix`."""

import json

import polars as pl
import pytest

from pipeline.schema.curate_mix import CurateMix
from pipeline.schema.errors import BadInput
from pipeline.stages.curate_mix import main
from pipeline.tables.parquet import read_table
from tests.curation import documents, params, reasons, text_of, tree_bytes, written

DOMAIN = documents([text_of(number) for number in range(40)])
GENERAL = documents([f"General text {number}. " * 8 for number in range(100)], source="own").with_columns(
    pl.Series("split", ["heldout"] * 10 + ["train"] * 90))


def run(tmp_path, name="out", domain=DOMAIN, general=GENERAL, tuned=None, **changes):
    out, ledger, weights = tmp_path / name, tmp_path / f"{name}-ledger", tmp_path / f"{name}-weights.json"
    weights.write_text(json.dumps({"chosen": "round_1", "weights": tuned or {"policies": 1.0}}))
    main(written(tmp_path / f"{name}-domain", domain), written(tmp_path / f"{name}-general", general), weights, out,
         ledger, params(CurateMix, "curate_mix", **changes))
    return out, ledger


def chars(table):
    return table["text"].str.len_chars().sum()


def test_replay_has_its_share_of_what_is_trained_on_and_comes_from_the_train_split(tmp_path):
    table = read_table(run(tmp_path)[0])
    trained = table.filter(pl.col("split") == "train")
    replay = trained.filter(pl.col("origin") == "replay")
    assert 0.09 < chars(replay) / chars(trained) <= 0.10
    assert set(replay["doc_id"]) <= set(GENERAL.filter(pl.col("split") == "train")["doc_id"])


def test_heldout_documents_are_never_drawn_and_are_about_their_share(tmp_path):
    out, ledger = run(tmp_path, heldout_share=0.25)
    table = read_table(out)
    heldout = table.filter(pl.col("split") == "heldout")
    assert set(heldout["weight"]) == {0.0}
    assert set(heldout["origin"]) == {"domain"}
    # 40 draws with chance 1/4: standard deviation 2.7
    assert abs(heldout.height - 10) <= 3 * 2.7
    assert {key for key, reason in reasons(read_table(ledger)).items() if reason == "heldout"} == set(heldout["doc_id"])


def test_a_document_keeps_its_split_when_others_come_and_go(tmp_path):
    few = read_table(run(tmp_path, "few", DOMAIN[:30])[0])
    many = read_table(run(tmp_path, "many")[0])
    both = few.filter(pl.col("origin") == "domain").join(many, on="doc_id")
    assert both.height == 30
    assert both["split"].to_list() == both["split_right"].to_list()


def test_a_budget_leaves_documents_out_and_says_so(tmp_path):
    budget = chars(DOMAIN) // 3
    out, ledger = run(tmp_path, max_train_chars=budget)
    trained = read_table(out).filter((pl.col("origin") == "domain") & (pl.col("split") == "train"))
    assert 0.9 * budget < chars(trained) <= budget
    assert "over_budget" in reasons(read_table(ledger)).values()


@pytest.mark.parametrize("share", [0.1, 0.4])
def test_a_budget_bounds_the_held_out_documents_too(tmp_path, share):
    budget = chars(DOMAIN) // 4
    out, ledger = run(tmp_path, max_train_chars=budget, heldout_share=share)
    held = read_table(out).filter(pl.col("split") == "heldout")
    all_held = read_table(run(tmp_path, "free", heldout_share=share)[0]).filter(pl.col("split") == "heldout")
    assert 0 < chars(held) <= budget * share / (1 - share) < chars(all_held)
    left_out = set(all_held["doc_id"]) - set(held["doc_id"])
    assert {reasons(read_table(ledger))[doc_id] for doc_id in left_out} == {"over_budget"}
    # what was left out of the measuring is not trained on either
    assert not left_out & set(read_table(out)["doc_id"])


def weights_of(out):
    return dict(read_table(out).filter((pl.col("split") == "train") & (pl.col("origin") == "domain"))
                .group_by("source").agg(pl.col("weight").first()).iter_rows())


RARE = DOMAIN.with_columns(pl.Series("source", ["rare"] * 3 + ["policies"] * 37))


def test_a_small_source_is_drawn_more_often(tmp_path):
    weights = weights_of(run(tmp_path, domain=RARE, heldout_share=0.05, min_source_share=0.2)[0])
    assert weights["rare"] > 2 > 1 > weights["policies"]


def test_tuned_weights_are_taken_as_the_search_found_them_and_no_floor_raises_them(tmp_path):
    found = {"policies": 1.0, "rare": 0.5}
    weights = weights_of(run(tmp_path, domain=RARE, tuned=found, heldout_share=0.05, min_source_share=0.2,
                             source_weights="tuned")[0])
    assert weights["rare"] / weights["policies"] == pytest.approx(0.5, abs=1e-5)


def test_tuned_weights_are_bounded_by_the_search_and_not_again(tmp_path):
    found = {"policies": 0.8, "rare": 8.0}
    tuned, given = (weights_of(run(tmp_path, name, domain=RARE, tuned=found, heldout_share=0.05, max_weight=2.0,
                                   min_source_share=0.0, source_weights=weights)[0])
                    for name, weights in (("tuned", "tuned"), ("given", found)))
    assert tuned["rare"] / tuned["policies"] == pytest.approx(10, abs=1e-4)
    assert given["rare"] / given["policies"] == pytest.approx(2.5, abs=1e-4)


def test_tuned_weights_are_not_looked_at_unless_asked_for(tmp_path):
    one, two = (run(tmp_path, name, tuned={"policies": value}) for name, value in (("one", 1.0), ("two", 2.0)))
    assert tree_bytes(*one) == tree_bytes(*two)


def test_tuned_weights_of_other_sources_stop_the_run(tmp_path):
    with pytest.raises(BadInput, match="sources are not those of the documents, got hr, policies, rare"):
        run(tmp_path, domain=RARE, tuned={"hr": 1.0}, heldout_share=0.05, source_weights="tuned")
    assert not (tmp_path / "out").exists()


def test_weights_that_are_no_numbers_are_refused_with_the_words_allowed():
    with pytest.raises(ValueError, match="tuned"):
        params(CurateMix, "curate_mix", source_weights="tune")


def test_same_inputs_same_bytes(tmp_path):
    assert tree_bytes(*run(tmp_path, "one")) == tree_bytes(*run(tmp_path, "two", DOMAIN[::-1], GENERAL[::-1]))


def test_too_little_general_text_stops_the_run_and_leaves_nothing(tmp_path):
    with pytest.raises(BadInput, match="not enough for the replay share"):
        run(tmp_path, general=GENERAL[:11])
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "out-ledger").exists()


def test_a_weight_for_a_source_without_documents_is_said(tmp_path, capsys):
    run(tmp_path, source_weights={"polices": 2.0})
    assert "`curate_mix.source_weights` names polices: no document of that source" in capsys.readouterr().err
