"""The quality model on the curation page: its reliability, its ranking, its cuts."""

import re
from pathlib import Path

import pytest

from pipeline.cards import svg
from pipeline.cards.quality import Cut, Tenth, quality
from pipeline.schema.errors import BadInput
from pipeline.stage.outputs import write_json
from pipeline.stage.records import read_records
from tests.cards import world

FACTS = (Path(__file__).parents[2] / "data/card.yaml").read_text()
METRICS = {"auc": {"general": 0.9, "shuffled": 0.7}, "calibration": {"error": 0.0314, "brier": 0.037}}
TABLE = "predicted,observed,ideal,weight,scores\n0.1,0.0,0.1,0.36,9\n0.9,0.8,0.9,0.64,4\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    world.build(FACTS)


def measured(metrics=METRICS):
    """What quality_model and curate_filter leave, with their records."""
    Path("data/quality_model").mkdir()
    write_json(Path("data/quality_model/metrics.json"), metrics)
    Path("data/quality_model/reliability.csv").write_text(TABLE)
    world.record("quality_model", {"data/curate_extract/documents": "curate_extract"},
                 ["data/quality_model/metrics.json", "data/quality_model/reliability.csv"])
    write_json(Path("data/curate_filter/metrics.json"), {"sources": {
        "inbox": {"documents": 8, "kept": 6, "quality_cut": 0.61, "reasons": {"ok": 6, "quality_bottom": 2}},
        "audit": {"documents": 5, "kept": 5, "quality_cut": None, "reasons": {"ok": 5}}}})
    world.record("curate_filter", {"data/curate_extract/documents": "curate_extract"},
                 [f"data/curate_filter/{name}" for name in ("documents", "ledger", "metrics.json")],
                 {"curate_filter": {"quality_drop": {"default": 0.25, "sources": {"audit": 0}}}})


def read():
    return quality(Path("data"), {stage: record.run for stage, record in read_records(Path("lineage")).items()})


def test_the_numbers_are_those_of_the_two_stages():
    measured()
    found = read()
    assert found.tenths == [Tenth(0.1, 0.0, 0.36, 9), Tenth(0.9, 0.8, 0.64, 4)]
    assert (found.error, found.brier) == (0.0314, 0.037)
    assert found.auc == [("documents of the domain above general text", 0.9),
                         ("documents of the domain above the same documents spoilt: shuffled", 0.7)]
    assert found.cuts == [Cut("audit", 5, 0, None, 0), Cut("inbox", 8, 0.25, 0.61, 2)]


def test_a_run_whose_model_was_not_measured_shows_nothing():
    assert read() is None


def test_numbers_that_are_not_the_recorded_ones_are_refused():
    measured()
    Path("data/quality_model/reliability.csv").write_text(TABLE.replace("0.8", "0.9"))
    with pytest.raises(BadInput, match=r"reliability.csv: is not what its record says"):
        read()


def test_a_missing_number_is_named():
    measured({"auc": {}, "calibration": {"error": 0.1}})
    with pytest.raises(BadInput, match="brier"):
        read()


def test_a_calibrated_model_lies_on_the_diagonal_and_dots_have_the_area_of_their_weight():
    """The plot is 306 x 142 pixels from (44, 166) up."""
    drawn = str(svg.reliability("k", "t", [(0.0, 0.0, 0.25), (0.5, 0.5, 0.25), (1.0, 0.0, 0.5)]))
    assert 'class="ideal" x1="44" y1="166" x2="350" y2="24"' in drawn
    assert 'class="line" points="44,166 197,95 350,166"' in drawn
    assert re.findall(r' r="([\d.]+)"', drawn) == ["6", "6", "7.9"]  # 1.5 + 9 sqrt(weight)
    assert "predicted 0.50, observed 0.50" in drawn
    assert svg.reliability("k", "t", []) == ""
