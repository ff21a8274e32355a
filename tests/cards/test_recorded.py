"""What a page shows is what the record says."""

from pathlib import Path

import polars as pl
import pytest

from pipeline.cards.recorded import has_product
from pipeline.cards.run_facts import curation
from pipeline.schema.errors import BadInput
from pipeline.stage.hashing import hash_artefact
from pipeline.stage.records import read_records
from tests.cards import world

FACTS = (Path(__file__).parents[2] / "data/card.yaml").read_text()
LEDGER = Path("data/curate_filter/ledger")


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    world.build(FACTS)
    return {stage: record.run for stage, record in read_records(Path("lineage")).items()}


def test_a_changed_ledger_is_refused_with_both_digests(runs):
    (part,) = LEDGER.iterdir()
    recorded = hash_artefact(LEDGER).digest
    pl.read_parquet(part).with_columns(reason=pl.lit("ok")).write_parquet(part)
    with pytest.raises(BadInput, match="is not what its record says") as caught:
        curation(Path("data"), runs)
    error = caught.value
    assert (error.where, error.wanted, error.got) == (
        str(LEDGER), f"sha256 {recorded}", hash_artefact(LEDGER).digest)


def test_what_no_stage_made_or_is_not_here_is_no_product(runs):
    assert has_product(LEDGER, runs)
    assert not has_product(Path("params.yaml"), runs)
    for part in LEDGER.iterdir():
        part.unlink()
    LEDGER.rmdir()
    assert not has_product(LEDGER, runs)
    assert [entry.stage for entry in curation(Path("data"), runs)] == [
        stage for stage in world.CURATION if stage != "curate_filter"]
