"""Stage `rs_sft` on a tiny policy."""

import torch

from pipeline.lm.load import load_model, load_policy, load_tokenizer
from pipeline.schema.merge import Merge
from pipeline.schema.rs_sft import RsSft
from pipeline.stages import merge, rs_sft
from tests import tiny_policy
from tests.policy_stages import examples, lenient, policy, run, same, talk  # noqa: F401  # fixtures


def test_survivors_train_the_adapter_and_it_merges_into_a_model_that_answers_alike(policy, examples, tmp_path):
    talk(policy, examples, tmp_path / "talk")
    for name in ("one", "two"):
        run(rs_sft, tmp_path / name, **policy, dialogues=tmp_path / "talk/dialogues", out=tmp_path / name / "rs_sft",
            metrics=tmp_path / name / "rs.json", curve=tmp_path / name / "curve.csv",
            params=RsSft(training=tiny_policy.training()))
        resolved = run(merge, tmp_path / name, model=policy["model"], adapter=tmp_path / name / "rs_sft",
                       out=tmp_path / name / "merged", params=Merge(probe_tokens=32, max_difference=1e-3, seed=1))
    assert same(tmp_path, "rs_sft", "rs.json", "curve.csv", "merged")
    assert resolved["probe"]["difference_from_adapter"] < 1e-3 < resolved["probe"]["difference_from_model"]
    ids = torch.tensor([load_tokenizer(policy["model"])("<|im_start|>user\nA clerk<|im_end|>")["input_ids"]])
    adapted = load_policy(tmp_path / "one/rs_sft", policy["model"])(input_ids=ids).logits
    assert torch.allclose(load_model(tmp_path / "one/merged")(input_ids=ids).logits, adapted, atol=1e-3)
