"""Stage `dpo` on a tiny policy."""

import json

import pytest

from pipeline.schema.errors import BadInput
from pipeline.stages import dpo
from tests import tiny_policy
from tests.policy_stages import examples, lenient, policy, prefer, run, same  # noqa: F401  # fixtures


def test_a_round_trains_on_its_own_pairs_alone(policy, examples, tmp_path):
    prefer(policy, examples, tmp_path / "one")
    flags = {**policy, "pairs": tmp_path / "one/pairs", "params": tiny_policy.dpo()}
    with pytest.raises(BadInput, match="pairs of another round"):
        run(dpo, tmp_path / "two", round=2, **flags, out=tmp_path / "two/dpo", metrics=tmp_path / "m",
            curve=tmp_path / "c")
    for name in ("one", "two"):
        run(dpo, tmp_path / name, round=1, **flags, out=tmp_path / name / "dpo", metrics=tmp_path / name / "dpo.json",
            curve=tmp_path / name / "curve.csv")
    assert same(tmp_path, "dpo", "dpo.json", "curve.csv")
    metrics = json.loads((tmp_path / "one/dpo.json").read_text())
    assert metrics["start_reward"] == pytest.approx(0, abs=1e-5)
