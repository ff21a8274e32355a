"""A tiny tree with real tables of documents, recorded and signed, to prove things about.

lake_manifest -> curate_extract -> curate_mix -> pack -> dacpt, and general_text -> base@tiny.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipeline.lineage.chain import chain_statement, close_chain
from pipeline.lineage.keyring import sign_keyring
from pipeline.lineage.manifest import sha256
from pipeline.lineage.roles import ATTESTER
from pipeline.lineage.sign import SigningKey, public_pem, sign_bundle
from pipeline.schema.documents import DOCUMENTS, document_id
from pipeline.stage.declared import Declared
from pipeline.stage.document_tree import document_roots
from pipeline.stage.hashing import hash_artefact
from pipeline.stage.keyring import current_keyring, root_key
from pipeline.stage.keys import signing_key
from pipeline.stage.outputs import json_bytes
from pipeline.stage.record import write_record
from pipeline.stage.records import read_records

KEPT, DROPPED, STRANGER = b"Keys are rotated every quarter.\n", b"Lunch is at noon.\n", b"Nobody has seen this.\n"
TICKET = b'{"id": 1, "text": "The door is stuck."}'
CHECKPOINT = "models/dacpt"


@dataclass
class DocumentsWorld:
    """The tree, and files of what was and was not in it."""

    root: Path
    key: SigningKey

    @property
    def checkpoint(self) -> Path:
        return self.root / CHECKPOINT

    @property
    def public(self) -> Path:
        return self.root / "producer.pub"

    def file(self, data: bytes) -> Path:
        path = self.root.parent / f"{sha256(data)[:8]}.bin"
        path.write_bytes(data)
        return path

    def release(self, folder: Path) -> Path:
        """The parts of a release folder that a proof is checked with: no data, no weights."""
        for path in (self.root / "lineage").glob("*/statement.json"):
            copy = folder / "lineage" / path.parent.name / path.name
            copy.parent.mkdir(parents=True)
            copy.write_bytes(path.read_bytes())
        shutil.copytree(self.root / f"{CHECKPOINT}.attestation", folder / "attestation")
        return folder


def build(root: Path) -> DocumentsWorld:
    """Make the tree in the current folder `root`; keys come from $PEDIGREE_KEYS."""
    rows = [_row(KEPT, "a.md", ""), _row(DROPPED, "b.md", ""), _row(TICKET, "t.jsonl", "line 1")]
    for path in ("requirements.lock", "pipeline/code.py"):
        _write(Path(path), b"")
    _write(Path("params.yaml"), b'env: {python: "3.11", threads: 2, packages: {}}\n')
    for name, data in (("a.md", KEPT), ("b.md", DROPPED), ("t.jsonl", TICKET + b"\n")):
        _write(Path("data/lake", name), data)
    lake = pl.DataFrame({"path": ["a.md", "b.md", "t.jsonl"],
                         "sha256": [sha256(KEPT), sha256(DROPPED), sha256(TICKET + b"\n")]})
    _stage("lake_manifest", {"data/lake": ""}, {"data/lake_manifest/files": lake})
    _stage("curate_extract", {"data/lake_manifest/files": "lake_manifest"}, {"data/curate_extract/documents": rows})
    _stage("curate_mix", {"data/curate_extract/documents": "curate_extract"},
           {"data/curate_mix/documents": [rows[0], rows[2]]})
    _stage("general_text", {}, {"data/general_text/documents": [_row(b"The sea is wide.", "g.md", "")]})
    _stage("base@tiny", {"data/general_text/documents": "general_text"}, {"models/bases/tiny": b"weights"})
    _stage("pack", {"data/curate_mix/documents": "curate_mix"}, {"data/pack/rows": b"rows"})
    _stage("dacpt", {"data/pack/rows": "pack", "models/bases/tiny": "base@tiny"}, {CHECKPOINT: b"adapted"})
    world = DocumentsWorld(root, signing_key(ATTESTER))
    world.public.write_bytes(public_pem(world.key.public_key()))
    sign_chain(world.key)
    return world


def sign_chain(key: SigningKey) -> None:
    """Sign the chain of the checkpoint as it now stands in the current folder."""
    runs = {stage: record.run for stage, record in read_records(Path("lineage")).items()}
    digest = runs["dacpt"].products[CHECKPOINT]
    chain = chain_statement(CHECKPOINT, digest, close_chain([CHECKPOINT], runs))
    claims = [b'{"predicateType": "another kind of claim"}', json_bytes(chain)]
    _write(Path(f"{CHECKPOINT}.attestation/claims.jsonl"), b"".join(sign_bundle(claim, key) for claim in claims))
    _write(Path(f"{CHECKPOINT}.attestation/keyring.json"), sign_keyring(current_keyring(), root_key()))


def _row(data: bytes, path: str, locator: str) -> dict[str, object]:
    raw = data + b"\n" if locator else data
    return dict.fromkeys(DOCUMENTS, "") | {"doc_id": document_id(data), "text": data.decode().strip(), "path": path,
                                           "locator": locator, "raw_sha256": sha256(raw)}


def _stage(name: str, materials: dict[str, str], products: dict[str, object]) -> None:
    for path, content in products.items():
        if isinstance(content, bytes):
            _write(Path(path, "part-00000.bin"), content)
        else:
            frame = content if isinstance(content, pl.DataFrame) else pl.DataFrame(content, schema=DOCUMENTS)
            Path(path).mkdir(parents=True, exist_ok=True)
            frame.write_parquet(Path(path, "part-00000.parquet"))
    declared = Declared(name, f"python -m pipeline.stages.{name}", ("pipeline/code.py",), tuple(sorted(materials)),
                        tuple(sorted(products)), {}, {path: maker for path, maker in materials.items() if maker})
    write_record(Path("lineage", name), declared,
                 {path: hash_artefact(Path(path)) for path in [*materials, "pipeline/code.py"]},
                 {path: hash_artefact(Path(path)) for path in products}, {},
                 merkle_roots=document_roots(products))


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
