"""Read `lineage/`: every stage's statement and manifests, strictly."""

import os
import stat
from pathlib import Path
from typing import NamedTuple

from pipeline.lineage.chain import Run, read_run
from pipeline.lineage.manifest import parse_manifest, sha256
from pipeline.schema.errors import BadInput, NotVerified

STATEMENT = "statement.json"
CODE = "code.sha256sums"
MAX_RECORD_BYTES = 512 * 2**20
"""A manifest of five million files fits; a larger file is not read into memory."""


class Record(NamedTuple):
    """One stage's folder under `lineage/`, its parts not yet compared with each other."""

    run: Run
    statement: bytes
    files: dict[str, bytes]
    """Every file of the folder but the statement: name -> bytes."""


def read_records(lineage: Path) -> dict[str, Record]:
    """Stage -> record, for every folder of `lineage` that holds a statement.

    Raises:
        BadInput: there is no such folder, or no statement in it.
        NotVerified: a statement is malformed or names another stage than its folder.
    """
    if not lineage.is_dir():
        raise BadInput(str(lineage), "no such folder", do="`dvc repro` writes the lineage records")
    records = {folder.name: read_record(folder) for folder in sorted(lineage.iterdir())
               if (folder / STATEMENT).is_file()}
    if not records:
        raise BadInput(str(lineage), "holds no statement", do="`dvc repro` writes the lineage records")
    return records


def read_record(folder: Path) -> Record:
    """The record in `folder`.

    Raises:
        NotVerified: the statement is malformed or names another stage than its folder, or an entry
            is not a plain file of bearable size.
    """
    name = f"lineage/{folder.name}/{STATEMENT}"
    statement = read_bounded(folder / STATEMENT, name)
    run = read_run(statement, name)
    if run.stage != folder.name:
        raise NotVerified(name, "statement of another stage", wanted=folder.name, got=run.stage)
    files = {path.relative_to(folder).as_posix(): read_bounded(path, f"lineage/{folder.name}/{path.name}")
             for path in sorted(folder.rglob("*")) if not path.is_dir() and path.name != STATEMENT}
    return Record(run, statement, files)


def read_bounded(path: Path, name: str, limit: int = MAX_RECORD_BYTES) -> bytes:
    """The bytes of a plain file of at most `limit` bytes; `name` is for errors.

    Opened without following a link and without waiting for a pipe's other end: what lies in a
    folder from elsewhere may be anything.

    Raises:
        NotVerified: missing, a link, not a plain file, or larger.
    """
    try:
        with open(path, "rb", opener=_unfollowed) as stream:
            facts = os.fstat(stream.fileno())
            if not stat.S_ISREG(facts.st_mode) or facts.st_size > limit:
                raise NotVerified(name, "not a plain file of bearable size", wanted=f"at most {limit} bytes",
                                  got=f"{facts.st_size} bytes, mode {facts.st_mode:o}")
            return stream.read(limit)
    except FileNotFoundError as err:
        raise NotVerified(name, "is missing", do="in a clone, `dvc pull` or `dvc checkout` brings what Git does not "
                                                 "keep") from err
    except OSError as err:
        raise NotVerified(name, f"cannot be read as a plain file ({err.strerror})") from err


def _unfollowed(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def manifests(record: Record, name: str) -> dict[str, dict[str, str]]:
    """Product path -> its entries, each manifest checked against the digest in the statement.

    Raises:
        NotVerified: a manifest is missing, malformed or has another digest.
    """
    return {path: manifest_of(record, path, name) for path in record.run.manifests}


def manifest_of(record: Record, path: str, name: str) -> dict[str, str]:
    """The entries of product `path`, its manifest checked against the digest in the statement.

    Raises:
        NotVerified: the manifest is missing, malformed or has another digest.
    """
    file = record.run.manifests[path]
    if file not in record.files:
        raise NotVerified(f"{name}/{file}", "manifest missing", wanted=f"the manifest of {path}")
    entries = parse_manifest(record.files[file], f"{name}/{file}")
    own_name = path.rsplit("/", 1)[-1]
    digest = sha256(record.files[file]) if path in record.run.folders else entries.get(own_name, "no such file")
    if digest != record.run.products[path] or not (path in record.run.folders or len(entries) == 1):
        raise NotVerified(f"{name}/{file}", f"is not the manifest of {path} that stage {record.run.stage} recorded",
                          wanted=record.run.products[path], got=digest)
    return entries
