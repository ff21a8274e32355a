"""Stage `curate_mix`."""

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


def run(tmp_path, name="out", domain=DOMAIN, general=GENERAL, **changes):
    out, ledger = tmp_path / name, tmp_path / f"{name}-ledger"
    main(written(tmp_path / f"{name}-domain", domain), written(tmp_path / f"{name}-general", general), out, ledger,
         params(CurateMix, "curate_mix", **changes))
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


def test_a_small_source_is_drawn_more_often(tmp_path):
    sources = pl.Series("source", ["rare"] * 3 + ["policies"] * 37)
    out, _ = run(tmp_path, domain=DOMAIN.with_columns(sources), heldout_share=0.05, min_source_share=0.2)
    weights = dict(read_table(out).filter((pl.col("split") == "train") & (pl.col("origin") == "domain"))
                   .group_by("source").agg(pl.col("weight").first()).iter_rows())
    assert weights["rare"] > 2 > 1 > weights["policies"]


def test_same_inputs_same_bytes(tmp_path):
    assert tree_bytes(*run(tmp_path, "one")) == tree_bytes(*run(tmp_path, "two", DOMAIN[::-1], GENERAL[::-1]))


def test_too_little_general_text_stops_the_run_and_leaves_nothing(tmp_path):
    with pytest.raises(BadInput, match="not enough for the replay share"):
        run(tmp_path, general=GENERAL[:11])
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "out-ledger").exists()
