"""Stage pack: only the train split, by weight, one origin a row."""

from pathlib import Path

import polars as pl
import pytest

from pipeline.schema.errors import BadInput
from pipeline.schema.pack import Pack
from pipeline.stage.hashing import hash_artefact
from pipeline.stages.pack import main
from pipeline.tables.parquet import read_table
from tests import tiny

PARAMS = Pack(row_tokens=64, seed=3)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return tiny.write_base(tmp_path / "base")


def test_weights_decide_how_often_and_the_held_out_stay_out(base, tmp_path):
    twice = tiny.documents(tiny.TEXTS[:4]).with_columns(weight=pl.lit(2.0))
    never = tiny.documents(tiny.TEXTS[4:8]).with_columns(weight=pl.lit(0.0))
    replay = tiny.documents(tiny.TEXTS[8:12]).with_columns(origin=pl.lit("replay"))
    table = pl.concat([twice, never, replay])
    main(tiny.write_documents(tmp_path / "docs", table), base, tmp_path / "rows", PARAMS)
    rows = read_table(tmp_path / "rows")
    starts = rows.explode("doc_ids").group_by("doc_ids", "origin").len()
    train = table.filter(pl.col("split") == "train")
    assert set(starts["doc_ids"]) == set(train.filter(pl.col("weight") > 0)["doc_id"])
    long = {doc_id: len(text) > 400 for doc_id, text in train.select("doc_id", "text").rows()}
    assert all(count >= (2 if origin == "domain" else 1) or long[doc_id]
               for doc_id, origin, count in starts.rows())


def test_same_inputs_same_bytes(base, tmp_path):
    docs = tiny.write_documents(tmp_path / "docs", tiny.documents())
    for name in ("one", "two"):
        main(docs, base, tmp_path / name, PARAMS)
    assert hash_artefact(tmp_path / "one").entries == hash_artefact(tmp_path / "two").entries


def test_a_row_longer_than_the_bases_context_is_refused_and_leaves_nothing(base, tmp_path):
    docs = tiny.write_documents(tmp_path / "docs", tiny.documents())
    with pytest.raises(BadInput, match="longer than the base's context"):
        main(docs, base, tmp_path / "rows", Pack(row_tokens=128, seed=3))
    assert not (tmp_path / "rows").exists()


def test_a_mix_with_no_train_document_is_refused(base, tmp_path):
    docs = tiny.write_documents(tmp_path / "docs", tiny.documents(split="heldout"))
    with pytest.raises(BadInput, match="no document is in the train split"):
        main(docs, base, tmp_path / "rows", PARAMS)
