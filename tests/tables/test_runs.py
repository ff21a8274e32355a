"""Merging sorted runs."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.tables.runs import merged, merged_runs


@settings(max_examples=60)
@given(runs=st.lists(st.lists(st.integers(0, 30), max_size=12), max_size=5), size=st.integers(1, 5))
def test_the_merge_is_all_rows_in_order_however_the_runs_are_cut(runs, size):
    frames = [pl.DataFrame({"key": sorted(run), "run": [number] * len(run)}, schema={"key": pl.Int64, "run": pl.Int64})
              for number, run in enumerate(runs)]
    pieces = list(merged([frame.iter_slices(size) for frame in frames], "key"))
    rows = [row for piece in pieces for row in piece.rows()]
    assert [key for key, _ in rows] == sorted(key for run in runs for key in run)
    assert sorted(rows) == sorted(row for frame in frames for row in frame.rows())


def test_no_piece_takes_more_than_a_row_group_of_each_run(tmp_path):
    for number in range(3):
        keys = pl.DataFrame({"key": [f"{place:04d}" for place in range(number, 300, 3)]})
        keys.write_parquet(tmp_path / f"{number}.parquet", row_group_size=10)
    pieces = list(merged_runs(sorted(tmp_path.iterdir()), "key"))
    assert pl.concat(pieces)["key"].to_list() == [f"{place:04d}" for place in range(300)]
    assert max(piece.height for piece in pieces) <= 3 * 10
