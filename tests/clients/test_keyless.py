"""A release made with identity and time, by the command and by the words of its VERIFY.md."""

import json
from pathlib import Path

import pytest

from pipeline.audit.cli import main
from tests.clients.release_world import keys_of, run
from tests.fake_sigstore import FakeSigstore, running
from tests.world import CHECKPOINT, build_world

ME, ISSUER = "https://ci.test/project/.ci/release@refs/heads/main", "https://issuer.test"


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("keyless")
    world = build_world(folder / "tree", folder / "keys")
    (folder / "sigstore").mkdir()
    fake = FakeSigstore(folder / "sigstore")
    with running(fake), keys_of(world):
        (folder / "trust.json").write_text(json.dumps(fake.trust_config()))
        assert main(["release", str(world.root / CHECKPOINT), "--out", str(folder / "release"), "--keyless",
                     "--trust-config", str(folder / "trust.json"), "--identity-token", fake.token(ME),
                     "--timestamp", f"{fake.url}/timestamp"]) == 0
    return folder / "release"


@pytest.fixture
def expected(folder, monkeypatch) -> None:
    for name, value in (("IDENTITY", ME), ("ISSUER", ISSUER), ("TRUST_CONFIG", str(folder.parent / "trust.json"))):
        monkeypatch.setenv(name, value)


def test_the_commands_of_its_page_accept_it(folder, expected):
    result = run(folder, "sigstore")
    assert result.returncode == 0, result.stdout + result.stderr


def test_they_refuse_another_identity_and_another_issuer(folder, expected, monkeypatch):
    monkeypatch.setenv("IDENTITY", "mallory@ci.test")
    assert run(folder, "sigstore").returncode != 0
    monkeypatch.setenv("IDENTITY", ME)
    monkeypatch.setenv("ISSUER", "https://other.test")
    assert run(folder, "sigstore").returncode != 0


@pytest.mark.parametrize(("name", "after"), [
    ("model/model.safetensors", b""), ("keyless/provenance.sigstore.json", b'"payload"'),
    ("keyless/chain.sigstore.json", b'"payload"'), ("keyless/chain.sigstore.json", b'"sig"'),
])
def test_they_refuse_one_flipped_byte(folder, expected, name, after):
    # not in the middle of a bundle: there lies its time stamp, and the log's own time is enough for the client
    data = (folder / name).read_bytes()
    changed = bytearray(data)
    changed[data.index(after) + len(after) + 20 if after else 0] ^= 1
    (folder / name).write_bytes(changed)
    refused = run(folder, "sigstore").returncode != 0
    (folder / name).write_bytes(data)
    assert refused


def test_time_in_the_bundles_disturbs_no_other_client(folder):
    (folder.parent / "producer.pub").write_bytes((folder / "attestation/key.pub").read_bytes())
    for title in ("openssl", "model_signing", "in-toto"):
        result = run(folder, title)
        assert result.returncode == 0, result.stdout + result.stderr
    assert "timestampVerificationData" in (folder / "attestation/claims.jsonl").read_text()
    assert main(["verify", str(folder), "--key", str(folder.parent / "producer.pub"),
                 "--policy", str(folder / "policy.yaml")]) == 0


def test_a_service_that_does_not_answer_leaves_no_release(tmp_path):
    world = build_world(tmp_path / "tree", tmp_path / "keys")
    with keys_of(world):
        assert main(["release", str(world.root / CHECKPOINT), "--out", str(tmp_path / "release"),
                     "--timestamp", "http://127.0.0.1:1/timestamp"]) == 2
    assert not (tmp_path / "release").exists()
