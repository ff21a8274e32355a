"""The policy to sample from: an adapter folded into its model, which reads and writes the same, faster."""

from pathlib import Path

from peft import PeftModel
from transformers import PreTrainedModel

from pipeline.lm.load import load_policy


def sampling_policy(checkpoint: Path, on: Path) -> PreTrainedModel:
    """The model `checkpoint` stands for, as plain weights in memory; nothing is written.

    Raises:
        BadInput: the adapter was trained on another model than `on`.
    """
    policy = load_policy(checkpoint, on)
    if not isinstance(policy, PeftModel):
        return policy
    merged = policy.merge_and_unload()
    assert isinstance(merged, PreTrainedModel)
    return merged.eval()
