"""Hash files and folders as artefacts (see `pipeline.lineage.manifest` for the digest)."""

import hashlib
import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from pipeline.lineage.manifest import tree_digest
from pipeline.schema.errors import BadInput


class Artefact(NamedTuple):
    """A file or a folder with the digest of every file in it."""

    path: str
    """As declared in `dvc.yaml`."""
    digest: str
    """Folder: sha256 of its manifest. File: its sha256."""
    entries: dict[str, str]
    """Relative path -> sha256; for a file, its own name."""
    num_bytes: int
    is_dir: bool


def file_sha256(path: Path) -> str:
    """The sha256 of a file's bytes, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def list_files(folder: Path) -> list[Path]:
    """Every file below `folder`, sorted. Nothing is skipped: what a hash leaves out, a stage may read all the same.

    Raises:
        BadInput: a symbolic link: what it points to is not part of the artefact. Or a pipe, a socket, a device: it has
            no bytes of its own, and to read it may take for ever.
    """
    found = []
    for parent, folders, names in os.walk(folder):
        for name in [*folders, *names]:
            _refuse_special(Path(parent, name))
        found += [Path(parent, name) for name in names]
    return sorted(found)


def _refuse_special(path: Path) -> None:
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        raise BadInput(str(path), "is a symbolic link", do="replace it by the file it names")
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise BadInput(str(path), "is a pipe, a socket or a device", wanted="files and folders", do="take it out")


def hash_artefact(path: Path, sha256: Callable[[Path], str] = file_sha256) -> Artefact:
    """The artefact at `path`, files hashed on all cores (hashlib releases the GIL).

    Args:
        sha256: digest of one file; the kernel passes one that knows files it has read before
            (`pipeline.stage.hashes`). Whoever verifies reads every byte.

    Raises:
        BadInput: nothing is there.
    """
    if path.is_file():
        digest = sha256(path)
        return Artefact(path.as_posix(), digest, {path.name: digest}, path.stat().st_size, is_dir=False)
    if not path.is_dir():
        raise BadInput(str(path), "does not exist", do="`dvc repro` makes it, `dvc pull` fetches it")
    files = list_files(path)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        digests = list(pool.map(sha256, files))
    entries = {file.relative_to(path).as_posix(): digest for file, digest in zip(files, digests, strict=True)}
    size = sum(file.stat().st_size for file in files)
    return Artefact(path.as_posix(), tree_digest(entries), entries, size, is_dir=True)
