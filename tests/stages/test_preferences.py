"""Stages `preferences`, `dpo`, `dialogues`, `rs_sft` and `merge`, one after the other on a tiny policy."""

import json

import polars as pl
import pytest
import torch

from pipeline.judges.interface import Judgement
from pipeline.lm.load import load_model, load_policy, load_tokenizer
from pipeline.lm.save import save_adapter
from pipeline.schema.dialogues import ConstraintChoice, Dialogues
from pipeline.schema.errors import BadInput, BrokenContract
from pipeline.schema.merge import Merge
from pipeline.schema.preferences import Preferences
from pipeline.schema.rs_sft import RsSft
from pipeline.stage.hashing import hash_artefact
from pipeline.stages import dialogues, dpo, merge, preferences, rs_sft
from pipeline.tables.parquet import read_table
from pipeline.train.adapter import new_adapter
from tests import tiny_policy


class ByLength:
    """A judge an untrained model can please: longer is better."""

    name, version = "rubric", "test"

    def judge(self, prompt, answer):
        return Judgement(min(len(answer), 40) / 40, {"length": min(len(answer), 40) / 40})


@pytest.fixture(autouse=True)
def lenient(monkeypatch):
    for stage in (preferences, dialogues):
        monkeypatch.setitem(stage.JUDGES, "rubric", ByLength())


@pytest.fixture(scope="module")
def policy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("policy")
    base = tiny_policy.write_base(folder / "base")
    adapted = new_adapter(load_model(base), tiny_policy.LORA, load_tokenizer(base))
    torch.manual_seed(8)
    with torch.no_grad():
        for weight in adapted.parameters():
            if weight.requires_grad:
                weight.add_(torch.randn_like(weight), alpha=0.1)
    save_adapter(adapted, folder / "adapter", base)
    return {"model": base, "adapter": folder / "adapter"}


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    return tiny_policy.write_examples(tmp_path_factory.mktemp("examples") / "examples")


def run(stage, folder, **flags):
    folder.mkdir(exist_ok=True)
    return tiny_policy.in_folder(folder)(stage.main)(**flags)


def prefer(policy, examples, folder, round_=1, **changes):
    values = {"prompts": 6, "samples": 3, "sampling": tiny_policy.sampling(), "judge": "rubric", "min_margin": 0.02,
              "min_pairs": 2, **changes}
    return run(preferences, folder, round=round_, **policy, examples=examples, out=folder / "pairs",
               metrics=folder / "metrics.json", params=Preferences(**values))


def talk(policy, examples, folder, **changes):
    values = {"prompts": 3, "samples": 4, "turns": 3, "passage_chars": 200,
              "constraints": [ConstraintChoice(kind="no_word", value="tide")], "sampling": tiny_policy.sampling(),
              "judge": "rubric", "keep_share": 0.5, "min_score": 0.1, "min_kept": 3, **changes}
    return run(dialogues, folder, **policy, examples=examples, out=folder / "dialogues",
               metrics=folder / "metrics.json", params=Dialogues(**values))


def same(folder, *names):
    return all(hash_artefact(folder / "one" / name).digest == hash_artefact(folder / "two" / name).digest
               for name in names)


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
    assert metrics["start_loss"] == pytest.approx(0.693147, abs=1e-5)


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
