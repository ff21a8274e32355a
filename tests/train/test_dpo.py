"""The reference is the policy a round starts from; equal runs and resumed runs end in equal bytes."""

import shutil
from math import log
from pathlib import Path

import pytest
import torch

from pipeline.lm.load import load_model, load_policy, load_tokenizer
from pipeline.lm.save import save_adapter
from pipeline.schema.errors import BrokenContract
from pipeline.stage.hashing import hash_artefact
from pipeline.train.adapter import new_adapter
from pipeline.train.dpo import REFERENCE, DpoJob, freeze_reference, make_trainer, run_dpo, start_reward
from pipeline.train.resume import mark_whole
from tests import tiny_policy


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A base with a trained-looking adapter: every part of it is moved away from where it starts."""
    folder = tmp_path_factory.mktemp("inputs")
    base = tiny_policy.write_base(folder / "base")
    policy = new_adapter(load_model(base), tiny_policy.LORA, load_tokenizer(base))
    torch.manual_seed(5)
    with torch.no_grad():
        for weight in policy.parameters():
            if weight.requires_grad:
                weight.add_(torch.randn_like(weight), alpha=0.3)
    save_adapter(policy, folder / "adapter", base)
    pairs = tiny_policy.write_pairs(folder / "pairs")
    return {"on": str(base), "adapter": str(folder / "adapter"), "pairs": str(pairs)}


def job(inputs, folder: Path, **changes) -> DpoJob:
    folder.mkdir(parents=True, exist_ok=True)
    return DpoJob(**inputs, state=str(folder), out=str(folder / "trained"), threads=1,
                  params=tiny_policy.dpo(**changes))


def test_the_first_preference_loss_is_ln_2_and_every_margin_0(inputs, tmp_path):
    trainer, _, _ = make_trainer(job(inputs, tmp_path, chosen_nll=0.0))
    batch = next(iter(trainer.get_train_dataloader()))
    with torch.no_grad():
        loss = trainer.compute_loss(trainer.model, batch)
    assert float(loss) == pytest.approx(log(2), abs=1e-6)
    assert trainer._metrics["train"]["rewards/margins"] == [pytest.approx(0, abs=1e-6)]


def test_the_reference_is_the_adapter_and_not_the_bare_model(inputs, tmp_path):
    _, policy, _ = make_trainer(job(inputs, tmp_path))
    ids = torch.arange(20)[None]
    here = policy(input_ids=ids).logits
    policy.set_adapter(REFERENCE)
    reference = policy(input_ids=ids).logits
    policy.set_adapter("default")
    with policy.disable_adapter():
        bare = policy(input_ids=ids).logits
    assert torch.equal(here, reference)
    assert (here - bare).abs().max() > 0.1
    assert not [name for name, weight in policy.named_parameters()
                if REFERENCE in name.split(".") and weight.requires_grad]


def test_trl_alone_would_leave_the_trained_tokens_out_of_the_reference(inputs, tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.train.dpo.freeze_reference", lambda _: None)
    trainer, policy, _ = make_trainer(job(inputs, tmp_path))
    with pytest.raises(BrokenContract, match="reference is not the policy"):
        start_reward(trainer)
    freeze_reference(policy)
    assert start_reward(trainer) == pytest.approx(0, abs=1e-6)


def test_a_round_moves_the_policy_to_the_chosen_answers_and_writes_only_its_adapter(inputs, tmp_path):
    run_dpo(job(inputs, tmp_path / "run"))
    before, after = (load_policy(Path(adapter), Path(inputs["on"])).state_dict()
                     for adapter in (inputs["adapter"], tmp_path / "run/trained/adapter"))
    assert before.keys() == after.keys()
    assert any(not torch.equal(before[name], after[name]) for name in before)
    names = {path.name for path in (tmp_path / "run/trained/adapter").iterdir()}
    assert names == {"adapter_model.safetensors", "adapter_config.json"}


def test_equal_runs_and_a_resumed_run_end_in_equal_bytes(inputs, tmp_path):
    one, two, resumed = (job(inputs, tmp_path / name) for name in ("one", "two", "resumed"))
    run_dpo(one)
    run_dpo(two)
    state = Path(one.state) / "checkpoint-3"  # what a run killed after step 3 leaves
    assert (state / REFERENCE).is_dir()
    shutil.copytree(state, Path(resumed.state) / "checkpoint-3")
    mark_whole(Path(resumed.state) / "checkpoint-3")
    run_dpo(resumed)
    digests = {hash_artefact(Path(run.out)).digest for run in (one, two, resumed)}
    assert len(digests) == 1
