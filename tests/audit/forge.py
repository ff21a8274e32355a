"""The attacker's tools: edit any file, and sign again with whatever keys the attacker is given; and the auditor's."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.audit.cli import main
from pipeline.audit.findings import Check
from pipeline.lineage.chain import read_run
from pipeline.lineage.keyring import Entry, Keyring, entry_of, open_keyring, sign_keyring
from pipeline.lineage.links import artifact_path, link_file, sign_link
from pipeline.lineage.metablock import sign_metablock
from pipeline.lineage.roles import role_of_stage
from pipeline.lineage.sign import SigningKey, load_private_key, new_private_key, sign_bundle
from pipeline.stage.outputs import json_bytes
from tests.world import CHECKPOINT, World, inside, sign_checkpoint

CLAIM_LINES = {"provenance": 0, "chain": 1, "test-result": 2, "parts": 3, "card": 4}


def stranger() -> SigningKey:
    """A key that nobody vouches for."""
    return load_private_key(new_private_key(), "stranger")


def own(world: World, role: str) -> SigningKey:
    """The world's key of a role."""
    path = keys(world) / f"{role}.pem"
    return load_private_key(path.read_bytes(), role)


def keys(world: World) -> Path:
    return world.root.parent / "keys"


def statement_path(world: World, stage: str) -> Path:
    return world.root / "lineage" / stage / "statement.json"


def attestation(world: World, name: str) -> Path:
    return world.root / f"{CHECKPOINT}.attestation" / name


def put(path: Path, text: str) -> None:
    """Write a file, with the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def edit_statement(world: World, stage: str, change: Callable[[dict[str, Any]], None]) -> None:
    """Change a statement; neither its link nor the claims know of it."""
    statement = json.loads(statement_path(world, stage).read_bytes())
    change(statement)
    statement_path(world, stage).write_bytes(json_bytes(statement))


def relink(world: World, stage: str, key: SigningKey | None = None) -> None:
    """Sign the stage's link again, over its record as it is now; by the key of its role unless told."""
    folder = world.root / "lineage" / stage
    [old] = folder.glob("*.link")
    block = json.loads(old.read_bytes())["signed"]
    named = {artifact_path(name): name for name in [*block["materials"], *block["products"]]}
    run = read_run((folder / "statement.json").read_bytes(), stage)
    materials = {named[item.path]: item.digest for item in run.materials}
    materials[f"lineage/{stage}/code.sha256sums"] = run.code_digest
    products = {named[path]: digest for path, digest in run.products.items()}
    products[f"lineage/{stage}/statement.json"] = run.sha256
    signer = key or own(world, role_of_stage(stage))
    old.unlink()
    (folder / link_file(stage, signer.public_key())).write_bytes(sign_link(stage, run.cmd, materials, products, signer))


def reattest(world: World) -> None:
    """Sign the checkpoint again, with the attester's key, over the records as they are now."""
    with inside(world.root, keys(world)):
        sign_checkpoint()


def edit_claim(world: World, name: str, change: Callable[[dict[str, Any]], None], key: SigningKey | None = None,
               ) -> None:
    """Change a claim and sign it again; by the attester unless told."""
    path = attestation(world, "claims.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    statement = payload(lines[CLAIM_LINES[name]])
    change(statement)
    lines[CLAIM_LINES[name]] = sign_bundle(json_bytes(statement), key or own(world, "attester"))
    path.write_bytes(b"".join(lines))


def payload(bundle: bytes) -> dict[str, Any]:
    """The statement in a bundle."""
    value: dict[str, Any] = json.loads(base64.b64decode(json.loads(bundle)["dsseEnvelope"]["payload"]))
    return value


def edit_layout(world: World, change: Callable[[dict[str, Any]], None], key: SigningKey | None = None) -> None:
    """Change the layout and sign it again; by the attester unless told."""
    path = attestation(world, "root.layout")
    layout = json.loads(path.read_bytes())["signed"]
    change(layout)
    path.write_bytes(sign_metablock(layout, key or own(world, "attester")))


def edit_keyring(world: World, change: Callable[[Entry], Entry | None], key: SigningKey | None = None) -> None:
    """Change the keyring's entries (None: drop) and sign it again; by the root key unless told."""
    path = attestation(world, "keyring.json")
    keyring = open_keyring(path.read_bytes(), [own(world, "root").public_key()], "keyring")
    entries = tuple(changed for entry in keyring.entries if (changed := change(entry)) is not None)
    path.write_bytes(sign_keyring(Keyring(entries, keyring.version + 1), key or own(world, "root")))


def two_trainers(world: World) -> SigningKey:
    """A second key with the trainer's role, in the keyring that the next attestation carries."""
    second = stranger()
    ring = open_keyring(attestation(world, "keyring.json").read_bytes(), [own(world, "root").public_key()], "keyring")
    entries = (*ring.entries, entry_of(second.public_key(), ["trainer"]))
    (keys(world) / "keyring.json").write_bytes(sign_keyring(Keyring(entries, ring.version + 1), own(world, "root")))
    return second


def verify(world: World, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON answer of the command, with the world's root key accepted."""
    capsys.readouterr()
    code = main(["verify", str(world.root / CHECKPOINT), "--key", str(keys(world) / "root.pub"), "--json", *arguments])
    return code, json.loads(capsys.readouterr().out)


def named(answer: dict[str, Any], check: Check, where: str) -> bool:
    return any(failure["check"] == check.value and failure["where"].startswith(where)
               for failure in answer["failures"])
