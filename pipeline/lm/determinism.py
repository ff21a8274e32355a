"""Make two equal runs of torch give equal bytes, on one class of machine.

Seeds, thread count and precision switches are set here and nowhere else. What these switches cannot
promise (another CPU instruction set, another GPU class) is named by `numeric_platform`, which goes
into the lineage record, so a verifier can say "not reproducible here" instead of "differs".
"""

import os
import random

import numpy as np
import torch

CUBLAS_WORKSPACE = ":4096:8"
"""The only cuBLAS workspace shape with deterministic reductions at full speed
(docs.nvidia.com/cuda/cublas, "Results Reproducibility")."""


def configure(seed: int, threads: int) -> None:
    """Seed every generator, fix the thread count and forbid kernels whose sums change order.

    Args:
        seed: the stage's seed; Python, NumPy and torch (all devices) get the same one.
        threads: intra-op threads, part of the identity: a sum split another way rounds another way.
    """
    os.environ["CUBLAS_WORKSPACE_CONFIG"] = CUBLAS_WORKSPACE
    os.environ["TOKENIZERS_PARALLELISM"] = "false"  # forked loaders would otherwise warn and switch it off
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(mode=True)
    # filling costs 6 to 12 %; nothing reads what it did not write. The attribute is made at run time.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    random.seed(seed)
    np.random.seed(seed)  # libraries below draw from the global generator
    torch.manual_seed(seed)


def numeric_platform() -> dict[str, object]:
    """What equal bytes depend on beside the pins: device class and instruction set, no host name."""
    if torch.cuda.is_available():
        return {"device": torch.cuda.get_device_name(), "cuda": torch.version.cuda}
    return {"device": "cpu", "instructions": torch.backends.cpu.get_cpu_capability()}
