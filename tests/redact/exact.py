"""The tagger's layers in plain 64-bit whole numbers, and a worst case for them; run as a program, what this machine's
onnxruntime makes of it."""

import hashlib
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.redact.layers import ACTIVATION_MAX, DILATIONS, LAYER_BITS, LAYER_TOP, SUM_BITS, Layers

WIDTH, LABELS, PLACES = 128, 13, 300  # the largest width that params allow


def exact_logits(grid: dict[str, Any], hidden_LC: NDArray[Any], used_L: NDArray[Any]) -> NDArray[np.float64]:
    """(L, K)"""
    hidden = hidden_LC.astype(np.int64)
    for number, dilation in enumerate(DILATIONS):
        before, own, behind = (hidden @ third for third in np.split(grid[f"near.{number}"].astype(np.int64), 3))
        own[dilation:] += before[:-dilation]
        own[:-dilation] += behind[dilation:]
        near = np.rint((own + grid[f"bias.{number}"]) / 2**LAYER_BITS).astype(np.int64)
        hidden = np.minimum(hidden + np.maximum(near, 0), ACTIVATION_MAX) * used_L[:, None]
    sums = hidden @ grid["exit"].astype(np.int64) + grid["exit_bias"]
    return sums / 2.0**SUM_BITS


def worst_case(top: int) -> tuple[dict[str, Any], NDArray[np.uint8], NDArray[np.bool_]]:
    """Weights that are often -top or top, activations that are often as large as they can be; (grid, hidden, used)."""
    rng = np.random.default_rng(3)

    def weights(*shape: int) -> NDArray[np.int16]:
        drawn = rng.choice([-top, top, 0, 1, -7], shape, p=[0.2, 0.2, 0.3, 0.2, 0.1]).astype(np.int16)
        drawn[:, :2], drawn[:, 2:4] = top, -top
        return drawn

    grid = {"exit": weights(WIDTH, LABELS), "exit_bias": rng.integers(-(2**15), 2**15, LABELS).astype(np.int16)}
    for number in range(len(DILATIONS)):
        grid[f"near.{number}"] = weights(3 * WIDTH, WIDTH)
        grid[f"bias.{number}"] = rng.integers(-(2**15), 2**15, WIDTH).astype(np.int16)
    hidden = rng.integers(0, ACTIVATION_MAX + 1, (PLACES, WIDTH)).astype(np.uint8)
    hidden[100:150] = ACTIVATION_MAX
    used = rng.random(PLACES) > 0.1
    hidden[~used] = 0
    return grid, hidden, used


def digest(logits: NDArray[Any]) -> str:
    """Of the numbers, whatever type holds them."""
    return hashlib.sha256(logits.astype(np.float64).tobytes()).hexdigest()


if __name__ == "__main__":
    grid, *tape = worst_case(int(sys.argv[1]) if sys.argv[1:] else LAYER_TOP)
    print(digest(Layers(grid).logits(*tape)))
