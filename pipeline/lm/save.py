"""Write checkpoints as canonical bytes: equal weights and settings are equal files.

The libraries' own writers are used for the weights (sorted safetensors header, metadata only
`{"format": "pt"}`, shards with an index above `SHARD_SIZE`); their JSON is then rewritten with sorted
keys and without what changes from run to run or from machine to machine.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils.logging import disable_progress_bar

from pipeline.lm.load import ADAPTER_CONFIG, base_reference
from pipeline.stage.outputs import json_bytes

SHARD_SIZE = "5GB"
"""Files above this are cut; part of the canonical form, so a constant and not a parameter."""

VOLATILE = frozenset({"_name_or_path", "name_or_path", "transformers_version", "_commit_hash", "peft_version",
                      "tokenizer_file", "local_files_only", "is_local", "use_cache"})
"""JSON keys that carry a path, a library version or a loader's switch, and nothing about the model.
`use_cache` is one because trainers turn it off in memory; its default (true) is right for a saved model."""

State = Mapping[str, torch.Tensor]


def save_model(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path,
               state: State | None = None) -> None:
    """Write a full checkpoint into `folder`: weights, config, generation config, tokenizer, template.

    Args:
        state: the gathered weights, where `model` itself holds only a shard of them (ZeRO-3).
    """
    folder.mkdir(parents=True, exist_ok=True)
    disable_progress_bar()  # one bar a shard
    weights = model.state_dict() if state is None else state
    model.save_pretrained(folder, state_dict=dict(sorted(weights.items())), max_shard_size=SHARD_SIZE)
    save_tokenizer(tokenizer, folder)
    canonicalise(folder)


def save_adapter(model: PeftModel, folder: Path, on: Path, state: State | None = None) -> None:
    """Write the active LoRA adapter into `folder`, naming the full model under it by digest.

    Args:
        on: the folder the full model was loaded from, unchanged since.
        state: the gathered weights, where `model` holds only a shard of them (ZeRO-3).
    """
    folder.mkdir(parents=True, exist_ok=True)
    # save_embedding_layers: "auto" would ask the hub for the base's vocabulary
    model.save_pretrained(str(folder), selected_adapters=[model.active_adapter], save_embedding_layers=False,
                          state_dict=None if state is None else dict(state))
    (folder / "README.md").unlink(missing_ok=True)  # a template with the library version in it
    config = read_json(folder / ADAPTER_CONFIG)
    config["base_model_name_or_path"] = base_reference(on)
    config["inference_mode"] = True
    (folder / ADAPTER_CONFIG).write_bytes(json_bytes(config))
    canonicalise(folder)


def save_tokenizer(tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Write tokenizer.json, tokenizer_config.json and chat_template.jinja, free of a caller's padding."""
    backend = getattr(tokenizer, "backend_tokenizer")  # noqa: B009  # not typed on the base class
    backend.no_truncation()  # a batch that was padded leaves its settings in tokenizer.json
    backend.no_padding()
    tokenizer.save_pretrained(folder)
    canonicalise(folder)


def canonicalise(folder: Path) -> None:
    """Rewrite every JSON file of a checkpoint except tokenizer.json, whose order is its content."""
    for path in sorted(folder.glob("*.json")):
        if path.name != "tokenizer.json":
            path.write_bytes(json_bytes(canonical(read_json(path))))


def canonical(settings: dict[str, Any]) -> dict[str, Any]:
    """`settings` without volatile keys at its top level, lists that peft makes from sets in order."""
    kept = {key: value for key, value in settings.items() if key not in VOLATILE}
    for key in ("target_modules", "modules_to_save", "layers_to_transform", "target_parameters"):
        if isinstance(kept.get(key), list):
            kept[key] = sorted(kept[key])
    return kept


def read_json(path: Path) -> dict[str, Any]:
    """The mapping in a JSON file that a library of ours just wrote or checked."""
    loaded = json.loads(path.read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded
