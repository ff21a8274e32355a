"""Verify the lineage of a checkpoint, offline and without torch.

The checks, by number; each is repeated at the code that performs it.
    1 records      every statement upstream is well formed and names its own folder
    2 manifests    each product's manifest has the digest its statement says; no stray file in the folder
    3 links        each material that a stage made is, byte for byte, that stage's product
    4 signature    every claim and model.sig is signed by an accepted key
    5 claims       the five kinds of claim are all there, each about this checkpoint's bytes
    6 chain        the signed chain names exactly these statements, by their sha256
    7 ancestry     a dataset and a base both lead to the checkpoint
    8 bytes        what is present (data, models, the lake) has the bytes the records say
    9 code         what is present of the code and of params.yaml is what ran
   10 verdict      the signed test result is that of gate.json, and the card's files are the signed ones
What is recorded but absent is listed as not seen, never as held.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pipeline.audit.findings import Findings
from pipeline.lineage.bom import CYCLONEDX
from pipeline.lineage.chain import CHAIN_TYPE, close_chain, upstream
from pipeline.lineage.claims import MODEL_SIGNING, REFERENCE, TEST_RESULT
from pipeline.lineage.links import open_links
from pipeline.lineage.manifest import manifest_text, parse_manifest, sha256, tree_digest
from pipeline.lineage.sign import open_bundle, parse_json, public_pem
from pipeline.lineage.statement import PREDICATE_TYPE
from pipeline.schema.errors import BadInput, NotVerified
from pipeline.stage.hashing import file_sha256, hash_artefact
from pipeline.stage.params import read_yaml
from pipeline.stage.records import CODE, Record, manifests, read_record

CLAIMS = (PREDICATE_TYPE, CHAIN_TYPE, TEST_RESULT, CYCLONEDX, REFERENCE)
ATTESTATION_FILES = {"claims.jsonl", "model.sig", "root.layout", "keyring.json", "key.pub"}

Keys = list[Any]
"""Accepted P-256 public keys."""


def verify_tree(root: Path, checkpoints: list[str], keys: Keys, *, whole: bool) -> Findings:
    """Verify `checkpoints` (paths such as `models/sft`) of the tree at `root`.

    `whole` adds every other record of `lineage/`, so that nothing in the tree goes unlooked at.
    """
    findings = Findings()
    records = _read_all(root / "lineage", findings)
    reach = set(records) if whole else _reach(checkpoints, records, findings)
    for stage in sorted(reach & set(records)):
        _verify_record(root, stage, records, findings)
        with findings.looking("4 signature", stage):
            _check_links(records[stage], keys, stage)
    for checkpoint in checkpoints:
        _verify_checkpoint(root, checkpoint, records, keys, findings)
    return findings


def _read_all(lineage: Path, findings: Findings) -> dict[str, Record]:
    """Check 1 for every folder."""
    records = {}
    for folder in sorted(path for path in lineage.iterdir() if path.is_dir()) if lineage.is_dir() else []:
        with findings.looking("1 records", folder.name):
            if not (folder / "statement.json").is_file():
                raise NotVerified(f"lineage/{folder.name}/statement.json", "statement missing")
            records[folder.name] = read_record(folder)
    for stray in sorted(path.name for path in lineage.iterdir() if not path.is_dir()) if lineage.is_dir() else []:
        findings.add("2 manifests", "-", NotVerified(f"lineage/{stray}", "a file that no record accounts for"))
    return records


def _reach(checkpoints: list[str], records: dict[str, Record], findings: Findings) -> set[str]:
    runs = {stage: record.run for stage, record in records.items()}
    reach: set[str] = set()
    for checkpoint in checkpoints:
        for artefact in _judged(checkpoint):
            with findings.looking("6 chain", checkpoint):
                reach |= set(upstream([artefact], runs))
    return reach


def _judged(checkpoint: str) -> list[str]:
    """The recorded artefacts a checkpoint's attestation speaks of."""
    return [checkpoint, f"{checkpoint}.eval/metrics.json", f"{checkpoint}.gate/gate.json"]


def _verify_record(root: Path, stage: str, records: dict[str, Record], findings: Findings) -> None:
    record, folder = records[stage], f"lineage/{stage}"
    products: dict[str, dict[str, str]] = {}
    with findings.looking("2 manifests", stage):
        products = manifests(record, folder)
    for stray in sorted(set(record.files) - set(record.run.manifests.values()) - {CODE} - _links(record)):
        findings.add("2 manifests", stage, NotVerified(f"{folder}/{stray}", "a file that no record accounts for"))
    for material in record.run.materials:  # 3 links
        with findings.looking("3 links", stage):
            _check_link(material.path, material.digest, material.producer, records, folder)
    for path, entries in products.items():  # 8 bytes
        _check_bytes(root, path, entries, record.run.products[path], stage, findings)
    for material in record.run.materials:
        if not material.producer:
            _check_root(root, material.path, material.digest, stage, findings)
    _check_code(root, record, stage, findings)
    with findings.looking("9 code", stage):
        _check_params(root, record)


def _links(record: Record) -> set[str]:
    return {name for name in record.files if name.endswith(".link")}


def _check_links(record: Record, keys: Keys, stage: str) -> None:
    if not open_links(record.files, record.run, keys, f"lineage/{stage}"):
        raise NotVerified(f"lineage/{stage}", "no signed link")


def _check_link(path: str, digest: str, producer: str, records: dict[str, Record], folder: str) -> None:
    if not producer:
        return
    if producer not in records:
        raise NotVerified(f"{folder}/statement.json", f"names stage {producer}, which has no record",
                          wanted=f"lineage/{producer}/statement.json")
    made = records[producer].run.products.get(path, "nothing")
    if made != digest:
        raise NotVerified(path, f"stage {producer} made other bytes than the next stage read", wanted=made, got=digest)


def _check_bytes(root: Path, path: str, entries: dict[str, str], digest: str, stage: str, findings: Findings) -> None:
    place = root / path
    if not place.exists():
        findings.absent(path, "recorded, not present here")
        return
    with findings.looking("8 bytes", stage):
        found = hash_artefact(place)
        if found.digest == digest:
            return
        for name in sorted(set(entries) | set(found.entries)):
            if entries.get(name) != found.entries.get(name):
                where = f"{path}/{name}" if found.is_dir else path
                findings.add("8 bytes", stage, NotVerified(where, "is not the file that was recorded",
                             wanted=entries.get(name, "no such file"), got=found.entries.get(name, "nothing")))


def _check_root(root: Path, path: str, digest: str, stage: str, findings: Findings) -> None:
    if not (root / path).exists():
        findings.absent(path, f"a root of the chain (read by {stage}), not present here")
        return
    with findings.looking("8 bytes", stage):
        found = hash_artefact(root / path)
        if found.digest != digest:
            raise NotVerified(path, f"is not what stage {stage} read", wanted=digest, got=found.digest)


def _check_code(root: Path, record: Record, stage: str, findings: Findings) -> None:
    entries: dict[str, str] = {}
    with findings.looking("2 manifests", stage):
        name = f"lineage/{stage}/{CODE}"
        entries = parse_manifest(record.files.get(CODE, b""), name)
        if tree_digest(entries) != record.run.code_digest:
            raise NotVerified(name, "is not the code that the statement names", wanted=record.run.code_digest,
                              got=tree_digest(entries))
    for path, digest in entries.items():  # 9 code
        if not (root / path).is_file():
            findings.absent(path, f"code of stage {stage}, not present here")
            continue
        with findings.looking("9 code", stage):
            if file_sha256(root / path) != digest:
                raise NotVerified(path, f"is not the code that stage {stage} ran", wanted=digest,
                                  got=file_sha256(root / path))


def _check_params(root: Path, record: Record) -> None:
    if not (root / "params.yaml").is_file():
        return
    now = read_yaml(root / "params.yaml")
    for key, value in record.run.params.items():
        found: Any = now
        for part in key.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        if _plain(found) != _plain(value):
            raise NotVerified(f"params.yaml: {key}", f"is not what stage {record.run.stage} ran with")


def _plain(value: Any) -> Any:
    """Mapping keys as text, the way JSON has them."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _verify_checkpoint(root: Path, checkpoint: str, records: dict[str, Record], keys: Keys, findings: Findings) -> None:
    folder = root / f"{checkpoint}.attestation"
    if not folder.is_dir():
        findings.add("4 signature", "attest", NotVerified(f"{checkpoint}.attestation", "no attestation",
                                                          wanted="claims.jsonl and model.sig"))
        return
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    for name in sorted(found ^ ATTESTATION_FILES):
        findings.add("5 claims", "attest", NotVerified(f"{checkpoint}.attestation/{name}",
                     "missing" if name in ATTESTATION_FILES else "a file that no record accounts for"))
    claims = _open_all(folder, checkpoint, keys, findings)
    checks: list[tuple[str, Callable[[], None]]] = [
        ("5 claims", lambda: _check_kinds(claims, checkpoint)),
        ("5 claims", lambda: _check_subject(claims, checkpoint, records)),
        ("5 claims", lambda: _check_model_sig(claims, checkpoint, records)),
        ("7 ancestry", lambda: _check_ancestry(checkpoint, records)),
        ("10 verdict", lambda: _check_verdict(root, claims, checkpoint)),
    ]
    for name, check in checks:
        with findings.looking(name, "attest"):
            check()
    _check_statements(claims, checkpoint, records, findings)
    with findings.looking("10 verdict", "attest"):
        _check_card(root, claims, checkpoint, findings)
    with findings.looking("4 signature", "attest"):
        _check_own_key(folder, checkpoint, keys)


def _open_all(folder: Path, checkpoint: str, keys: Keys, findings: Findings) -> dict[str, tuple[bytes, Any]]:
    """Check 4: predicate type -> (exact payload, parsed), for every bundle whose signature holds."""
    opened: dict[str, tuple[bytes, Any]] = {}
    for name, line in _bundles(folder):
        with findings.looking("4 signature", "attest"):
            where = f"{checkpoint}.attestation/{name}"
            payload = open_bundle(line, keys, where)
            statement = parse_json(payload, where)
            kind = statement.get("predicateType") if isinstance(statement, dict) else None
            if kind in opened:
                raise NotVerified(where, "the same kind of claim twice", got=str(kind))
            opened[str(kind)] = (payload, statement)
    return opened


def _bundles(folder: Path) -> Iterable[tuple[str, bytes]]:
    if (folder / "claims.jsonl").is_file():
        for number, line in enumerate((folder / "claims.jsonl").read_bytes().splitlines(), start=1):
            yield f"claims.jsonl:{number}", line
    if (folder / "model.sig").is_file():
        yield "model.sig", (folder / "model.sig").read_bytes()


def _check_own_key(folder: Path, checkpoint: str, keys: Keys) -> None:
    """Check 4: key.pub is a hint for strangers' tools; it may not name another key than the signer's."""
    if (folder / "key.pub").is_file() and (folder / "key.pub").read_bytes() not in [public_pem(key) for key in keys]:
        raise NotVerified(f"{checkpoint}.attestation/key.pub", "is not an accepted key")


def _check_kinds(claims: dict[str, tuple[bytes, Any]], checkpoint: str) -> None:
    wanted = {*CLAIMS, MODEL_SIGNING}
    if set(claims) != wanted:
        missing, extra = sorted(wanted - set(claims)), sorted(set(claims) - wanted)
        raise NotVerified(f"{checkpoint}.attestation", "claims missing or not expected",
                          wanted=", ".join(missing) or "no other", got=", ".join(extra) or "none of these")


def _predicate(claims: dict[str, tuple[bytes, Any]], kind: str, checkpoint: str) -> tuple[bytes, Any]:
    if kind not in claims:
        raise NotVerified(f"{checkpoint}.attestation", "no acceptable claim of this kind", wanted=kind)
    return claims[kind]


def _check_statements(claims: dict[str, tuple[bytes, Any]], checkpoint: str, records: dict[str, Record],
                      findings: Findings) -> None:
    """Check 6: recompute the chain from the records and compare it with the signed one, stage by stage."""
    with findings.looking("6 chain", "attest"):
        _, statement = _predicate(claims, CHAIN_TYPE, checkpoint)
        runs = {stage: record.run for stage, record in records.items()}
        signed = {entry["stage"]: entry["statement"]["sha256"] for entry in statement["predicate"]["stages"]}
        chain = close_chain(_judged(checkpoint), runs)
        found = {str(entry["stage"]): runs[str(entry["stage"])].sha256 for entry in chain}
        for stage in sorted(set(signed) | set(found)):
            if signed.get(stage) != found.get(stage):
                findings.add("6 chain", "attest", NotVerified(
                    f"lineage/{stage}/statement.json", f"is not the statement signed with {checkpoint}",
                    wanted=signed.get(stage, "no such stage"), got=found.get(stage, "nothing")))
        if signed == found and statement["predicate"]["stages"] != chain:
            raise NotVerified(f"{checkpoint}.attestation/claims.jsonl",
                              "the signed chain links its statements differently")


def _check_subject(claims: dict[str, tuple[bytes, Any]], checkpoint: str, records: dict[str, Record]) -> None:
    """Check 5: chain and provenance are about this checkpoint's bytes."""
    _, statement = _predicate(claims, CHAIN_TYPE, checkpoint)
    runs = {stage: record.run for stage, record in records.items()}
    maker = next((stage for stage, run in runs.items() if checkpoint in run.products), None)
    if maker is None:
        raise NotVerified(checkpoint, "no lineage record has it as a product")
    if statement["subject"] != [{"name": checkpoint, "digest": {"sha256": runs[maker].products[checkpoint]}}]:
        raise NotVerified(f"{checkpoint}.attestation/claims.jsonl", "the chain is of another checkpoint")
    provenance, _ = _predicate(claims, PREDICATE_TYPE, checkpoint)
    if provenance != records[maker].statement:
        raise NotVerified(f"{checkpoint}.attestation/claims.jsonl",
                          f"the provenance is not lineage/{maker}/statement.json",
                          wanted=sha256(records[maker].statement), got=sha256(provenance))


def _check_ancestry(checkpoint: str, records: dict[str, Record]) -> None:
    """Check 7: the claim dataset -> base -> checkpoint has all three."""
    runs = {stage: record.run for stage, record in records.items()}
    roles = {material.role for stage in upstream([checkpoint], runs) for material in runs[stage].materials}
    missing = {"dataset", "base"} - roles
    if missing:
        raise NotVerified(checkpoint, "its chain has no " + " and no ".join(sorted(missing)))


def _check_model_sig(claims: dict[str, tuple[bytes, Any]], checkpoint: str, records: dict[str, Record]) -> None:
    """Check 5: model.sig lists the very files the record lists."""
    _, statement = _predicate(claims, MODEL_SIGNING, checkpoint)
    signed = {item["name"]: item["digest"] for item in statement["predicate"]["resources"]}
    maker = next((record for record in records.values() if checkpoint in record.run.products), None)
    if maker is None:
        raise NotVerified(checkpoint, "no lineage record has it as a product")
    if sha256(manifest_text(signed)) != maker.run.products[checkpoint]:
        raise NotVerified(f"{checkpoint}.attestation/model.sig", "lists other files than the record of the checkpoint")


def _check_verdict(root: Path, claims: dict[str, tuple[bytes, Any]], checkpoint: str) -> None:
    _, statement = _predicate(claims, TEST_RESULT, checkpoint)
    for item in statement["predicate"]["configuration"]:
        path = root / item["name"]
        if path.is_file() and file_sha256(path) != item["digest"]["sha256"]:
            raise NotVerified(item["name"], "is not the file the signed test result rests on",
                              wanted=item["digest"]["sha256"], got=file_sha256(path))


def _check_card(root: Path, claims: dict[str, tuple[bytes, Any]], checkpoint: str, findings: Findings) -> None:
    _, statement = _predicate(claims, REFERENCE, checkpoint)
    card = f"{checkpoint}.card"
    signed = {item["downloadLocation"]: item["digest"]["sha256"] for item in statement["predicate"]["references"]}
    if not (root / card).is_dir():
        findings.absent(card, "signed, not present here")
        return
    present = {f"{card}/{name}": digest for name, digest in hash_artefact(root / card).entries.items()}
    for path in sorted(set(signed) | set(present)):
        if signed.get(path) != present.get(path):
            findings.add("10 verdict", "card", NotVerified(path, "is not the card that was signed",
                         wanted=signed.get(path, "no such file"), got=present.get(path, "nothing")))


def all_checkpoints(root: Path) -> list[str]:
    """Every checkpoint of the tree that has, or should have, an attestation.

    Raises:
        BadInput: the tree has none.
    """
    params = read_yaml(root / "params.yaml") if (root / "params.yaml").is_file() else {}
    declared = params.get("checkpoints")
    names = {str(name) for name in declared} if isinstance(declared, dict) else set()
    names |= {path.name.removesuffix(".attestation") for path in (root / "models").glob("*.attestation")}
    if not names:
        raise BadInput(str(root), "no checkpoint found", wanted="models/<checkpoint>.attestation",
                       do="`make repro` makes them")
    return [f"models/{name}" for name in sorted(names)]
