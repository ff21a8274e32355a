import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline.redact.layers import ACTIVATION_MAX, LAYER_TOP, Layers
from tests.redact.exact import WIDTH, digest, exact_logits, worst_case
from tests.redact.worlds import random_grid


def test_layers_are_those_of_whole_numbers():
    grid, rng = random_grid(), np.random.default_rng(0)
    hidden = rng.integers(0, ACTIVATION_MAX + 1, (500, grid["exit"].shape[0])).astype(np.uint8)
    used = rng.random(500) > 0.2
    hidden[~used] = 0
    for places in (1, 2, 9, 500):
        got = Layers(grid).logits(hidden[:places], used[:places])
        assert (got == exact_logits(grid, hidden[:places], used[:places])[:places]).all()


def test_the_largest_weights_and_activations_too():
    grid, *tape = worst_case(LAYER_TOP)
    assert digest(Layers(grid).logits(*tape)) == digest(exact_logits(grid, *tape))


def test_no_sum_is_larger_than_a_processor_keeps():
    assert 2 * ACTIVATION_MAX * LAYER_TOP < 2**15  # of two products, where they are added in 16 bits
    assert 3 * WIDTH * ACTIVATION_MAX * LAYER_TOP + 2**15 < 2**24  # a float32's digits


@pytest.mark.skipif(not shutil.which("qemu-x86_64"), reason="needs qemu-user")
@pytest.mark.parametrize("processor", ["Nehalem", "Haswell", "max"])
def test_older_processors_give_the_same(processor):
    """None of them has VNNI; AVX2 adds pairs of products in 16 bits."""
    grid, *tape = worst_case(LAYER_TOP)
    assert on(processor, LAYER_TOP) == digest(exact_logits(grid, *tape))


@pytest.mark.skipif(not shutil.which("qemu-x86_64"), reason="needs qemu-user")
def test_larger_weights_would_not_be_the_same_on_all():
    grid, *tape = worst_case(127)
    assert on("Haswell", 127) != digest(exact_logits(grid, *tape))


def on(processor: str, top: int) -> str:
    """The worst case on a processor that qemu emulates."""
    folders = [str(Path.cwd()), *(path for path in sys.path if path.endswith("site-packages"))]
    return subprocess.run(
        ["qemu-x86_64", "-cpu", processor, os.path.realpath(sys.executable), "-m", "tests.redact.exact", str(top)],
        env={"PYTHONPATH": ":".join(folders), "OPENBLAS_NUM_THREADS": "1", "PATH": os.environ["PATH"]},
        capture_output=True, text=True, check=True, timeout=300,
    ).stdout.strip()
