"""Whole-or-nothing outputs: a path either holds a finished result or does not exist.

Until it is finished, output `x` is made in the folder `.x.partial` beside it: the same file system, so
that it is put in place by a rename, and a place DVC and Git do not look at. Under the kernel's sandbox
a stage may write there and nowhere else beside its outs; the kernel then puts all of them in place
when `main` has ended well (`place_later`), so a stage reads an output back from its scratch only.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_LATER: set[str] = set()
"""Real paths of the outs that the kernel puts in place."""


@contextmanager
def output_dir(out: Path) -> Iterator[Path]:
    """A scratch folder that becomes `out` when the block ends without an error."""
    with _scratch(out) as scratch:
        scratch.mkdir()
        yield scratch


@contextmanager
def output_file(out: Path) -> Iterator[Path]:
    """A scratch path that becomes the file `out` when the block ends without an error."""
    with _scratch(out) as scratch:
        yield scratch


@contextmanager
def work_folder(out: Path) -> Iterator[Path]:
    """An empty folder for intermediate files of `out`, on its file system; gone when the block ends.

    Unlike a temporary folder it is one that workers on other machines reach when they reach `out`.
    """
    partial = partial_folder(out)
    partial.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(prefix="work-", dir=partial) as folder:
            yield Path(folder)
    finally:
        _remove_if_empty(partial)


def partial_folder(out: Path) -> Path:
    """Where `out` is made."""
    return out.with_name(f".{out.name}.partial")


def resume_folder_of(out: Path) -> Path:
    """Where training state of `out` is kept between a killed run and the next."""
    return out.with_name(f".{out.name}.resume")


def place_later(outs: Iterable[Path]) -> None:
    """From now on leave finished `outs` in their partial folders, in this process and its forks."""
    _LATER.update(os.path.realpath(out) for out in outs)


def place(out: Path) -> bool:
    """Put a finished output in place of what is there; False when none was made."""
    made = partial_folder(out) / out.name
    if not made.exists():
        return False
    if made.is_dir():
        shutil.rmtree(out, ignore_errors=True)
    os.replace(made, out)
    return True


def make_room(outs: Iterable[Path]) -> None:
    """Make the folders that `outs` are made in: partial folders empty, state to resume from kept."""
    for out in outs:
        shutil.rmtree(partial_folder(out), ignore_errors=True)
        partial_folder(out).mkdir(parents=True)
        resume_folder_of(out).mkdir(exist_ok=True)


def clear_room(outs: Iterable[Path]) -> None:
    """Remove the partial folders of `outs` with what is in them, and resume folders that are empty."""
    for out in outs:
        shutil.rmtree(partial_folder(out), ignore_errors=True)
        _remove_if_empty(resume_folder_of(out))


@contextmanager
def _scratch(out: Path) -> Iterator[Path]:
    """The path to make `out` at; afterwards it is in place, or, after an error, gone."""
    partial = partial_folder(out)
    partial.mkdir(parents=True, exist_ok=True)
    scratch = partial / out.name
    remove(scratch)  # left by a killed run
    try:
        yield scratch
        if os.path.realpath(out) not in _LATER:
            place(out)
    except BaseException:
        remove(scratch)
        raise
    finally:
        _remove_if_empty(partial)


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):  # not empty, not there, or not ours to remove under the sandbox
        folder.rmdir()


def json_bytes(value: object) -> bytes:
    """`value` as indented JSON with sorted keys and a final newline; NaN is refused."""
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode()


def write_json(out: Path, value: object) -> None:
    """Write `json_bytes(value)` to `out`, whole or not at all."""
    with output_file(out) as scratch:
        scratch.write_bytes(json_bytes(value))
