import polars as pl
import pytest

from pipeline.extract.isolated import Answer
from pipeline.extract.merge import check_extraction, merged
from pipeline.extract.shard import EXTRACTED, judged
from pipeline.schema.errors import BrokenContract
from pipeline.schema.ledger import LEDGER

RIGHTS = {"licence": "CC0-1.0", "rights_basis": "own", "cleared_for_training": True, "published": None, "source": "s",
          "sha256": "0" * 64, "mime": "text/plain"}


def record(doc_id, locator=""):
    return {"doc_id": doc_id, "text": "some words", "title": None, "published": None, "locator": locator,
            "language": None}


def world(**files):
    """Tables for files by name: a list of (doc_id, locator)."""
    documents, ledger = [], []
    for path, records in files.items():
        found, rows = judged({"path": path, **RIGHTS}, Answer([record(*item) for item in records], "", ""))
        documents += found
        ledger += rows
    listed = pl.DataFrame({"path": list(files), "source": ["s"] * len(files)})
    return listed, pl.DataFrame(documents, schema=EXTRACTED), pl.DataFrame(ledger, schema=LEDGER)


def test_of_equal_bytes_the_smallest_path_survives_and_the_other_says_so():
    listed, documents, ledger = world(b=[("one", "")], a=[("one", "")], c=[("two", "")])
    kept, decided = merged(documents, ledger)
    assert sorted(kept["path"]) == ["a", "c"]
    row = decided.filter(input_id="b").row(0, named=True)
    assert (row["decision"], row["reason"], row["survivor_id"]) == ("merge", "same_bytes", "one")
    check_extraction(listed, kept, decided)


def test_of_equal_bytes_one_that_may_be_used_survives_whatever_its_path():
    _, documents, ledger = world(b=[("one", "")], a=[("one", "")])
    documents = documents.with_columns(cleared_for_training=pl.col("path") == "b")
    kept, decided = merged(documents, ledger)
    assert kept["path"].to_list() == ["b"]
    assert decided.filter(input_id="a")["reason"].to_list() == ["same_bytes"]


def test_of_equal_records_the_earliest_line_survives_counted_as_a_number():
    _, documents, ledger = world(a=[("x", "line 10"), ("x", "line 9")])
    assert merged(documents, ledger)[0]["locator"].to_list() == ["line 9"]


@pytest.mark.parametrize("break_it", [
    lambda ledger: ledger.filter(pl.col("input_id") != "b"),
    lambda ledger: ledger.filter(pl.col("input_id") != "a#line 1"),
    lambda ledger: pl.concat([ledger, ledger.head(1)]),
    lambda ledger: ledger.with_columns(pl.lit("drop").alias("decision")),
], ids=["file lost", "record lost", "decided twice", "survivor undeclared"])
def test_a_lost_or_invented_row_breaks_the_conservation_law(break_it):
    listed, documents, ledger = world(a=[("x", "line 1"), ("y", "line 2")], b=[("z", "")])
    kept, decided = merged(documents, ledger)
    check_extraction(listed, kept, decided)
    with pytest.raises(BrokenContract):
        check_extraction(listed, kept, break_it(decided))


def test_an_empty_table_of_documents_is_a_sound_result():
    listed, documents, ledger = world(a=[])
    kept, decided = merged(documents, ledger)
    check_extraction(listed, kept, decided)
    assert decided["reason"].to_list() == ["no_text"]
