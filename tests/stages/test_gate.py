"""Stage gate on a small finished run."""

import json
from pathlib import Path

import pytest

from pipeline.schema.errors import BadInput, BrokenContract
from pipeline.stages.gate import main
from tests.cards import world


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    world.build((Path(__file__).parents[2] / "data/card.yaml").read_text())


def gate(before, after, out="gate.json", params=world.GATE):
    files = [Path(f"models/{name}.eval/{part}") for name in (before, after) for part in ("answers", "metrics.json")]
    main(after, *files, Path(out), params)
    return json.loads(Path(out).read_text())


@pytest.mark.usefixtures("run")
def test_a_better_checkpoint_passes():
    found = gate("base", "dacpt")
    assert found["verdict"] == "pass"
    assert found["checks"]["in_domain_perplexity"]["difference"] < -0.3


@pytest.mark.usefixtures("run")
def test_the_first_checkpoint_says_that_nothing_came_before():
    assert gate("base", "base")["reason"] == "no earlier checkpoint"


@pytest.mark.usefixtures("run")
def test_same_inputs_same_bytes():
    gate("sft", "dpo_1", "one.json")
    gate("sft", "dpo_1", "two.json")
    assert Path("one.json").read_bytes() == Path("two.json").read_bytes()


@pytest.mark.usefixtures("run")
def test_a_regression_stops_the_run_only_when_params_say_so():
    params = world.GATE.model_copy(update={"checks": {"base": {"rubric": 0.0, "multi_turn": 0.0}}})
    assert gate("dpo_1", "base", params=params)["verdict"] == "regression"
    with pytest.raises(BrokenContract, match="lost ground"):
        gate("dpo_1", "base", "kept.json", params.model_copy(update={"stop_on_regression": True}))
    assert Path("kept.json").is_file()  # it says what was lost


@pytest.mark.usefixtures("run")
def test_a_failed_run_leaves_no_output():
    with pytest.raises(BadInput, match="does not name checkpoint"):
        gate("base", "sft", "out.json", world.GATE.model_copy(update={"checks": {}}))
    assert not Path("out.json").exists()
