"""Stage `sft` on a tiny base."""

import json

import pytest

from pipeline.lm.load import is_adapter
from pipeline.schema.errors import BadInput
from pipeline.stage.hashing import hash_artefact
from pipeline.stages import sft
from tests import tiny_policy


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    return {"model": tiny_policy.write_base(folder / "base"),
            "examples": tiny_policy.write_examples(folder / "examples")}


def run(inputs, folder, **changes):
    folder.mkdir(exist_ok=True)
    call = tiny_policy.in_folder(folder)(sft.main)
    return call(**inputs, out=folder / "sft", metrics=folder / "metrics.json", curve=folder / "curve.csv",
                params=tiny_policy.sft(**changes))


def test_the_adapter_fits_held_out_answers_better_and_equal_runs_are_equal_bytes(inputs, tmp_path):
    resolved = run(inputs, tmp_path / "one")
    run(inputs, tmp_path / "two")
    losses = json.loads((tmp_path / "one/metrics.json").read_text())["heldout_answer_loss"]
    assert losses["after"] < losses["before"]
    assert resolved["steps"] == 10
    assert is_adapter(tmp_path / "one/sft")
    for name in ("sft", "metrics.json", "curve.csv"):
        assert hash_artefact(tmp_path / "one" / name).digest == hash_artefact(tmp_path / "two" / name).digest
    assert not (tmp_path / "one/.sft.resume").exists()


def test_a_failed_run_leaves_no_output(inputs, tmp_path):
    with pytest.raises(BadInput, match="longer than 16 tokens"):
        run(inputs, tmp_path / "run", max_tokens=16)
    assert not (tmp_path / "run/sft").exists()
    assert not (tmp_path / "run/metrics.json").exists()
