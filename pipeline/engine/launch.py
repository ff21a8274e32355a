"""Start a training module in several processes with `accelerate launch`, DeepSpeed included.

World size, precision and the DeepSpeed file are identity: they come from params. Only what cannot
change bytes is chosen here (the port). The processes inherit the environment.
"""

import ctypes
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

from pipeline.schema.errors import BadInput, BrokenContract

AUTO_KEYS = ("train_batch_size", "train_micro_batch_size_per_gpu", "gradient_accumulation_steps",
             "gradient_clipping")
"""Numbers that params decide: the Trainer fills an "auto" from its arguments, so they cannot disagree."""
PR_SET_PDEATHSIG = 1
"""linux/prctl.h"""
STAGES = (0, 1, 2, 3)
OFFLOAD_DEVICES = ("none", "cpu", "nvme")


def needs_launch(world_size: int, deepspeed: str) -> bool:
    """Whether a run needs processes of its own."""
    return world_size > 1 or bool(deepspeed)


def launch(module: str, job: Path, world_size: int, precision: str, deepspeed: str) -> None:
    """Run `python -m module --job job` in `world_size` processes and wait for all.

    Raises:
        BadInput: DeepSpeed is asked for and missing or its file is wrong, or there are too few GPUs.
        BrokenContract: a process failed; its own message is on stderr.
    """
    if deepspeed:
        check_deepspeed(Path(deepspeed), precision)
    check_devices(world_size)
    command = launch_command(module, job, world_size, precision, deepspeed, port=free_port())
    # a group of its own: when this process is interrupted or killed, no rank stays behind
    child = subprocess.Popen(command, start_new_session=True, preexec_fn=_die_with_parent)
    try:
        status = child.wait()
    except BaseException:
        os.killpg(child.pid, signal.SIGTERM)
        child.wait()
        raise
    if status:
        raise BrokenContract(f"accelerate launch {module}", "a process failed", wanted="exit status 0",
                             got=str(status), do="its message is above; a rerun resumes from the last state")


def _die_with_parent() -> None:
    """Ask Linux to end the launcher, which ends its ranks, when the stage is killed with SIGKILL."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def launch_command(module: str, job: Path, world_size: int, precision: str, deepspeed: str,
                   port: int) -> list[str]:
    """The `accelerate launch` line; every switch is explicit, so no configuration file of the user is read."""
    # --multi_gpu stands for "start one process a rank with torchrun"; without it, several processes on
    # CPUs are left to MPI. Where there is no GPU the ranks find that out and talk over gloo.
    devices = ["--multi_gpu"] if world_size > 1 and not deepspeed else []
    # the Trainer reads the DeepSpeed file itself (TrainingArguments.deepspeed)
    return [sys.executable, "-m", "accelerate.commands.launch", *devices,
            *(["--use_deepspeed", "--deepspeed_config_file", deepspeed] if deepspeed else []),
            "--num_processes", str(world_size), "--num_machines", "1", "--dynamo_backend", "no",
            "--mixed_precision", "bf16" if precision == "bf16" else "no",
            "--main_process_ip", "127.0.0.1", "--main_process_port", str(port),
            "--num_cpu_threads_per_process", "1",
            "--module", module, "--job", str(job)]


def check_devices(world_size: int) -> None:
    """Raise `BadInput` when a GPU machine has fewer GPUs than ranks; CPUs take any number."""
    found = torch.cuda.device_count()
    if torch.cuda.is_available() and found < world_size:
        raise BadInput("params.yaml", "more processes than GPUs", wanted=f"{world_size} GPUs", got=str(found),
                       do="lower `world_size` (it changes the bytes) or run on a larger machine")


def check_deepspeed(path: Path, precision: str) -> dict[str, Any]:
    """The DeepSpeed settings in `path`, after everything that can be checked without DeepSpeed.

    Raises:
        BadInput: not JSON, a number fixed that params decide, an impossible value, or no DeepSpeed.
    """
    settings = read_deepspeed(path, precision)
    if importlib.util.find_spec("deepspeed") is None:
        raise BadInput(str(path), "DeepSpeed is not installed",
                       do="install the `deepspeed` group on the GPU machine, or set `deepspeed: \"\"`")
    return settings


def read_deepspeed(path: Path, precision: str) -> dict[str, Any]:
    """The settings in `path`, checked against what params decide and what the format allows."""
    try:
        settings: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as err:
        raise BadInput(str(path), "no such DeepSpeed file", do="correct `deepspeed` in params.yaml") from err
    except ValueError as err:
        raise BadInput(str(path), f"is not JSON ({err})") from err
    problems = [f"`{key}` is {settings.get(key)!r}, must be \"auto\"" for key in AUTO_KEYS
                if settings.get(key) != "auto"]
    zero = settings.get("zero_optimization", {})
    if zero.get("stage") not in STAGES:
        problems.append(f"`zero_optimization.stage` is {zero.get('stage')!r}, must be one of {STAGES}")
    problems += [f"`zero_optimization.{key}.device` is {zero[key].get('device')!r}, must be one of {OFFLOAD_DEVICES}"
                 for key in ("offload_optimizer", "offload_param")
                 if key in zero and zero[key].get("device") not in OFFLOAD_DEVICES]
    if zero.get("stage") == 3 and not zero.get("stage3_gather_16bit_weights_on_model_save"):
        problems.append("`stage3_gather_16bit_weights_on_model_save` must be true, or no whole model can be saved")
    rates = settings.get("optimizer", {}).get("params", {})
    problems += [f"`optimizer.params.{key}` is {value!r}, must be \"auto\"" for key, value in sorted(rates.items())
                 if value != "auto"]
    if zero.get("offload_optimizer", {}).get("device", "none") != "none" and "optimizer" not in settings:
        problems.append("`offload_optimizer` needs DeepSpeed's own `optimizer` (type AdamW, params \"auto\")")
    if (settings.get("bf16", {}).get("enabled") is True) != (precision == "bf16"):
        problems.append(f"`bf16.enabled` does not agree with `precision: {precision}`")
    if problems:
        raise BadInput(str(path), "; ".join(problems))
    return settings


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
