"""Stage data_card: what the cards say is what the tables and the lineage hold, and other tools can read it."""

import json
import traceback
from pathlib import Path

import mlcroissant
import polars as pl
import pytest

from pipeline.cards.card import read_facts
from pipeline.cards.croissant import croissant
from pipeline.cards.data_card import readme
from pipeline.cards.dataset import counts, describe
from pipeline.schema.data_card import DataCard
from pipeline.schema.errors import BadInput, NotVerified
from pipeline.stage.hashing import file_sha256
from pipeline.stage.records import read_records
from pipeline.stages.data_card import main
from pipeline.tables.parquet import read_table
from tests.cards import world

FACTS = (Path(__file__).parents[2] / "data/card.yaml").read_text()
TABLE = "data/curate_mix/documents"
PARAMS = DataCard(datasets={"corpus": TABLE, "filtered": "data/curate_filter/documents"})


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    world.build(FACTS)


def written(params=PARAMS, out="data/data_card"):
    main(Path("lineage"), Path("data/card.yaml"), Path(out), params)
    return {name: (json.loads(Path(out, name, "croissant.json").read_text()), Path(out, name, "README.md").read_text())
            for name in params.datasets}


def described(name="corpus", table=TABLE):
    runs = {stage: record.run for stage, record in read_records(Path("lineage")).items()}
    return describe(name, table, Path("lineage"), runs)


@pytest.mark.usefixtures("run")
def test_every_part_is_listed_with_the_sha256_that_its_bytes_have():
    card, _ = written()["corpus"]
    for part in card["distribution"]:
        assert file_sha256(Path("data/data_card/corpus", part["contentUrl"])) == part["sha256"]


@pytest.mark.usefixtures("run")
def test_each_step_upstream_adds_up_and_ends_with_the_rows_of_the_table():
    dataset = described()
    assert [step.stage for step in dataset.steps] == list(world.CURATION)
    for step in dataset.steps:
        assert sum(count for _, _, count in step.reasons) == step.records_in
    assert dataset.steps[-1].kept == dataset.rows == read_table(Path(TABLE)).height


@pytest.mark.usefixtures("run")
def test_a_card_of_an_earlier_table_knows_nothing_of_later_steps():
    assert [step.stage for step in described("filtered", "data/curate_filter/documents").steps] == [
        "curate_extract", "curate_filter"]


@pytest.mark.usefixtures("run")
def test_a_changed_table_gets_no_card_and_nothing_is_written():
    part = next(Path(TABLE).glob("*.parquet"))
    part.write_bytes(part.read_bytes() + b" ")
    with pytest.raises(NotVerified, match="curate_mix"):
        written()
    assert not Path("data/data_card").exists()


@pytest.mark.usefixtures("run")
def test_a_changed_ledger_upstream_gets_no_card():
    part = next(Path("data/curate_filter/ledger").glob("*.parquet"))
    part.write_bytes(part.read_bytes() + b" ")
    with pytest.raises(NotVerified, match="curate_filter/ledger"):
        written()


@pytest.mark.usefixtures("run")
def test_a_table_that_no_stage_made_is_refused():
    with pytest.raises((BadInput, NotVerified), match="data/nowhere"):
        written(DataCard(datasets={"x": "data/nowhere"}))


@pytest.mark.usefixtures("run")
def test_a_dataset_nobody_describes_says_so_instead_of_guessing():
    _, text = written(DataCard(datasets={"nameless": TABLE}))["nameless"]
    assert "NOT PROVIDED" in text
    assert "NOT PROVIDED" not in written()["corpus"][1]


@pytest.mark.usefixtures("run")
def test_a_card_holds_no_text_of_a_document_and_no_identifier():
    dataset = described()
    text = readme(dataset, read_facts(Path("data/card.yaml")), "m") + json.dumps(
        croissant(dataset, read_facts(Path("data/card.yaml"))))
    assert not any(doc_id in text for doc_id in read_table(Path(TABLE))["doc_id"])


@pytest.mark.usefixtures("run")
def test_same_inputs_same_bytes():
    assert written() == written(out="data/again")


def test_hostile_values_of_a_column_are_escaped(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    world.build(FACTS, hostile="<script>|`")
    _, text = written()["corpus"]
    assert "<script>" not in text


def test_a_column_with_too_many_values_holds_no_kinds_and_is_not_listed():
    table = pl.DataFrame({"source": [str(number) for number in range(100)], "split": ["train", None] * 50})
    assert counts(table) == {"split": {"train": 50, "unknown": 50}}


@pytest.mark.usefixtures("run")
def test_mlcroissant_accepts_the_card_and_reads_the_rows_back():
    written()
    dataset = mlcroissant.Dataset("data/data_card/corpus/croissant.json")
    assert not dataset.metadata.ctx.issues.errors
    rows = list(dataset.records("rows"))
    assert sorted(row["rows/doc_id"].decode() for row in rows) == sorted(read_table(Path(TABLE))["doc_id"])


@pytest.mark.usefixtures("run")
def test_mlcroissant_refuses_a_part_that_was_changed_after_the_card():
    written()
    part = next(Path(TABLE).glob("*.parquet"))
    part.write_bytes(part.read_bytes() + b" ")
    with pytest.raises(mlcroissant.GenerationError) as caught:
        list(mlcroissant.Dataset("data/data_card/corpus/croissant.json").records("rows"))
    assert "(base64)" in "".join(traceback.format_exception(caught.value))
