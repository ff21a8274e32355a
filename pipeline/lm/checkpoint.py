"""What a folder must hold to be a base model, and copying just that."""

import json
import shutil
from pathlib import Path

from pipeline.lm.load import PICKLES, is_adapter
from pipeline.schema.errors import BadInput
from pipeline.stage.hashing import list_files

INDEX = "model.safetensors.index.json"
MODEL_FILES = ("config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
               "special_tokens_map.json", "chat_template.jinja", "vocab.json", "merges.txt",
               INDEX, "LICENSE", "LICENSE.txt", "NOTICE")
"""Beside `*.safetensors`, the files a loader reads or a licence asks to keep; nothing else is copied."""


def check_complete(folder: Path) -> None:
    """Check that `folder` holds configuration, tokenizer and every weight, and no code is needed.

    Raises:
        BadInput: names everything that is missing or forbidden.
    """
    if not folder.is_dir():
        raise BadInput(str(folder), "is not a folder", do="correct `source` in params.yaml")
    if is_adapter(folder):
        raise BadInput(str(folder), "is an adapter", wanted="a full model", do="merge it into its base first")
    lacks = [f"no {name}: {why}" for name, why in (
        ("config.json", "the model's shape is unknown"),
        ("tokenizer.json", "text cannot be encoded (save a fast tokenizer with `save_pretrained`)"),
        ("tokenizer_config.json", "the special tokens are unknown")) if not (folder / name).is_file()]
    lacks += missing_weights(folder)
    lacks += _remote_code(folder)
    if lacks:
        raise BadInput(str(folder), "is not a usable base model: " + "; ".join(lacks),
                       wanted="config.json, tokenizer.json, tokenizer_config.json, *.safetensors")


def missing_weights(folder: Path) -> list[str]:
    """A sentence for every shard the index names that is not there, or for no weights at all."""
    shards = {path.name for path in folder.glob("*.safetensors")}
    if (folder / INDEX).is_file():
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        wanted = set(index["weight_map"].values())
        return [f"no {name}: the index names it" for name in sorted(wanted - shards)]
    if shards:
        return []
    pickles = sorted(path.name for path in folder.glob("*") if path.suffix in PICKLES)
    return [f"no *.safetensors: {pickles} are pickles and are never opened; convert them" if pickles
            else "no *.safetensors: there are no weights"]


def _remote_code(folder: Path) -> list[str]:
    if not (folder / "config.json").is_file():
        return []
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return [f"config.json asks for code of its own ({sorted(settings['auto_map'])}), which is never run"
            ] if "auto_map" in settings else []


def copy_checkpoint(source: Path, folder: Path) -> None:
    """Copy the files of a base model, byte for byte, and nothing that happens to lie beside them."""
    for path in list_files(source):
        if path.parent == source and (path.name in MODEL_FILES or path.suffix == ".safetensors"):
            shutil.copyfile(path, folder / path.name)
