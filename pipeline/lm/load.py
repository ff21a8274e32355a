"""Read checkpoints: full models and LoRA adapters, safetensors only, never code from a checkpoint."""

import importlib.util
import json
from pathlib import Path
from typing import Any, Literal

import torch
from peft import PeftModel
from safetensors import safe_open
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BitsAndBytesConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils.logging import disable_progress_bar

from pipeline.schema.errors import BadInput
from pipeline.stage.hashing import hash_artefact

ADAPTER_CONFIG = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"
PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt")
"""Suffixes under which weights travel as pickles, which run code when they are opened."""

Quantisation = Literal["none", "nf4"]


def is_adapter(folder: Path) -> bool:
    """Whether `folder` holds a LoRA adapter and not a full model."""
    return (folder / ADAPTER_CONFIG).is_file()


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The tokenizer of a full checkpoint, with its chat template (an adapter has that of its base).

    Raises:
        BadInput: the folder holds no tokenizer.json.
    """
    if not (folder / "tokenizer.json").is_file():
        raise BadInput(str(folder), "holds no tokenizer", wanted="tokenizer.json",
                       do="save one with `tokenizer.save_pretrained` (fast tokenizers only)")
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    assert isinstance(tokenizer, PreTrainedTokenizerBase)
    return tokenizer


def load_model(folder: Path, dtype: torch.dtype = torch.float32, quantisation: Quantisation = "none",
               spread: bool = False) -> PreTrainedModel:
    """A full checkpoint in evaluation mode, on the CPU unless `spread` (a Trainer moves it itself).

    Args:
        dtype: of the weights in memory; of the arithmetic when quantised.
        quantisation: "nf4" loads 4-bit NormalFloat weights for QLoRA (arXiv:2305.14314) and needs a GPU.
        spread: for inference: over the GPUs there are, layer by layer; on the CPU where there is none.

    Raises:
        BadInput: an adapter, no safetensors or a pickle is there, or bitsandbytes is missing.
    """
    if is_adapter(folder):
        raise BadInput(str(folder), "is an adapter", wanted="a full checkpoint",
                       do="use `load_policy(checkpoint, on=...)`")
    refuse_pickles(folder)
    disable_progress_bar()  # one bar a file, over in milliseconds
    extra: dict[str, Any] = {} if quantisation == "none" else {"quantization_config": _nf4(dtype)}
    if spread and torch.cuda.is_available():
        extra["device_map"] = "auto"
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=dtype, local_files_only=True, trust_remote_code=False, use_safetensors=True, **extra)
    assert isinstance(model, PreTrainedModel)
    return model.eval()


def load_policy(checkpoint: Path, on: Path, trainable: bool = False, dtype: torch.dtype = torch.float32,
                quantisation: Quantisation = "none") -> PreTrainedModel | PeftModel:
    """The model a checkpoint stands for: itself when full, or its adapter on the full model `on`.

    Args:
        on: the full model under an adapter; not read when `checkpoint` is full.
        trainable: whether the adapter's weights take gradients.

    Raises:
        BadInput: the adapter was trained on another base than `on`.
    """
    if not is_adapter(checkpoint):
        return load_model(checkpoint, dtype, quantisation)
    check_adapter_base(checkpoint, on)
    refuse_pickles(checkpoint)
    base = load_model(on, dtype, quantisation)
    return PeftModel.from_pretrained(base, checkpoint, is_trainable=trainable, local_files_only=True)


def check_adapter_base(adapter: Path, on: Path) -> None:
    """Refuse an adapter on weights it was not trained on; it would load and answer nonsense.

    Raises:
        BadInput: the digest in the adapter's configuration is not the tree digest of `on`.
    """
    named = json.loads((adapter / ADAPTER_CONFIG).read_text(encoding="utf-8"))["base_model_name_or_path"]
    found = base_reference(on)
    if named != found:
        raise BadInput(str(adapter / ADAPTER_CONFIG), f"the adapter does not belong on `{on}`",
                       wanted=str(named), got=found, do="`dvc repro` trains it on the present base")


def base_reference(on: Path) -> str:
    """How an adapter names its base: by content, so no path and no hub name can lie."""
    return f"sha256:{hash_artefact(on).digest}"


def stored_dtype(folder: Path) -> torch.dtype:
    """The type of the first weight of a full checkpoint."""
    first = min(folder.glob("*.safetensors"))
    with safe_open(first, framework="pt") as weights:
        stored: torch.dtype = weights.get_tensor(min(weights.keys())).dtype
        return stored


def refuse_pickles(folder: Path) -> None:
    """Raise `BadInput` when `folder` holds a file whose suffix means pickled weights."""
    pickles = sorted(path.name for path in folder.rglob("*") if path.suffix in PICKLES)
    if pickles:
        raise BadInput(str(folder), f"holds pickled weights {pickles}", wanted="*.safetensors only",
                       do="convert them; a pickle can run any code when it is opened")


def _nf4(compute_dtype: torch.dtype) -> BitsAndBytesConfig:
    if importlib.util.find_spec("bitsandbytes") is None:
        raise BadInput("params.yaml", "4-bit weights need bitsandbytes, which is not installed",
                       do="install the `qlora` group on a machine with a GPU, or set `quantisation: none`")
    return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True,
                              bnb_4bit_compute_dtype=compute_dtype)
