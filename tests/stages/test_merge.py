"""Stage `merge` on a tiny policy."""

import pytest

from pipeline.schema.errors import BadInput, BrokenContract
from pipeline.schema.merge import Merge
from pipeline.stages import merge
from tests import tiny_policy
from tests.policy_stages import policy, run  # noqa: F401  # fixtures


def test_a_merge_that_answers_otherwise_leaves_nothing(policy, tmp_path):
    with pytest.raises(BrokenContract, match="not the adapted one"):
        run(merge, tmp_path / "run", **policy, out=tmp_path / "run/merged",
            params=Merge(probe_tokens=32, max_difference=1e-12, seed=1))
    assert not (tmp_path / "run/merged").exists()


def test_an_adapter_on_another_base_is_refused(policy, tmp_path):
    other = tiny_policy.write_base(tmp_path / "other")
    (other / "config.json").write_text((other / "config.json").read_text() + "\n")
    with pytest.raises(BadInput, match="does not belong on"):
        run(merge, tmp_path / "run", model=other, adapter=policy["adapter"], out=tmp_path / "merged",
            params=Merge(probe_tokens=32, max_difference=1e-3, seed=1))
