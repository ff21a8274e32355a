"""Stage `dialogues` on a tiny policy."""

import polars as pl
import pytest

from pipeline.schema.errors import BadInput
from pipeline.tables.parquet import read_table
from tests.policy_stages import examples, lenient, policy, same, talk  # noqa: F401  # fixtures


def test_dialogues_are_all_in_the_table_and_the_best_are_kept(policy, examples, tmp_path):
    for name in ("one", "two"):
        talk(policy, examples, tmp_path / name)
    assert same(tmp_path, "dialogues", "metrics.json")
    rows = read_table(tmp_path / "one/dialogues")
    assert rows.height == 12
    assert rows["messages"].list.len().unique().to_list() == [6]
    for _, group in rows.group_by("example_id"):
        assert group.filter(pl.col("kept"))["score"].max() == group["score"].max()
        assert group["kept"].sum() <= 2


def test_too_few_survivors_stop_the_stage_and_leave_nothing(policy, examples, tmp_path):
    with pytest.raises(BadInput, match="too few survivors"):
        talk(policy, examples, tmp_path / "run", min_score=1.0, min_kept=12)
    assert not (tmp_path / "run/dialogues").exists()
