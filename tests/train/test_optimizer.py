"""The two-part optimizer: who owns which weight, and that its state survives a round trip."""

import copy

import torch

from pipeline.lm.load import load_model
from pipeline.train.optimizer import MuonWithAdamW, make_optimizer
from tests import tiny


def test_every_weight_has_one_owner_and_tables_stay_with_adamw(tmp_path):
    model = load_model(tiny.write_base(tmp_path / "base"))
    optimizer = make_optimizer(model, tiny.training())
    assert isinstance(optimizer, MuonWithAdamW)
    owned = [id(weight) for group in optimizer.param_groups for weight in group["params"]]
    assert sorted(owned) == sorted(id(weight) for weight in model.parameters())
    muon = {id(weight) for group in optimizer.parts[0].param_groups for weight in group["params"]}
    assert id(model.get_input_embeddings().weight) not in muon
    assert id(model.get_parameter("model.layers.0.self_attn.q_proj.weight")) in muon


def test_a_rate_set_by_a_scheduler_reaches_both_parts(tmp_path):
    optimizer = make_optimizer(load_model(tiny.write_base(tmp_path / "base")), tiny.training())
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.5)
    assert scheduler.get_last_lr() == [0.005] * 3
    assert [group["lr"] for part in optimizer.parts for group in part.param_groups] == [0.005] * 3


def test_a_restored_state_steps_to_the_same_weights(tmp_path):
    base = tiny.write_base(tmp_path / "base")
    one = load_model(base)
    steps = make_optimizer(one, tiny.training())
    advance(one, steps)
    two = copy.deepcopy(one)
    resumed = make_optimizer(two, tiny.training())
    resumed.load_state_dict(copy.deepcopy(steps.state_dict()))
    advance(one, steps)
    advance(two, resumed)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))


def advance(model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> None:
    tokens = torch.arange(32)[None]
    model(input_ids=tokens, labels=tokens, use_cache=False).loss.backward()
    optimizer.step()
    optimizer.zero_grad()
