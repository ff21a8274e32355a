"""Run the stages that follow `sft` on a tiny policy; their tests share it."""

import pytest
import torch

from pipeline.judges.interface import Judgement
from pipeline.lm.load import load_model, load_tokenizer
from pipeline.lm.save import save_adapter
from pipeline.schema.dialogues import ConstraintChoice, Dialogues
from pipeline.schema.preferences import Preferences
from pipeline.stage.hashing import hash_artefact
from pipeline.stages import dialogues, preferences
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
