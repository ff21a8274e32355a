"""Reading a part of a table says as much of a bad one as reading all of it."""

import polars as pl
import pytest

from pipeline.schema.errors import BadInput
from pipeline.tables.parquet import read_some, read_table, write_table

TABLE = pl.DataFrame({"doc_id": ["a", "b", "c"], "text": ["xx", "y", "zzz"]})


@pytest.fixture
def folder(tmp_path):
    write_table(TABLE[::-1], tmp_path, ["doc_id"], {})
    return tmp_path


def test_values_are_made_of_the_rows_asked_for_in_key_order(folder):
    found = read_some(folder, ["doc_id", pl.col("text").str.len_chars().alias("chars")], pl.col("doc_id") != "b")
    assert found.rows() == [("a", 2), ("c", 3)]


def test_a_row_may_be_chosen_by_a_column_that_is_not_returned(folder):
    assert read_some(folder, ["doc_id"], pl.col("text") == "y").rows() == [("b",)]


@pytest.mark.parametrize("read", [read_table, lambda folder: read_some(folder, ["doc_id"])])
def test_a_folder_without_parts_and_a_damaged_part_are_sentences(folder, read):
    with pytest.raises(BadInput, match="is not a table"):
        read(folder / "nothing")
    part = folder / "part-00000.parquet"
    part.write_bytes(part.read_bytes()[:-20])
    with pytest.raises(BadInput, match="a part is not readable"):
        read(folder)
