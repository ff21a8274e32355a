"""Training runs as processes: equal bytes twice, after a kill, and in two processes at once."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.schema.errors import BadInput
from pipeline.stage.hashing import file_sha256, hash_artefact
from pipeline.train.causal import RESULT, CausalJob
from pipeline.train.resume import mark_whole, newest_state
from pipeline.train.worker import run_causal
from tests import tiny

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("inputs")
    return {"base": str(tiny.write_base(folder / "base")), "rows": str(tiny.write_rows(folder / "rows"))}


def job(inputs: dict[str, str], folder: Path, **changes: object) -> CausalJob:
    folder.mkdir(parents=True, exist_ok=True)
    return CausalJob(**inputs, state=str(folder), out=str(folder / "trained"), threads=1,
                     training=tiny.training(**changes))


def start(wanted: CausalJob) -> subprocess.Popen[bytes]:
    path = Path(wanted.state) / "job.json"
    path.write_text(wanted.model_dump_json(), encoding="utf-8")
    return subprocess.Popen([sys.executable, "-m", "pipeline.train.worker", "--job", str(path)], cwd=ROOT,
                            stderr=subprocess.PIPE)


def finish(process: subprocess.Popen[bytes]) -> bytes:
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors.decode()
    return errors


def test_a_killed_and_resumed_run_ends_in_the_bytes_of_an_uninterrupted_one(inputs, tmp_path):
    whole, killed = (job(inputs, tmp_path / name, epochs=12.0) for name in ("whole", "killed"))
    others = start(whole)  # a fresh process too: nothing but the files is shared
    victim = start(killed)
    deadline = time.monotonic() + 100
    while newest_state(Path(killed.state)) is None and time.monotonic() < deadline:
        time.sleep(0.005)
    os.kill(victim.pid, signal.SIGKILL)
    victim.communicate()
    assert not Path(killed.out).exists()
    assert b"resuming from checkpoint-" in finish(start(killed))
    finish(others)
    assert hash_artefact(Path(whole.out)).digest == hash_artefact(Path(killed.out)).digest


def test_two_processes_train_one_model_and_agree_with_one_process_on_the_loss(inputs, tmp_path):
    alone = job(inputs, tmp_path / "alone", batch_rows=4)
    together = job(inputs, tmp_path / "together", batch_rows=2, world_size=2)
    curves = []
    for wanted in (alone, together):
        run_causal(wanted)
        curves.append([point["loss"] for point in json.loads((Path(wanted.out) / RESULT).read_text())["curve"]])
    # the same rows a step, summed in another order
    assert curves[0] == pytest.approx(curves[1], abs=2e-3)


def test_the_loss_falls(inputs, tmp_path):
    wanted = job(inputs, tmp_path / "run", epochs=8.0)
    run_causal(wanted)
    curve = json.loads((Path(wanted.out) / RESULT).read_text())["curve"]
    assert curve[-1]["loss"] < 0.8 * curve[0]["loss"]


def test_a_folded_adapter_changes_the_weights_and_leaves_a_full_model(inputs, tmp_path):
    lora = {"rank": 4, "alpha": 8, "dropout": 0.0, "targets": ["all-linear"]}
    wanted = job(inputs, tmp_path / "run", lora=lora, optimizer="adamw")
    run_causal(wanted)
    model = Path(wanted.out) / "model"
    assert not (model / "adapter_config.json").exists()
    assert file_sha256(model / "model.safetensors") != file_sha256(Path(inputs["base"]) / "model.safetensors")


def test_bf16_trains_too(inputs, tmp_path):
    wanted = job(inputs, tmp_path / "run", precision="bf16", epochs=1.0)
    run_causal(wanted)
    assert (Path(wanted.out) / "model" / "model.safetensors").is_file()


def test_quantised_weights_without_bitsandbytes_are_refused_in_a_sentence(inputs, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    lora = {"rank": 4, "alpha": 8, "dropout": 0.0, "targets": ["all-linear"]}
    with pytest.raises(BadInput, match="bitsandbytes, which is not installed"):
        run_causal(job(inputs, tmp_path / "run", lora=lora, quantisation="nf4"))


def test_a_state_that_was_cut_short_is_passed_over(tmp_path):
    for step in (5, 10, 15):
        (tmp_path / f"checkpoint-{step}").mkdir()
        (tmp_path / f"checkpoint-{step}" / "weights").write_bytes(b"12345")
    mark_whole(tmp_path / "checkpoint-5")
    mark_whole(tmp_path / "checkpoint-10")
    (tmp_path / "checkpoint-10" / "weights").write_bytes(b"123")
    state = newest_state(tmp_path)
    assert state is not None
    assert state.name == "checkpoint-5"
