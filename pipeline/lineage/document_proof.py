"""A proof that one document is, or is not, in the tables a checkpoint was made from.

A table's leaves are its rows under up to three identities each (`row_identities`), every one
hashed with the table's secret function (`pipeline.lineage.vrf`). The proof of one document opens
that document's leaves, or shows that there is no room for them; it tells nothing about others.

    {"type": PROOF_TYPE,
     "checkpoint": {"name", "digest": {"sha256"}},
     "tables": [{"table", "stage", "head": {"size", "root", "publicKey"},
                 "identities": {"file" | "record" | "text":
                     {"vrf": hex, "present": {"index", "path"}}
                   | {"vrf": hex, "near": [{"leaf", "index", "path"}]}}}]}

Checks, by number:
    1 form        known fields only, sizes bounded
    2 checkpoint  the proof is about the checkpoint whose signed chain was read
    3 complete    it covers every table of that chain, each once, under every identity
    4 head        size, root and key are those whose digest the stage's statement holds (`merkleRoot`)
    5 leaf        the key's owner computed this leaf for the document in hand (RFC 9381)
    6 tree        the leaf is in the tree, or its neighbours leave no room for it
Pure functions: bytes and values in, values out.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from pipeline.lineage import vrf
from pipeline.lineage.chain import read_run, require_keys
from pipeline.lineage.merkle import LEAF_BYTES, MAX_DEPTH, Head, Opened, Tree, check_absent, check_present, head_digest
from pipeline.lineage.sign import is_sha256, parse_json
from pipeline.schema.errors import NotVerified

PROOF_TYPE = "https://pedigree.example/document-proof/v1"
MAX_PROOF_BYTES = 2**20
"""Eight tables of a thousand million documents, three identities each, need a tenth of it."""
DOC_ID_DIGITS = 16
"""A record's id is this much of its sha256 (`pipeline.schema.documents.document_id`, whose module loads polars)."""
ROOT_ANNOTATION = "merkleRoot"
_TABLE = re.compile(r"data/[^/]+/documents|data/lake_manifest/files")


class Checkpoint(NamedTuple):
    """The subject of a signed chain."""

    name: str
    digest: str


class Table(NamedTuple):
    """A table of documents as the statement of the stage that made it names it."""

    path: str
    stage: str
    merkle_root: str


class Planted(NamedTuple):
    """A table with what its holder needs to prove something about it."""

    table: Table
    secret: vrf.Secret
    tree: Tree


class Standing(NamedTuple):
    """What a proof shows of one table."""

    table: str
    stage: str
    present_as: tuple[str, ...]
    """The identities under which the document is in the table; none: it is not in it."""


def is_document_table(path: str) -> bool:
    """Whether an artefact is a table whose rows are documents of the lake, by its place in the tree."""
    return _TABLE.fullmatch(path) is not None


def document_tables(statement: bytes, name: str) -> list[Table]:
    """The tables of documents that a stage's statement (called `name` in errors) has as products.

    Raises:
        NotVerified: a statement of ours it is not, or a table of documents stands in it without a tree.
    """
    run, subjects = read_run(statement, name), parse_json(statement, name)
    found = []
    for subject in subjects["subject"]:  # type: ignore[index]  # read_run has checked the shape
        if is_document_table(subject["name"]):
            root = subject["annotations"].get(ROOT_ANNOTATION)
            if not is_sha256(root):
                raise NotVerified(name, f"records no tree over {subject['name']}",
                                  wanted=f"{ROOT_ANNOTATION}, a sha256", got=repr(root),
                                  do="`dvc repro` makes the record again")
            found.append(Table(subject["name"], run.stage, root))
    return found


def file_identities(data: bytes) -> dict[str, bytes]:
    """Every identity under which the bytes of a file could be in a table.

    file    a file of the lake with these very bytes, or a row made from it
    record  a row made from one line of a file, its id being that of this line
    text    a row whose text is this, but for white space and Unicode form; only if it is UTF-8
    """
    line = data.strip()  # as the reader of lines does
    found = {"file": _identity("file", hashlib.sha256(data).hexdigest()),
             "record": _identity("record", hashlib.sha256(line).hexdigest()[:DOC_ID_DIGITS])}
    with suppress(UnicodeDecodeError):
        found["text"] = text_identity(data.decode())
    return found


def row_identities(doc_id: str, raw_sha256: str, locator: str, text: str) -> list[bytes]:
    """The identities of one row of a `documents` table."""
    record = [_identity("record", doc_id)] if locator else []  # of a whole file, `file` says it already
    return [_identity("file", raw_sha256), *record, text_identity(text)]


def lake_file_identity(sha256: str) -> bytes:
    """The identity of one row of `data/lake_manifest/files`."""
    return _identity("file", sha256)


def text_identity(text: str) -> bytes:
    """Of a text: NFC, every run of white space one space, none at the ends."""
    plain = " ".join(unicodedata.normalize("NFC", text).split())
    return _identity("text", hashlib.sha256(plain.encode()).hexdigest())


def head_of(secret: vrf.Secret, tree: Tree) -> Head:
    """The head of a tree whose leaves `secret` made."""
    return Head(len(tree.leaves), tree.root, secret.public)


def make_proof(data: bytes, checkpoint: Checkpoint, tables: Iterable[Planted]) -> dict[str, object]:
    """The proof about document `data` for `checkpoint`, as JSON values."""
    identities = file_identities(data)
    return {
        "type": PROOF_TYPE,
        "checkpoint": {"name": checkpoint.name, "digest": {"sha256": checkpoint.digest}},
        "tables": [_prove_table(planted, identities) for planted in tables],
    }


def check_proof(text: bytes, data: bytes, checkpoint: Checkpoint, tables: Mapping[str, Table]) -> list[Standing]:
    """What proof `text` shows about document `data`, table by table.

    Args:
        checkpoint, tables: as read from the signed chain; `tables` by path, all of them.
    Raises:
        NotVerified: any check of this module's list fails.
    """
    if len(text) > MAX_PROOF_BYTES:  # 1
        raise NotVerified("proof", "too large", wanted=f"at most {MAX_PROOF_BYTES} bytes", got=str(len(text)))
    proof = parse_json(text, "proof")
    try:
        named, entries = _read(proof)
    except (KeyError, TypeError, ValueError, AttributeError) as err:
        raise NotVerified("proof", f"not a document proof ({type(err).__name__}: {err})", wanted=PROOF_TYPE) from err
    if named != checkpoint:  # 2
        raise NotVerified("proof", "is about another checkpoint", wanted=f"{checkpoint.name} {checkpoint.digest}",
                          got=f"{named.name} {named.digest}")
    covered = [entry.table for entry in entries]
    if sorted(covered) != sorted(tables):  # 3
        raise NotVerified("proof", "does not cover each table of the chain once", wanted=", ".join(sorted(tables)),
                          got=", ".join(sorted(covered)))
    identities = file_identities(data)
    return [_check_table(entry, tables[entry.table], identities) for entry in entries]


class _Claim(NamedTuple):
    """One identity's part of a proof, read."""

    proof: bytes
    present: tuple[int, list[bytes]] | None
    near: list[Opened]


class _Entry(NamedTuple):
    """One table's part of a proof, read."""

    table: str
    stage: str
    head: Head
    claims: dict[str, _Claim]


def _check_table(entry: _Entry, table: Table, identities: Mapping[str, bytes]) -> Standing:
    where = f"proof: {table.path}"
    if entry.stage != table.stage:
        raise NotVerified(where, "made by another stage", wanted=table.stage, got=entry.stage)
    if head_digest(entry.head) != table.merkle_root:  # 4
        raise NotVerified(where, f"its tree is not the one that the statement of {table.stage} names",
                          wanted=table.merkle_root, got=head_digest(entry.head))
    if set(entry.claims) != set(identities):  # 3
        raise NotVerified(where, "does not cover the document's identities", wanted=", ".join(sorted(identities)),
                          got=", ".join(sorted(entry.claims)))
    present = [kind for kind, claim in sorted(entry.claims.items())
               if _check_claim(claim, entry.head, identities[kind], f"{where}: {kind}")]
    return Standing(table.path, table.stage, tuple(present))


def _check_claim(claim: _Claim, head: Head, identity: bytes, where: str) -> bool:
    """Whether the identity is present; raises unless the claim shows it."""
    leaf = vrf.verify(head.public_key, identity, claim.proof, where)  # 5
    if claim.present is None:  # 6
        check_absent(leaf, claim.near, head, where)
        return False
    check_present(Opened(leaf, *claim.present), head, where)
    return True


def _prove_table(planted: Planted, identities: Mapping[str, bytes]) -> dict[str, object]:
    head = head_of(planted.secret, planted.tree)
    return {
        "table": planted.table.path, "stage": planted.table.stage,
        "head": {"size": head.size, "root": head.root.hex(), "publicKey": head.public_key.hex()},
        "identities": {kind: _prove_identity(planted, identity) for kind, identity in identities.items()},
    }


def _prove_identity(planted: Planted, identity: bytes) -> dict[str, object]:
    leaf = planted.secret.evaluate(identity)
    proof: dict[str, object] = {"vrf": planted.secret.prove(identity).hex()}
    opened = planted.tree.find(leaf)
    if opened is not None:
        return proof | {"present": _way(opened)}
    near = planted.tree.surrounding(leaf)
    return proof | {"near": [{"leaf": neighbour.leaf.hex(), **_way(neighbour)} for neighbour in near]}


def _way(opened: Opened) -> dict[str, object]:
    return {"index": opened.place, "path": [sibling.hex() for sibling in opened.path]}


def _read(proof: Any) -> tuple[Checkpoint, list[_Entry]]:
    """Check 1; every malformed part raises one of the errors that `check_proof` expects."""
    require_keys(proof, {"type", "checkpoint", "tables"})
    require_keys(proof["checkpoint"], {"name", "digest"})
    require_keys(proof["checkpoint"]["digest"], {"sha256"})
    if proof["type"] != PROOF_TYPE:
        raise ValueError(f"type {proof['type']!r}")
    named = Checkpoint(proof["checkpoint"]["name"], proof["checkpoint"]["digest"]["sha256"])
    return named, [_read_entry(entry) for entry in proof["tables"]]


def _read_entry(entry: Any) -> _Entry:
    require_keys(entry, {"table", "stage", "head", "identities"})
    head = entry["head"]
    require_keys(head, {"size", "root", "publicKey"})
    size = _count(head["size"])
    claims = {kind: _read_claim(claim) for kind, claim in entry["identities"].items()}
    return _Entry(entry["table"], entry["stage"],
                  Head(size, _hash(head["root"]), _hex(head["publicKey"], 33)), claims)


def _read_claim(claim: Any) -> _Claim:
    if "present" in claim:
        require_keys(claim, {"vrf", "present"})
        require_keys(claim["present"], {"index", "path"})
        return _Claim(_hex(claim["vrf"], vrf.PROOF_BYTES), _read_way(claim["present"]), [])
    require_keys(claim, {"vrf", "near"})
    if not isinstance(claim["near"], list) or len(claim["near"]) > 2:
        raise ValueError("more than two neighbours")
    near = []
    for neighbour in claim["near"]:
        require_keys(neighbour, {"leaf", "index", "path"})
        near.append(Opened(_hash(neighbour["leaf"]), *_read_way(neighbour)))
    return _Claim(_hex(claim["vrf"], vrf.PROOF_BYTES), None, near)


def _read_way(way: Any) -> tuple[int, list[bytes]]:
    if not isinstance(way["path"], list) or len(way["path"]) > MAX_DEPTH:
        raise ValueError(f"path of more than {MAX_DEPTH} hashes")
    return _count(way["index"]), [_hash(sibling) for sibling in way["path"]]


def _count(value: object) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise ValueError(f"{value!r} is not a count")
    return value


def _hash(value: object) -> bytes:
    if not is_sha256(value):
        raise ValueError(f"{str(value)[:80]!r} is not {LEAF_BYTES} bytes in hex")
    return bytes.fromhex(str(value))


def _hex(value: object, size: int) -> bytes:
    if not isinstance(value, str) or len(value) != 2 * size or value != value.lower():
        raise ValueError(f"not {size} bytes in lower-case hex")
    return bytes.fromhex(value)


def _identity(kind: str, digest: str) -> bytes:
    return f"{kind}:{digest}".encode()
