import io

import polars as pl
import pytest

from pipeline.extract.hive import told_path
from pipeline.extract.readers import read_records
from pipeline.extract.records import Refusal, Source
from tests.extract.world import PARAMS, found


def parquet(**columns):
    out = io.BytesIO()
    pl.DataFrame(columns).write_parquet(out)
    return out.getvalue()


def partitioned(path, data, params=PARAMS):
    name = path.rsplit("/", 1)[-1]
    return list(read_records(Source(name, data, "application/vnd.apache.parquet", params, lambda: None, path=path)))


@pytest.mark.parametrize(("path", "told"), [
    ("a.md", "a.md"), ("logs/a.parquet", "a.parquet"), ("x=1/logs/a.parquet", "a.parquet"),
    ("logs/year=2025/region=eu/a.parquet", "year=2025/region=eu/a.parquet"), ("=/a.md", "a.md"), ("a=/b.md", "b.md"),
])
def test_a_reader_is_told_the_partitions_right_above_the_file_and_nothing_else(path, told):
    assert told_path(path) == told


def test_partitions_are_columns_of_every_row_and_date_it():
    rows = partitioned("date=2025-03-04/region=eu/p.parquet", parquet(text=["one", "two"]))
    assert [row.text for row in rows] == [f"**Text:** {text}\n\n**Date:** 2025-03-04\n\n**Region:** eu"
                                          for text in ("one", "two")]
    assert {row.published for row in rows} == {"2025-03-04"}
    assert [row.locator for row in rows] == ["row 1", "row 2"]


def test_names_that_look_like_patterns_or_climb_are_values():
    (row,) = partitioned("kind=%2A%2E%2E%2F[a]?/p.parquet", parquet(text=["one"]))
    assert row.text.endswith("**Kind:** *../[a]?")


def test_a_table_outside_of_partitions_is_read_as_before():
    data = parquet(text=["one"])
    assert partitioned("p.parquet", data) == found("p.parquet", data)


def test_a_partitioned_table_is_held_to_the_limits():
    with pytest.raises(Refusal, match="max_records"):
        partitioned("year=2025/p.parquet", parquet(text=["x"] * 101))


def test_a_partitioned_file_that_is_no_table_is_an_error_of_its_own():
    with pytest.raises(Exception, match=r"(?i)parquet|magic"):
        partitioned("year=2025/p.parquet", b"PAR1 and nothing else PAR1")
