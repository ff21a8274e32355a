"""Weights between two models of one shape."""

import torch
from transformers import PreTrainedModel


@torch.no_grad()
def share_weights(model: PreTrainedModel, other: PreTrainedModel, share: float) -> None:
    """Set `model` to share * other + (1 - share) * model, in place.

    Args:
        share: in [0, 1); 0 leaves every bit as it is.
    """
    if share == 0:
        return
    weights = dict(other.named_parameters())
    for name, weight in model.named_parameters():  # tied weights are listed once
        weight.copy_((share * weights[name].float() + (1 - share) * weight.float()).to(weight.dtype))
