"""Read `lineage/`: every stage's statement and manifests, strictly."""

from pathlib import Path
from typing import NamedTuple

from pipeline.lineage.chain import Run, read_run
from pipeline.lineage.manifest import parse_manifest, sha256
from pipeline.schema.errors import BadInput, NotVerified

STATEMENT = "statement.json"
CODE = "code.sha256sums"


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
        NotVerified: the statement is malformed or names another stage than its folder.
    """
    name = f"lineage/{folder.name}/{STATEMENT}"
    statement = (folder / STATEMENT).read_bytes()
    run = read_run(statement, name)
    if run.stage != folder.name:
        raise NotVerified(name, "statement of another stage", wanted=folder.name, got=run.stage)
    files = {path.relative_to(folder).as_posix(): path.read_bytes()
             for path in sorted(folder.rglob("*")) if path.is_file() and path.name != STATEMENT}
    return Record(run, statement, files)


def manifests(record: Record, name: str) -> dict[str, dict[str, str]]:
    """Product path -> its entries, each manifest checked against the digest in the statement.

    Raises:
        NotVerified: a manifest is missing, malformed or has another digest.
    """
    found = {}
    for path, file in record.run.manifests.items():
        if file not in record.files:
            raise NotVerified(f"{name}/{file}", "manifest missing", wanted=f"the manifest of {path}")
        entries = parse_manifest(record.files[file], f"{name}/{file}")
        own_name = path.rsplit("/", 1)[-1]
        digest = sha256(record.files[file]) if path in record.run.folders else entries.get(own_name, "no such file")
        if digest != record.run.products[path] or not (path in record.run.folders or len(entries) == 1):
            raise NotVerified(f"{name}/{file}", f"is not the manifest of {path} that stage {record.run.stage} recorded",
                              wanted=record.run.products[path], got=digest)
        found[path] = entries
    return found
