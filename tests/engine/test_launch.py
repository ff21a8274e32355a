"""The launch line and what is checked before any process starts."""

import json
from pathlib import Path
from typing import ClassVar

import pytest

from pipeline.engine.launch import check_deepspeed, launch, launch_command, needs_launch, read_deepspeed
from pipeline.schema.errors import BadInput, BrokenContract

ZERO3 = Path("params/deepspeed/zero3.json")


def changed(tmp_path: Path, **fields: object) -> Path:
    path = tmp_path / "changed.json"
    path.write_text(json.dumps({**json.loads(ZERO3.read_text()), **fields}))
    return path


def test_one_process_without_deepspeed_needs_no_launcher():
    assert not needs_launch(1, "")
    assert needs_launch(2, "")
    assert needs_launch(1, str(ZERO3))


def test_the_shipped_zero3_file_is_accepted():
    assert read_deepspeed(ZERO3, "bf16")["zero_optimization"]["stage"] == 3


def test_the_trainer_fills_every_auto_of_the_shipped_file():
    # the arithmetic of transformers' integration, which runs without DeepSpeed
    from accelerate.utils.deepspeed import HfDeepSpeedConfig
    from transformers import TrainingArguments
    from transformers.integrations.deepspeed import HfTrainerDeepSpeedConfig

    class Settings(HfDeepSpeedConfig):
        """Without DeepSpeed, transformers leaves this parent out of its own class."""

        mismatches: ClassVar[list[str]] = []
        fill_match = HfTrainerDeepSpeedConfig.fill_match
        fill_only = HfTrainerDeepSpeedConfig.fill_only
        trainer_config_process = HfTrainerDeepSpeedConfig.trainer_config_process

    config = Settings(json.loads(ZERO3.read_text()))
    args = TrainingArguments(output_dir="unused", per_device_train_batch_size=2, gradient_accumulation_steps=4,
                             bf16=True, use_cpu=True, report_to=[])
    config.trainer_config_process(args)
    assert config.config["train_micro_batch_size_per_gpu"] == 2
    assert config.config["train_batch_size"] == 8
    assert config.config["optimizer"]["params"]["lr"] == args.learning_rate
    assert config.config["gradient_clipping"] == args.max_grad_norm


@pytest.mark.parametrize(("fields", "sentence"), [
    ({"train_batch_size": 64}, "`train_batch_size` is 64, must be \"auto\""),
    ({"zero_optimization": {"stage": 4}}, "`zero_optimization.stage` is 4"),
    ({"optimizer": {"type": "AdamW", "params": {"lr": 0.1}}}, "`optimizer.params.lr` is 0.1"),
    ({"zero_optimization": {"stage": 3}}, "`stage3_gather_16bit_weights_on_model_save` must be true"),
    ({"zero_optimization": {"stage": 2, "offload_optimizer": {"device": "disk"}}}, "offload_optimizer.device"),
])
def test_a_wrong_deepspeed_file_is_refused_in_a_sentence(fields, sentence, tmp_path):
    with pytest.raises(BadInput) as refusal:
        read_deepspeed(changed(tmp_path, **fields), "bf16")
    assert sentence in str(refusal.value)


def test_a_precision_that_disagrees_with_the_file_is_refused():
    with pytest.raises(BadInput, match="does not agree with `precision: fp32`"):
        read_deepspeed(ZERO3, "fp32")


def test_deepspeed_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(BadInput, match="DeepSpeed is not installed"):
        check_deepspeed(ZERO3, "bf16")


def test_every_switch_of_the_launch_is_explicit():
    command = launch_command("some.module", Path("job.json"), 8, "bf16", "zero3.json", port=4000)
    line = " ".join(command)
    assert "--use_deepspeed --deepspeed_config_file zero3.json" in line
    assert "--num_processes 8 --num_machines 1" in line
    assert line.endswith("--module some.module --job job.json")


def test_a_process_that_fails_is_a_sentence_not_a_silence(tmp_path):
    with pytest.raises(BrokenContract, match="a process failed"):
        launch("pipeline.no_such_module", tmp_path / "job.json", 1, "fp32", "")
