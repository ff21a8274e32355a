"""Signing: the recorded bytes or nothing, the same bytes each time, a key nobody else can read."""

import json
import os
import stat
from pathlib import Path

import pytest

from pipeline.lineage.bom import CYCLONEDX
from pipeline.lineage.chain import CHAIN_TYPE
from pipeline.lineage.claims import REFERENCE, TEST_RESULT
from pipeline.lineage.sign import open_bundle
from pipeline.lineage.statement import PREDICATE_TYPE
from pipeline.schema.errors import BadInput, NotVerified
from pipeline.stage.keys import signing_key
from tests.world import CHECKPOINT, World, build_world, sign_checkpoint


@pytest.fixture
def world(tmp_path, monkeypatch) -> World:
    world = build_world(tmp_path / "tree", tmp_path / "keys")
    monkeypatch.chdir(world.root)
    monkeypatch.setenv("PEDIGREE_KEYS", str(tmp_path / "keys"))
    return world


def attestation(world: World) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (world.root / f"{CHECKPOINT}.attestation").iterdir()}


def test_the_same_records_and_key_give_the_same_bytes(world):
    first = attestation(world)
    sign_checkpoint()
    assert attestation(world) == first


def test_two_rebuilds_with_a_key_for_each_role_give_the_same_links_layout_and_claims(tmp_path):
    one = build_world(tmp_path / "one", tmp_path / "keys", own_keys=True)
    two = build_world(tmp_path / "deeper/two", tmp_path / "keys")
    files = {path.relative_to(one.root): path.read_bytes() for path in one.root.rglob("*") if path.is_file()}
    assert {path.relative_to(two.root): path.read_bytes() for path in two.root.rglob("*") if path.is_file()} == files
    signers = {path.suffixes[-2] for path in files if path.suffix == ".link"}
    assert len(signers) == 3
    assert sum(path.name == "root.layout" for path in files) == 1


def test_five_claims_are_signed_and_the_first_is_the_stages_own_statement(world):
    lines = attestation(world)["claims.jsonl"].splitlines()
    payloads = [open_bundle(line, [world.key.public_key()], "c") for line in lines]
    assert payloads[0] == (world.root / "lineage/dacpt/statement.json").read_bytes()
    kinds = [json.loads(payload)["predicateType"] for payload in payloads]
    assert kinds == [PREDICATE_TYPE, CHAIN_TYPE, TEST_RESULT, CYCLONEDX, REFERENCE]


def test_changed_weights_are_not_signed_and_the_old_attestation_stays(world):
    first = attestation(world)
    (world.root / CHECKPOINT / "model.safetensors").write_text("other weights")
    with pytest.raises(NotVerified, match="is not what stage dacpt recorded"):
        sign_checkpoint()
    assert attestation(world) == first


def test_a_checkpoint_nobody_made_is_not_signed(world):
    os.rename(world.root / "lineage/dacpt", world.root / "gone")
    with pytest.raises(NotVerified, match="no lineage record"):
        sign_checkpoint()


def test_the_key_is_made_once_and_only_its_owner_may_read_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PEDIGREE_KEYS", str(tmp_path / "new" / "keys"))
    first = signing_key("attester").private_numbers()
    assert signing_key("attester").private_numbers() == first
    assert stat.S_IMODE((tmp_path / "new/keys/key.pem").stat().st_mode) == 0o600


def test_a_key_others_can_read_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("PEDIGREE_KEYS", str(tmp_path))
    signing_key("attester")
    (tmp_path / "key.pem").chmod(0o644)
    with pytest.raises(BadInput, match="mode 0600"):
        signing_key("attester")


def test_a_key_folder_that_cannot_be_made_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PEDIGREE_KEYS", str(tmp_path / "file" / "keys"))
    with pytest.raises(BadInput, match="cannot keep a signing key there"):
        signing_key("attester")


def test_a_key_folder_inside_the_repository_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PEDIGREE_KEYS", str(Path("keys")))
    with pytest.raises(BadInput, match="inside the repository"):
        signing_key("attester")
