"""Finished shards outlive a killed driver, and are found again by a run that would do the same work.

What is the same is decided by content: the work with its parameters, the code it runs, the libraries,
the rows and files it reads, and how rows are cut into shards. A run of another identity starts anew
and removes what the other left. The folder lies beside the output (`pipeline.stage.outputs`).
"""

import hashlib
import importlib
import json
import shutil
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields, is_dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import polars as pl

from pipeline.engine.step import Work
from pipeline.stage.closure import import_closure
from pipeline.stage.hashing import file_sha256, hash_artefact
from pipeline.stage.outputs import remove, resume_folder_of

ROOT = Path(__file__).resolve().parents[2]
DIGEST_ROWS = 10_000


@contextmanager
def resumable(out: Path, identity: str) -> Iterator[Path]:
    """The folder of shards of `out` under `identity`, as a killed run left it.

    It is removed when all went well, and after an error if no shard is done.
    """
    kept = resume_folder_of(out)
    kept.mkdir(parents=True, exist_ok=True)
    for other in [path for path in kept.iterdir() if path.name != identity]:
        remove(other)
    folder = kept / identity
    folder.mkdir(exist_ok=True)
    try:
        yield folder
    except Exception:
        if not any(folder.glob("done/*.json")):
            _remove(folder)
        raise
    _remove(folder)


def _remove(folder: Path) -> None:
    shutil.rmtree(folder)
    with suppress(OSError):  # under the sandbox it is the kernel's to remove
        folder.parent.rmdir()


def identity_of(work: Work, rows: pl.DataFrame, count: int, reads: Sequence[Path]) -> str:
    """64 hex digits that name everything which decides what `count` shards of `work` give.

    Args:
        reads: files and folders that the work reads beside its rows.
    """
    module = sys.modules[_kind(work).__module__]
    decides = {
        "work": repr(work) if is_dataclass(work) else _kind(work).__qualname__,
        "code": _code(Path(str(module.__file__)).resolve()),
        "libraries": sorted(path.name for path in Path(sysconfig.get_paths()["purelib"]).glob("*.dist-info")),
        "rows": _digest(rows),
        "count": count,
        "reads": {str(path): hash_artefact(path).digest for path in reads},
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def importable(work: Work) -> Work:
    """`work` under its module's own name: what `python -m x` calls `__main__` is another module elsewhere."""
    spec = sys.modules["__main__"].__spec__
    if _kind(work).__module__ != "__main__" or spec is None or not is_dataclass(work):
        return work
    kind = getattr(importlib.import_module(spec.name), _kind(work).__qualname__)
    return cast(Work, kind(**{field.name: getattr(work, field.name) for field in fields(work)}))


def _kind(work: Work) -> Any:
    """The class of a callable object, or a function itself: both have a module and a qualified name."""
    return work if hasattr(work, "__qualname__") else type(work)


def _code(file: Path) -> dict[str, str]:
    """Digests of the project's files that `file` runs."""
    paths = import_closure(file.relative_to(ROOT), ROOT) if file.is_relative_to(ROOT) else [str(file)]
    return {path: file_sha256(ROOT / path) for path in paths}


def _digest(rows: pl.DataFrame) -> str:
    found = hashlib.sha256()
    for some in rows.iter_slices(DIGEST_ROWS):  # rows may hold texts: not all of them twice
        stream = BytesIO()
        some.rechunk().write_ipc(stream)
        found.update(stream.getbuffer())
    return found.hexdigest()
