"""Checks 2 to 4: statements, manifests, and that what one stage made is what the next one read."""

import shlex

from pipeline.audit.checks.case import Case
from pipeline.audit.findings import Check
from pipeline.lineage.chain import Dependency
from pipeline.lineage.manifest import parse_manifest, tree_digest
from pipeline.lineage.sign import parse_json
from pipeline.schema.errors import NotVerified
from pipeline.stage.records import CODE, STATEMENT, Record, manifest_of, read_record


def read_all(case: Case) -> None:
    """Check 2 for every folder of `lineage/`; what can be read is kept, what cannot is a failure."""
    lineage = case.scene.root / "lineage"
    for folder in sorted(lineage.iterdir()) if lineage.is_dir() else []:
        with case.findings.looking(Check.RECORDS, folder.name):
            if folder.is_symlink() or not folder.is_dir():
                raise NotVerified(f"lineage/{folder.name}", "is not a folder of one stage's record")
            record = read_record(folder)
            check_shape(record)
            case.records[folder.name] = record


def check_shape(record: Record) -> None:
    """Check 2: the statement has the fields of `pipeline.schema.statement` and no other.

    Raises:
        NotVerified: names the first fields that differ.
    """
    from pydantic import ValidationError

    from pipeline.schema.statement import ProvenanceStatement

    name = f"lineage/{record.run.stage}/{STATEMENT}"
    try:
        ProvenanceStatement.model_validate(parse_json(record.statement, name))
    except ValidationError as err:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in err.errors()[:5])
        raise NotVerified(name, "is not the statement of a stage, or says more than one may", got=wrong) from err


def check_record(case: Case, stage: str) -> None:
    """Checks 3 and 4 for one stage."""
    record, folder = case.records[stage], f"lineage/{stage}"
    for path in record.run.manifests:
        with case.findings.looking(Check.MANIFESTS, stage):
            if not _withheld(case, record, path):
                manifest_of(record, path, folder)
    with case.findings.looking(Check.MANIFESTS, stage):
        code_entries(record)
    with case.findings.looking(Check.MANIFESTS, stage):
        _check_strays(case, record, folder)
    with case.findings.looking(Check.MATERIALS, stage):
        check_command(record)
    for material in record.run.materials:
        with case.findings.looking(Check.MATERIALS, stage):
            _check_material(case, material, folder)


def entries_of(record: Record, path: str) -> dict[str, str] | None:
    """The recorded entries of a product; None when its manifest is withheld or (check 3) no good."""
    try:
        return manifest_of(record, path, "")
    except NotVerified:
        return None


def code_entries(record: Record) -> dict[str, str]:
    """Code file -> sha256, as the stage ran it.

    Raises:
        NotVerified: the manifest is missing, malformed or not the one the statement names.
    """
    name = f"lineage/{record.run.stage}/{CODE}"
    if CODE not in record.files:
        raise NotVerified(name, "manifest missing", wanted="the manifest of the stage's code")
    entries = parse_manifest(record.files[CODE], name)
    if tree_digest(entries) != record.run.code_digest:
        raise NotVerified(name, "is not the code that the statement names", wanted=record.run.code_digest,
                          got=tree_digest(entries))
    return entries


def _withheld(case: Case, record: Record, path: str) -> bool:
    """In a release, dataset manifests may be kept back: file names of a private lake say too much."""
    absent = record.run.manifests[path] not in record.files
    if case.scene.released and absent and path.startswith("data/"):
        case.findings.absent(f"manifest of {path}", "withheld by the producer; its digest is signed")
        return True
    return False


def _check_strays(case: Case, record: Record, folder: str) -> None:
    known = set(record.run.manifests.values()) | {CODE}
    for stray in sorted(set(record.files) - known):
        if not stray.endswith(".link"):  # check 6 accounts for links
            case.findings.add(Check.MANIFESTS, record.run.stage,
                              NotVerified(f"{folder}/{stray}", "a file that no record accounts for"))


def check_command(record: Record) -> None:
    """Check 4: every path that the command names is a material or product of the stage, or holds one.

    A dependency left out of the record but still on the command line is an omission.

    Raises:
        NotVerified: names the path.
    """
    known = [*(material.path for material in record.run.materials), *record.run.products]
    for word in shlex.split(record.run.cmd)[1:]:
        if "/" in word and "://" not in word and not any(path == word or path.startswith(f"{word}/") for path in known):
            raise NotVerified(f"lineage/{record.run.stage}/{STATEMENT}", "leaves out a path that the command names",
                              wanted=f"{word} among its materials or products", got="not recorded")


def _check_material(case: Case, material: Dependency, folder: str) -> None:
    """Check 4: a material that a stage made is that stage's product, byte for byte."""
    producers = [stage for stage, run in case.runs.items() if material.path in run.products]
    if not material.producer:
        if producers:
            raise NotVerified(f"{folder}/statement.json", f"calls {material.path} a root of the chain, "
                              f"but stage {producers[0]} made it", wanted=f"producer {producers[0]}", got="none")
        return
    if material.producer not in case.records:
        raise NotVerified(f"{folder}/statement.json", f"names stage {material.producer}, which has no record",
                          wanted=f"lineage/{material.producer}/statement.json")
    made = case.runs[material.producer].products.get(material.path, "nothing")
    if made != material.digest:
        raise NotVerified(material.path, f"stage {material.producer} made other bytes than the next stage read",
                          wanted=made, got=material.digest)
