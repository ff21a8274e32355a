"""Muon for matrices and AdamW for the rest, as one optimizer a Trainer can drive and resume."""

from collections.abc import Callable
from typing import Any

import torch
from torch.optim import AdamW, Muon

from pipeline.schema.training import Training

BETAS = (0.9, 0.95)
"""AdamW's moments, as usual for language models (Brown et al. 2020, arXiv:2005.14165, appendix B)."""

ADJUST = "match_rms_adamw"
"""Scale Muon's updates so that rates have AdamW's size (Liu et al. 2025, arXiv:2502.16982, section 2.2)."""


class MuonWithAdamW(torch.optim.Optimizer):
    """Two optimizers over disjoint parameters that step together and share one state dict.

    Muon orthogonalises the update of a hidden matrix (Jordan et al. 2024, kellerjordan.github.io/posts/muon);
    embeddings, norms and biases are not such matrices and keep AdamW.
    """

    def __init__(self, muon: Muon, adamw: AdamW) -> None:
        self.parts: tuple[torch.optim.Optimizer, ...] = (muon, adamw)
        super().__init__([group for part in self.parts for group in part.param_groups], {})
        self._share_groups()

    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Step both; `closure` is not used by either."""
        assert closure is None  # no trainer passes one
        for part in self.parts:
            part.step()

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clear the gradients of both."""
        for part in self.parts:
            part.zero_grad(set_to_none)

    def state_dict(self) -> dict[str, Any]:
        """`param_groups` (read by schedulers and trainers) and each part's own state."""
        return {"state": {}, "param_groups": [], "parts": [part.state_dict() for part in self.parts]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore both; the inverse of `state_dict`."""
        for part, state in zip(self.parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        self._share_groups()

    def _share_groups(self) -> None:
        """One list of group dicts, so a scheduler that sets `lr` here sets it in the parts."""
        self.param_groups = [group for part in self.parts for group in part.param_groups]


def make_optimizer(model: torch.nn.Module, params: Training) -> torch.optim.Optimizer:
    """The optimizer `params` names over the weights that take gradients."""
    named = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
    hidden = [weight for name, weight in named if is_hidden_matrix(name, weight)]
    tables = [weight for name, weight in named if weight.ndim >= 2 and not is_hidden_matrix(name, weight)]
    scales = [weight for _, weight in named if weight.ndim < 2]
    matrices = [] if params.optimizer == "muon" else hidden
    adamw = AdamW(
        [{"params": matrices + tables, "weight_decay": params.weight_decay},
         {"params": scales, "weight_decay": 0.0}],
        lr=params.learning_rate, betas=BETAS)
    if params.optimizer == "adamw" or not hidden:
        return adamw
    muon = Muon(hidden, lr=params.matrix_learning_rate, weight_decay=params.weight_decay, adjust_lr_fn=ADJUST)
    return MuonWithAdamW(muon, adamw)


def is_hidden_matrix(name: str, weight: torch.Tensor) -> bool:
    """Whether a weight maps hidden states to hidden states (Muon's domain): 2-D, no table of tokens."""
    return weight.ndim == 2 and not any(part in name for part in ("embed", "lm_head", "wte", "wpe"))
