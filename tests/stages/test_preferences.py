"""Stage `preferences` on a tiny policy."""

import pytest

from pipeline.lm.load import load_tokenizer
from pipeline.schema.errors import BadInput
from pipeline.stages import preferences
from pipeline.tables.parquet import read_table
from tests.policy_stages import examples, lenient, policy, prefer, same  # noqa: F401  # fixtures


def test_pairs_are_drawn_from_the_policy_and_can_be_drawn_again(policy, examples, tmp_path):
    prefer(policy, examples, tmp_path / "one")
    prefer(policy, examples, tmp_path / "two")
    assert same(tmp_path, "pairs", "metrics.json")
    rows = read_table(tmp_path / "one/pairs")
    assert rows.height >= 2
    assert (rows["chosen_score"] - rows["rejected_score"]).min() >= 0.02
    assert set(rows["round"]) == {1}
    train = set(read_table(examples).filter(split="train")["example_id"])
    assert set(rows["example_id"]) <= train
    row = rows.row(0, named=True)
    drawn = preferences.generate(
        preferences.sampling_policy(policy["adapter"], policy["model"]), load_tokenizer(policy["model"]),
        [row["prompt"], row["prompt"]], seeds=[row["chosen_seed"], row["rejected_seed"]], max_new_tokens=12,
        temperature=1.0, top_p=0.95, batch_size=4)
    assert drawn == [row["chosen"], row["rejected"]]


def test_too_few_pairs_stop_the_stage_and_leave_nothing(policy, examples, tmp_path):
    with pytest.raises(BadInput, match="gave too few pairs, wanted at least 5, got 0"):
        prefer(policy, examples, tmp_path / "run", min_margin=1.0, min_pairs=5)
    assert not (tmp_path / "run/pairs").exists()
