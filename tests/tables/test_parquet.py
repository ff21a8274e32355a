"""Tables in parts: cut by content, whatever the pieces they come in."""

from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.schema.errors import BadInput, BrokenContract
from pipeline.tables import parquet
from pipeline.tables.parquet import TableWriter, part_units, read_parts, read_table, write_table

SCHEMA = {"key": pl.String(), "text": pl.String()}


def table(sizes):
    keys = [f"{place:03d}" for place in range(len(sizes))]
    return pl.DataFrame({"key": keys, "text": ["x" * size for size in sizes]}, schema=SCHEMA)


def streamed(folder, pieces):
    folder.mkdir()
    with TableWriter(folder, ["key"], SCHEMA) as writer:
        for piece in pieces:
            writer.write(piece)
    return files(folder)


def files(folder):
    return [(path.name, path.read_bytes()) for path in sorted(folder.iterdir())]


@pytest.fixture
def small_parts(monkeypatch):
    monkeypatch.setattr(parquet, "BYTES_PER_PART", 40)
    monkeypatch.setattr(parquet, "ROWS_PER_PART", 4)


@settings(max_examples=25)
@given(sizes=st.lists(st.integers(0, 60), max_size=20), cuts=st.sets(st.integers(0, 20)))
def test_the_pieces_in_which_rows_come_do_not_show_in_the_bytes(tmp_path_factory, sizes, cuts):
    whole = table(sizes)
    edges = sorted({0, *(cut for cut in cuts if cut < len(sizes)), len(sizes)})
    pieces = [whole[first:last] for first, last in pairwise(edges)]
    folder = tmp_path_factory.mktemp("table")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet, "BYTES_PER_PART", 40)
        patch.setattr(parquet, "ROWS_PER_PART", 4)
        (folder / "one").mkdir()
        write_table(whole.sample(fraction=1, shuffle=True, seed=1), folder / "one", ["key"], SCHEMA)
        assert streamed(folder / "two", pieces) == files(folder / "one")
        parts = list(read_parts(folder / "one"))
        assert read_table(folder / "one").equals(whole)
    assert all(part.height <= 4 for part in parts)
    assert all(part.height == 1 or parquet.string_bytes(part).sum() <= 40 for part in parts)


def test_a_part_ends_before_the_row_that_would_make_it_too_large(tmp_path, small_parts):
    assert [name for name, _ in streamed(tmp_path / "t", [table([17, 17, 1, 90, 1])])] == [
        "part-00000.parquet", "part-00001.parquet", "part-00002.parquet", "part-00003.parquet"]
    # keys have 3 bytes: 20 + 20 fill a part
    assert [part.height for part in read_parts(tmp_path / "t")] == [2, 1, 1, 1]


def test_a_table_without_rows_is_one_part_with_all_columns(tmp_path):
    assert len(streamed(tmp_path / "t", [])) == 1
    assert dict(read_table(tmp_path / "t").schema) == SCHEMA


@pytest.mark.parametrize(("pieces", "what"), [
    ([table([1, 1])[::-1]], "do not come in the order"), ([table([1, 1]), table([1])], "do not come in the order"),
    ([table([1, 1]), table([1, 1])[1:]], "not unique"), ([pl.concat([table([1])] * 2)], "not unique"),
    ([table([1]).drop("text")], "columns are not those of the schema")])
def test_rows_out_of_order_repeated_or_of_another_shape_are_refused(tmp_path, pieces, what):
    with pytest.raises(BrokenContract, match=what):
        streamed(tmp_path / "t", pieces)


def test_a_damaged_part_is_named_as_what_it_is(tmp_path):
    (tmp_path / "part-00000.parquet").write_bytes(b"PAR1 not any more")
    for reads in (read_table, part_units):
        with pytest.raises(BadInput, match="a part is not readable"):
            reads(tmp_path)


def test_units_are_the_parts_with_their_size_in_memory(tmp_path, small_parts):
    streamed(tmp_path / "t", [table([30, 30])])
    units = part_units(tmp_path / "t")
    assert [path.rsplit("/", 1)[-1] for path in units["part"]] == ["part-00000.parquet", "part-00001.parquet"]
    assert all(size >= 30 for size in units["bytes"])
