"""Checkpoints: what is saved loads again, equal content is equal bytes, an adapter knows its base."""

import json
import struct
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model

from pipeline.lm.load import check_adapter_base, is_adapter, load_model, load_policy, load_tokenizer
from pipeline.lm.save import save_adapter, save_model
from pipeline.schema.errors import BadInput
from pipeline.stage.hashing import hash_artefact
from tests import tiny

TOKENS = torch.arange(20)[None]


def adapter_on(base: Path, folder: Path) -> Path:
    torch.manual_seed(1)
    config = LoraConfig(r=4, lora_alpha=8, target_modules=["v_proj", "q_proj"], task_type="CAUSAL_LM",
                        init_lora_weights=False)
    model = get_peft_model(load_model(base), config)
    assert isinstance(model, PeftModel)
    save_adapter(model, folder, on=base)
    return folder


def test_a_saved_model_is_loaded_and_saved_again_as_the_same_bytes(tmp_path):
    base = tiny.write_base(tmp_path / "one")
    save_model(load_model(base), load_tokenizer(base), tmp_path / "two")
    assert hash_artefact(base).entries == hash_artefact(tmp_path / "two").entries


def test_a_used_tokenizer_leaves_no_trace_in_its_file(tmp_path):
    base = tiny.write_base(tmp_path / "one")
    tokenizer = load_tokenizer(base)
    tokenizer(["short", "a longer text"], padding=True, truncation=True, max_length=3)
    save_model(load_model(base), tokenizer, tmp_path / "two")
    assert hash_artefact(base).entries == hash_artefact(tmp_path / "two").entries


def test_a_checkpoint_holds_no_pickle_no_path_and_no_version(tmp_path):
    base = tiny.write_base(tmp_path / "base")
    names = {path.name for path in base.iterdir()}
    assert names == {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json",
                     "tokenizer_config.json", "chat_template.jinja"}
    for path in base.glob("*.json"):
        assert str(tmp_path) not in path.read_text()
        assert "transformers_version" not in path.read_text()


def test_the_weights_header_is_sorted_and_carries_only_its_format(tmp_path):
    data = (tiny.write_base(tmp_path / "base") / "model.safetensors").read_bytes()
    header = json.loads(data[8:8 + struct.unpack("<Q", data[:8])[0]])
    assert header.pop("__metadata__") == {"format": "pt"}
    assert list(header) == sorted(header)
    assert "lm_head.weight" not in header  # tied to the embedding, stored once


def test_a_policy_is_its_base_plus_its_adapter(tmp_path):
    base = tiny.write_base(tmp_path / "base")
    adapter = adapter_on(base, tmp_path / "adapter")
    assert is_adapter(adapter)
    assert not is_adapter(base)
    with torch.inference_mode():
        plain = load_policy(base, on=base)(TOKENS).logits
        adapted = load_policy(adapter, on=base)(TOKENS).logits
    assert (plain - adapted).abs().max() > 1e-3


def test_an_adapter_is_saved_as_the_same_bytes_twice(tmp_path):
    base = tiny.write_base(tmp_path / "base")
    one, two = adapter_on(base, tmp_path / "one"), adapter_on(base, tmp_path / "two")
    assert hash_artefact(one).entries == hash_artefact(two).entries
    assert {path.name for path in one.iterdir()} == {"adapter_config.json", "adapter_model.safetensors"}


def test_an_adapter_is_refused_on_another_base(tmp_path):
    base, other = tiny.write_base(tmp_path / "base"), tiny.write_base(tmp_path / "other", seed=9)
    adapter = adapter_on(base, tmp_path / "adapter")
    check_adapter_base(adapter, base)
    with pytest.raises(BadInput, match="the adapter does not belong on") as refusal:
        load_policy(adapter, on=other)
    assert refusal.value.wanted == f"sha256:{hash_artefact(base).digest}"


def test_only_a_trainable_policy_takes_gradients(tmp_path):
    base = tiny.write_base(tmp_path / "base")
    adapter = adapter_on(base, tmp_path / "adapter")
    frozen = load_policy(adapter, on=base)
    open_ = load_policy(adapter, on=base, trainable=True)
    assert not any(weight.requires_grad for name, weight in frozen.named_parameters() if "lora" in name)
    assert all(weight.requires_grad for name, weight in open_.named_parameters() if "lora" in name)


def test_pickled_weights_are_never_opened(tmp_path):
    base = tiny.write_base(tmp_path / "base")
    (base / "pytorch_model.bin").write_bytes(b"anything")
    with pytest.raises(BadInput, match="pickled weights"):
        load_model(base)


def test_a_model_without_tokenizer_is_named(tmp_path):
    base = tiny.write_base(tmp_path / "base")
    (base / "tokenizer.json").unlink()
    with pytest.raises(BadInput, match="holds no tokenizer"):
        load_tokenizer(base)
