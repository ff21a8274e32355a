"""Training state that survives a kill: a run that died goes on and ends in the same bytes.

State lives beside the stage's output, in `.<out>.resume/<identity>/checkpoint-<step>/`, where DVC does
not look. `identity` is a digest of all that decides the bytes, so a state left by another
configuration, another input or other code is never continued. A state counts once its `whole.json`
lists every file with its size; a kill during a save leaves none, and the save before it is used.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

import pipeline
from pipeline.schema.env import Env
from pipeline.schema.section import Section
from pipeline.stage.closure import import_closure
from pipeline.stage.hashes import seen_sha256
from pipeline.stage.hashing import file_sha256, hash_artefact, list_files
from pipeline.stage.outputs import resume_folder_of
from pipeline.stage.params import load_section
from pipeline.stage.progress import say

WHOLE = "whole.json"


def training_identity(stage: str, params: Section, inputs: Mapping[str, Path], **more: object) -> str:
    """16 hex digits over all that decides the bytes of a training stage.

    Args:
        stage: file name of the stage; its code closure is part of the identity.
        inputs: flag -> input file or folder, hashed here.
        more: further JSON values, for example the candidate or the round.
    """
    root = Path(pipeline.__file__).parents[1]
    code = import_closure(Path("pipeline", "stages", f"{stage}.py"), root)
    parts = {
        "stage": stage,
        "params": params.model_dump(mode="json"),
        "env": load_section(Env, "env").model_dump(mode="json"),
        "inputs": {name: hash_artefact(path, seen_sha256).digest for name, path in inputs.items()},
        "code": {path: file_sha256(root / path) for path in code},
        "more": more,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


@contextmanager
def resume_folder(out: Path, identity: str) -> Iterator[Path]:
    """The folder for training state of `out`; states of other identities go, on success all go."""
    parent = resume_folder_of(out)
    folder = parent / identity
    for stale in parent.glob("*"):
        if stale != folder:
            shutil.rmtree(stale)
    folder.mkdir(parents=True, exist_ok=True)
    yield folder
    shutil.rmtree(folder)
    with suppress(PermissionError):  # under the sandbox its parent is not ours; the kernel removes it
        parent.rmdir()


def train_resumably(trainer: Trainer) -> None:
    """Train from the newest whole state in the trainer's `output_dir`, or from the start.

    The trainer's arguments need `save_strategy="steps"` and its `save_steps`; every rank calls this.
    """
    assert trainer.args.output_dir is not None  # TrainingArguments of every stage set it
    trainer.add_callback(MarkWhole())
    state = newest_state(Path(trainer.args.output_dir))
    if state is not None and trainer.is_world_process_zero():
        say(f"resuming from {state.name}")
    trainer.train(resume_from_checkpoint=None if state is None else str(state))


def newest_state(folder: Path) -> Path | None:
    """The whole state of the highest step in `folder`."""
    states = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.rpartition("-")[2]))
    whole = [state for state in states if is_whole(state)]
    return whole[-1] if whole else None


def is_whole(state: Path) -> bool:
    """Whether every file that was saved is there with its size."""
    try:
        sizes: dict[str, int] = json.loads((state / WHOLE).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return False
    return all((state / name).is_file() and (state / name).stat().st_size == size
               for name, size in sizes.items())


def mark_whole(state: Path) -> None:
    """List the files of a finished state in its `whole.json`, which appears in one step."""
    sizes = {path.relative_to(state).as_posix(): path.stat().st_size for path in list_files(state)}
    scratch = state / f".{WHOLE}"
    scratch.write_text(json.dumps(sizes), encoding="utf-8")
    scratch.rename(state / WHOLE)


class MarkWhole(TrainerCallback):
    """Mark each state when the trainer has finished writing it."""

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl,  # noqa: ARG002
                **_: Any) -> None:
        """Called by the trainer after the last file of `checkpoint-<step>` is closed."""
        if state.is_world_process_zero:
            assert args.output_dir is not None
            mark_whole(Path(args.output_dir, f"checkpoint-{state.global_step}"))
