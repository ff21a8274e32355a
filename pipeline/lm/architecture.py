"""A model from scratch: its configuration and its seeded first weights."""

from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel, Qwen3Config, Qwen3ForCausalLM

from pipeline.schema.base import Architecture


def scratch_model(shape: Architecture, vocab_size: int, end_token: int, stop_tokens: list[int],
                  seed: int) -> PreTrainedModel:
    """Freshly drawn float32 weights; the same arguments give the same bytes.

    Args:
        end_token: id that ends a document and pads.
        stop_tokens: ids at which generation stops.
    """
    common: dict[str, Any] = {
        "vocab_size": vocab_size, "hidden_size": shape.hidden, "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads, "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.hidden // shape.heads, "intermediate_size": shape.intermediate,
        "max_position_embeddings": shape.context, "tie_word_embeddings": True,
        "rope_parameters": {"rope_type": "default", "rope_theta": shape.rope_theta},
        "bos_token_id": None, "eos_token_id": end_token, "pad_token_id": end_token,
    }
    torch.manual_seed(seed)
    model: PreTrainedModel = (Qwen3ForCausalLM(Qwen3Config(**common)) if shape.family == "qwen3"
                              else LlamaForCausalLM(LlamaConfig(**common)))
    assert model.generation_config is not None
    model.generation_config.eos_token_id = stop_tokens
    model.generation_config.pad_token_id = end_token
    return model
