"""Whole-or-nothing outputs: a path either holds a finished result or does not exist."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def output_dir(out: Path) -> Iterator[Path]:
    """A scratch folder beside `out` that becomes `out` when the block ends without an error."""
    scratch = out.with_name(f".{out.name}.partial")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        yield scratch
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    shutil.rmtree(out, ignore_errors=True)
    scratch.rename(out)


@contextmanager
def output_file(out: Path) -> Iterator[Path]:
    """A scratch path beside `out` that replaces `out` when the block ends without an error."""
    out.parent.mkdir(parents=True, exist_ok=True)
    scratch = out.with_name(f".{out.name}.partial")
    try:
        yield scratch
        os.replace(scratch, out)
    finally:
        scratch.unlink(missing_ok=True)


def json_bytes(value: object) -> bytes:
    """`value` as indented JSON with sorted keys and a final newline; NaN is refused."""
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode()


def write_json(out: Path, value: object) -> None:
    """Write `json_bytes(value)` to `out`, whole or not at all."""
    with output_file(out) as scratch:
        scratch.write_bytes(json_bytes(value))
