"""Stage dacpt: perplexity before and after, equal bytes twice, nothing left by a failure."""

import json
from pathlib import Path

import pytest

from pipeline.schema.dacpt import Dacpt, Measure
from pipeline.schema.errors import BadInput
from pipeline.stage.hashing import hash_artefact
from pipeline.stages.dacpt import main
from tests import tiny

MEASURE = Measure(batch_rows=4, context=64, max_documents=6, seed=1)


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tiny.write_env(tmp_path)
    return {"base": tiny.write_base(Path("base")), "rows": tiny.write_rows(Path("rows")),
            "documents": tiny.write_documents(Path("documents"), tiny.documents()),
            "general": tiny.write_documents(Path("general"), tiny.documents())}


def run(world: dict[str, Path], name: str, base_share: float = 0.0) -> dict:
    params = Dacpt(training=tiny.training(epochs=3.0), base_share=base_share, measure=MEASURE)
    main(**world, out=Path(name), metrics=Path(f"{name}.json"), curve=Path(f"{name}.csv"), params=params)
    return json.loads(Path(f"{name}.json").read_text())


def test_training_lowers_in_domain_perplexity_and_says_by_how_much(world):
    found = run(world, "out")
    before, after = (found[when]["in_domain"]["perplexity"] for when in ("before", "after"))
    assert after < 0.8 * before
    assert found["change"]["in_domain"] == pytest.approx(after / before - 1)
    assert found["after"]["in_domain"]["documents"] == 6
    assert Path("out.csv").read_text().splitlines()[0] == "step,loss,lr"
    assert len(Path("out.csv").read_text().splitlines()) == found["training"]["steps"] + 1


def test_same_inputs_same_bytes(world):
    run(world, "one")
    run(world, "two")
    assert hash_artefact(Path("one")).entries == hash_artefact(Path("two")).entries
    assert Path("one.json").read_bytes() == Path("two.json").read_bytes()
    assert Path("one.csv").read_bytes() == Path("two.csv").read_bytes()


def test_a_share_of_the_base_gives_up_some_of_what_was_learnt(world):
    all_new, half = run(world, "new"), run(world, "half", base_share=0.5)
    assert all_new["change"]["in_domain"] < half["change"]["in_domain"] < 0


def test_a_failed_run_leaves_no_output(world):
    nothing_held_out = tiny.write_documents(Path("all_train"), tiny.documents(split="train"))
    with pytest.raises(BadInput, match="none is held out"):
        run({**world, "general": nothing_held_out}, "out")
    assert not [path for path in (Path("out"), Path("out.json"), Path("out.csv")) if path.exists()]
