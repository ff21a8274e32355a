"""Stage `mixture`: a lake to scale, proxies, and weights that `curate_mix` takes."""

import csv
import json
import math

import polars as pl
import pytest

from pipeline.schema.curate_mix import CurateMix
from pipeline.schema.errors import BadInput
from pipeline.schema.mixture import Mixture, Weights
from pipeline.stage.params import load_section
from pipeline.stages.mixture import main
from pipeline.text.splits import HELDOUT, draws
from tests.curation import documents, params, text_of, tree_bytes, written

LAKE = documents([text_of(number) for number in range(60)]).with_columns(
    pl.Series("source", ["policies"] * 40 + ["sops"] * 18 + ["rare"] * 2))
GENERAL = documents([f"General text {number}. " * 8 for number in range(20)], source="own").with_columns(
    pl.Series("split", ["heldout"] * 2 + ["train"] * 18))
PROXY = {"vocab_size": 280, "context": 2, "embedding": 4, "hidden": 4, "batch": 64, "learning_rate": 0.01}
SMALL = {"max_chars": 8000, "general_chars": 500, "validation_chars": 1600, "rounds": 1, "seeds": 2, "passes": 0.5,
         "min_documents": 3, "proxy": PROXY}


def run(tmp_path, name="out", lake=LAKE, general=GENERAL, **changes):
    out = tmp_path / name
    out.mkdir()
    main(written(tmp_path / f"{name}-lake", lake), written(tmp_path / f"{name}-general", general),
         out / "weights.json", out / "candidates.csv", out / "sources.csv", out / "metrics.json",
         params(Mixture, "mixture", **{**SMALL, **changes}))
    return out


def rows(path):
    return list(csv.DictReader(path.read_text().splitlines()))


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    return run(tmp_path_factory.mktemp("mixture"))


def test_weighted_characters_of_every_candidate_within_bounds_add_up_to_the_lake(found):
    by_mixture = {}
    for row in rows(found / "sources.csv"):
        by_mixture.setdefault(row["mixture"], []).append(float(row["share"]))
    assert len(by_mixture) == 4 + 4  # candidates; runs of a 4 x 4 Hadamard matrix for two tuned sources
    assert all(math.isclose(sum(shares), 1, abs_tol=1e-4) for shares in by_mixture.values())


def test_a_source_with_too_few_documents_to_measure_on_keeps_weight_one_in_every_mixture(found):
    assert json.loads((found / "metrics.json").read_text())["not_tuned"] == ["rare"]
    assert {row["weight"] for row in rows(found / "sources.csv") if row["source"] == "rare"} == {"1.0"}


def test_the_weights_are_those_of_the_candidate_named(found):
    weights = Weights.model_validate_json((found / "weights.json").read_bytes())
    table = {row["source"]: float(row["weight"]) for row in rows(found / "sources.csv")
             if row["mixture"] == weights.chosen}
    assert weights.weights == pytest.approx(table)


def test_the_unweighted_mix_differs_from_itself_by_nothing(found):
    own = next(row for row in rows(found / "candidates.csv") if row["candidate"] == "proportional")
    assert [float(own[name]) for name in ("validation_change", "validation_low", "validation_high")] == [0, 0, 0]


def test_same_inputs_same_bytes_in_any_order_of_arrival(found, tmp_path):
    assert tree_bytes(found) == tree_bytes(run(tmp_path, "out", LAKE[::-1], GENERAL[::-1]))


def test_text_that_is_held_out_decides_nothing(found, tmp_path):
    mix = load_section(CurateMix, "curate_mix")
    held = pl.Series([draw < mix.heldout_share for draw in draws(LAKE["doc_id"], mix.seed, HELDOUT)])
    assert held.sum() >= 4
    changed = LAKE.with_columns(pl.when(held).then(pl.lit("Other words. " * 40)).otherwise("text").alias("text"))
    again = run(tmp_path, "out", changed)
    assert (again / "weights.json").read_bytes() == (found / "weights.json").read_bytes()
    assert (again / "sources.csv").read_bytes() == (found / "sources.csv").read_bytes()
    assert (again / "candidates.csv").read_bytes() != (found / "candidates.csv").read_bytes()


def test_one_source_has_nothing_to_be_weighed_against(tmp_path):
    out = run(tmp_path, lake=LAKE.with_columns(pl.lit("policies").alias("source")))
    assert json.loads((out / "weights.json").read_text()) == {"chosen": "proportional", "weights": {"policies": 1.0}}


def test_a_target_that_cannot_be_measured_leaves_the_mix_unweighted(tmp_path):
    out = run(tmp_path, target={"rare": 1.0})
    assert set(json.loads((out / "weights.json").read_text())["weights"].values()) == {1.0}
    assert [row["validation_perplexity"] for row in rows(out / "candidates.csv")] == [""]


def test_a_lake_that_is_wholly_held_out_is_a_sentence_and_leaves_nothing(tmp_path):
    mix = load_section(CurateMix, "curate_mix")
    held = [draw < mix.heldout_share for draw in draws(LAKE["doc_id"], mix.seed, HELDOUT)]
    with pytest.raises(BadInput, match="holds no document to train on"):
        run(tmp_path, lake=LAKE.filter(pl.Series(held)))
    assert list((tmp_path / "out").iterdir()) == []


def test_a_target_that_names_a_source_unknown_to_the_lake_is_refused_with_those_it_has(tmp_path):
    with pytest.raises(BadInput, match="wanted policies, rare, sops, got policy"):
        run(tmp_path, target={"policy": 1.0})


def test_a_target_of_one_source_raises_its_weight_among_the_candidates(tmp_path):
    out = run(tmp_path, target={"sops": 1.0}, passes=1.0)
    rounds = {row["source"]: float(row["weight"]) for row in rows(out / "sources.csv") if row["mixture"] == "round_1"}
    assert rounds["sops"] > 1 > rounds["policies"]


@pytest.mark.parametrize("target", [{"policies": 0.0}, {"policies": -1.0, "sops": 2.0}, "largest"])
def test_a_target_that_counts_nothing_is_refused(target):
    with pytest.raises(ValueError, match="target"):
        params(Mixture, "mixture", target=target)
