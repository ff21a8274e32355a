"""Ledger rows and the two tables of a curation stage."""

import polars as pl
import pytest

from pipeline.schema.decided import Decided
from pipeline.schema.documents import DOCUMENTS
from pipeline.schema.errors import BrokenContract
from pipeline.schema.ledger import LEDGER
from pipeline.tables.curated import reason_counts, write_curated
from pipeline.tables.ledger import ledger_table

INPUTS = pl.DataFrame([{**dict.fromkeys(DOCUMENTS, ""), "doc_id": key, "source": "s"} for key in "abc"],
                      schema_overrides=DOCUMENTS)
DECIDED = [Decided("keep", "ok"), Decided("drop", "quality", 0.2), Decided("merge", "near_duplicate", 0.9, "", "a")]


def test_decisions_stand_beside_their_inputs():
    table = ledger_table(INPUTS, DECIDED)
    assert dict(table.schema) == LEDGER
    assert table["input_id"].to_list() == ["a", "b", "c"]
    assert reason_counts(table) == {"near_duplicate": 1, "ok": 1, "quality": 1}


def test_a_decision_too_few_is_refused():
    with pytest.raises(pl.exceptions.ShapeError):
        ledger_table(INPUTS, DECIDED[:2])


def test_a_lost_document_leaves_neither_table(tmp_path):
    with pytest.raises(BrokenContract, match="survivors are not the documents written"):
        write_curated("x", INPUTS, INPUTS[:0], ledger_table(INPUTS, DECIDED), tmp_path / "out", tmp_path / "ledger")
    assert list(tmp_path.iterdir()) == []
