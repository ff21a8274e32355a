"""Keyless signing and verification of a release against a Sigstore on localhost."""

import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sigstore import dsse
from sigstore.models import ClientTrustConfig
from sigstore.oidc import IdentityToken
from sigstore.sign import SigningContext

from pipeline.audit import cli
from pipeline.audit.keyless import Identity, identity_token, read_trust, sign_release, verify_release
from pipeline.audit.release import Options, release
from pipeline.audit.timestamps import attested_by
from pipeline.lineage.sign import public_pem, sign_bundle
from pipeline.lineage.timestamp import read_authorities
from pipeline.schema.errors import BadInput, NotVerified
from pipeline.stage.outputs import json_bytes
from tests.fake_sigstore import FakeSigstore, running
from tests.world import CHECKPOINT, build_world

ME = Identity("https://ci.test/project/.ci/release@refs/heads/main", "https://issuer.test")
NAMES = ["bom", "card", "chain", "model", "provenance", "test-result"]


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> Iterator[Path]:
    """A release that nobody has signed keyless yet, and its keys beside it."""
    folder = tmp_path_factory.mktemp("plain")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PEDIGREE_KEYS", str(folder / "keys"))
        world = build_world(folder / "tree", folder / "keys")
        release(world.root, CHECKPOINT, folder / "release", Options())
        yield folder / "release"


@pytest.fixture(scope="module")
def sigstore(tmp_path_factory) -> Iterator[FakeSigstore]:
    with running(FakeSigstore(tmp_path_factory.mktemp("sigstore"))) as fake:
        yield fake


@pytest.fixture(scope="module")
def trust(sigstore) -> ClientTrustConfig:
    return trust_of(sigstore)


@pytest.fixture(scope="module")
def signed(plain, sigstore, trust, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("signed") / "release"
    shutil.copytree(plain, folder)
    sign_release(folder, trust, IdentityToken(sigstore.token(ME.name)))
    return folder


@pytest.fixture
def copy(signed, tmp_path) -> Path:
    shutil.copytree(signed, tmp_path / "release")
    return tmp_path / "release"


def trust_of(fake: FakeSigstore) -> ClientTrustConfig:
    return ClientTrustConfig.from_json(json.dumps(fake.trust_config()))


def bundle(folder: Path, name: str) -> Path:
    return folder / "keyless" / f"{name}.sigstore.json"


@pytest.mark.parametrize(("version", "with_tsa"), [(1, False), (1, True), (2, True)])
def test_a_release_is_signed_and_verified_with_either_log(plain, tmp_path, version, with_tsa):
    shutil.copytree(plain, tmp_path / "release")
    fake = FakeSigstore(tmp_path, rekor_version=version, with_tsa=with_tsa)
    with running(fake):
        trust = trust_of(fake)
        written = sign_release(tmp_path / "release", trust, IdentityToken(fake.token(ME.name)))
    assert [path.name for path in written] == [f"{name}.sigstore.json" for name in NAMES]
    opened = verify_release(tmp_path / "release", trust, ME)  # the services are gone: nothing is asked of them
    claims = (plain / "attestation/claims.jsonl").read_bytes().splitlines()
    assert opened["provenance"] == base64.b64decode(json.loads(claims[0])["dsseEnvelope"]["payload"])
    assert len(fake.entries) == len(NAMES)


@pytest.mark.parametrize("stranger", [
    Identity(ME.name, "https://other-issuer.test"), Identity("https://ci.test/other@refs/heads/main", ME.issuer),
    Identity("mallory@ci.test", ME.issuer), Identity(ME.name.upper(), ME.issuer),
    Identity(ME.name[:-1], ME.issuer), Identity(ME.name, ME.issuer + "/"),
])
def test_another_identity_or_issuer_is_refused(signed, trust, stranger):
    with pytest.raises(NotVerified, match="Sigstore refuses it"):
        verify_release(signed, trust, stranger)


@pytest.mark.parametrize("nobody", [Identity("", ME.issuer), Identity(ME.name, ""), Identity("", "")])
def test_naming_no_identity_or_no_issuer_accepts_nobody(signed, trust, nobody):
    with pytest.raises(BadInput, match="nobody to accept"):
        verify_release(signed, trust, nobody)


def test_another_sigstore_instance_is_refused(signed, tmp_path):
    with running(FakeSigstore(tmp_path)) as stranger, pytest.raises(NotVerified, match="Sigstore refuses it"):
        verify_release(signed, trust_of(stranger), ME)


@pytest.mark.parametrize("name", NAMES)
def test_an_edited_payload_is_refused(copy, trust, name):
    value = json.loads(bundle(copy, name).read_text())
    payload = bytearray(base64.b64decode(value["dsseEnvelope"]["payload"]))
    payload[len(payload) // 2] ^= 1
    value["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()
    bundle(copy, name).write_text(json.dumps(value))
    with pytest.raises(NotVerified, match=f"keyless/{name}"):
        verify_release(copy, trust, ME)


def drop_promise(value):
    del value["verificationMaterial"]["tlogEntries"][0]["inclusionPromise"]
    del value["verificationMaterial"]["timestampVerificationData"]


def edit_log(value):
    entry = value["verificationMaterial"]["tlogEntries"][0]
    entry["logIndex"] = str(int(entry["logIndex"]) + 1)


def edit_proof(value):
    proof = value["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]
    proof["rootHash"] = base64.b64encode(bytes(32)).decode()


def edit_time(value):
    entry = value["verificationMaterial"]["tlogEntries"][0]
    entry["integratedTime"] = str(int(entry["integratedTime"]) - 30)


def edit_type(value):
    value["dsseEnvelope"]["payloadType"] = "text/plain"


def no_certificate(value):
    del value["verificationMaterial"]["certificate"]


def no_signature(value):
    value["dsseEnvelope"]["signatures"] = []


def no_log(value):
    value["verificationMaterial"]["tlogEntries"] = []


@pytest.mark.parametrize("edit", [drop_promise, edit_log, edit_proof, edit_time, edit_type, no_certificate,
                                  no_signature, no_log])
def test_an_edited_bundle_is_refused(copy, trust, edit):
    value = json.loads(bundle(copy, "chain").read_text())
    edit(value)
    bundle(copy, "chain").write_text(json.dumps(value))
    with pytest.raises(NotVerified, match="keyless/chain"):
        verify_release(copy, trust, ME)


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b"\xff", b"[" * 100_000])
def test_rubbish_in_place_of_a_bundle_is_refused(copy, trust, text):
    bundle(copy, "chain").write_bytes(text)
    with pytest.raises(NotVerified, match="keyless/chain"):
        verify_release(copy, trust, ME)


def resign(folder: Path, fake: FakeSigstore, name: str, payload: bytes, identity: str = ME.name) -> None:
    """Put a genuine bundle of another statement in a bundle's place."""
    with SigningContext.from_trust_config(trust_of(fake)).signer(IdentityToken(fake.token(identity))) as signer:
        bundle(folder, name).write_text(signer.sign_dsse(dsse.Statement(payload)).to_json())


def test_a_true_bundle_of_another_person_is_refused(copy, sigstore, trust):
    payload = verify_release(copy, trust, ME)["chain"]
    resign(copy, sigstore, "chain", payload, "mallory@ci.test")
    with pytest.raises(NotVerified, match=r"keyless/chain.*Sigstore refuses it"):
        verify_release(copy, trust, ME)


def test_a_true_bundle_of_another_predicate_type_is_refused(copy, sigstore, trust):
    shutil.copy(bundle(copy, "card"), bundle(copy, "bom"))
    with pytest.raises(NotVerified, match=r"keyless/bom.*not the kind of statement"):
        verify_release(copy, trust, ME)


def test_a_true_bundle_of_another_release_is_refused(copy, sigstore, trust):
    """Signed by the right person, about something else."""
    chain = json.loads(verify_release(copy, trust, ME)["chain"])
    chain["subject"][0]["digest"]["sha256"] = "00" * 32
    resign(copy, sigstore, "chain", json_bytes(chain))
    with pytest.raises(NotVerified, match="is not the statement that the producer's key signed"):
        verify_release(copy, trust, ME)


def test_a_bundle_that_is_missing_or_too_many_is_refused(copy, trust):
    shutil.copy(bundle(copy, "card"), bundle(copy, "extra"))
    with pytest.raises(NotVerified, match="not one bundle for each statement"):
        verify_release(copy, trust, ME)
    bundle(copy, "extra").unlink()
    bundle(copy, "card").unlink()
    with pytest.raises(NotVerified, match="not one bundle for each statement"):
        verify_release(copy, trust, ME)


@pytest.mark.parametrize(("path", "where"), [
    ("model/model.safetensors", r"model/model.safetensors: is not the file"),
    ("lineage/curate_mix/statement.json", r"lineage/curate_mix/statement.json: is not the statement"),
])
def test_a_changed_file_of_the_release_is_named(copy, trust, path, where):
    (copy / path).write_bytes((copy / path).read_bytes() + b" ")
    with pytest.raises(NotVerified, match=where):
        verify_release(copy, trust, ME)
    (copy / path).unlink()
    with pytest.raises(NotVerified):
        verify_release(copy, trust, ME)


def test_a_file_smuggled_into_the_model_is_named(copy, trust):
    (copy / "model/.github").mkdir()
    (copy / "model/.github/workflow.yml").write_text("run: anything")
    with pytest.raises(NotVerified, match=r"model/.github/workflow.yml"):
        verify_release(copy, trust, ME)


def test_a_stage_name_that_leaves_the_folder_is_refused(copy, sigstore, trust):
    chain = json.loads(verify_release(copy, trust, ME)["chain"])
    chain["predicate"]["stages"][0]["stage"] = "../../outside"
    resign(copy, sigstore, "chain", json_bytes(chain))
    replace_claim(copy, json_bytes(chain))
    with pytest.raises(NotVerified, match=r"outside/statement.json: statement missing"):
        verify_release(copy, trust, ME)


def replace_claim(folder: Path, payload: bytes) -> None:
    """The chain claim as another key would sign it: keyless checks ask for no key."""
    claims = folder / "attestation/claims.jsonl"
    kind = json.loads(payload)["predicateType"]
    kept = [line for line in claims.read_bytes().splitlines(keepends=True)
            if json.loads(base64.b64decode(json.loads(line)["dsseEnvelope"]["payload"]))["predicateType"] != kind]
    claims.write_bytes(b"".join(kept) + sign_bundle(payload, ec.generate_private_key(ec.SECP256R1())))


def test_a_token_of_another_issuers_key_or_an_old_one_gets_no_certificate(plain, sigstore, trust, tmp_path):
    shutil.copytree(plain, tmp_path / "release")
    forged = sigstore.token(ME.name, key=ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(BadInput, match="Sigstore: did not sign"):
        sign_release(tmp_path / "release", trust, IdentityToken(forged))
    assert not (tmp_path / "release/keyless").exists()
    with pytest.raises(BadInput, match="identity token: not usable"):
        identity_token(sigstore.token(ME.name, lifetime_s=-60))


def test_a_token_comes_from_the_flag_the_environment_or_the_ci(monkeypatch, sigstore):
    for variable in ("GITHUB_ACTIONS", "GITLAB_CI", "BUILDKITE", "CIRCLECI"):
        monkeypatch.delenv(variable, raising=False)
    assert identity_token(sigstore.token("a@ci.test")).identity == "a@ci.test"
    monkeypatch.setenv("SIGSTORE_IDENTITY_TOKEN", sigstore.token("b@ci.test"))
    assert identity_token(None).identity == "b@ci.test"
    monkeypatch.delenv("SIGSTORE_IDENTITY_TOKEN")
    monkeypatch.setenv("GITLAB_CI", "true")
    monkeypatch.setenv("SIGSTORE_ID_TOKEN", sigstore.token("c@ci.test"))
    assert identity_token(None).identity == "c@ci.test"


def test_a_trust_config_that_is_none_is_refused(tmp_path):
    (tmp_path / "trust.json").write_text("{}")
    for path in (tmp_path / "trust.json", tmp_path / "missing.json"):
        with pytest.raises(BadInput, match="no trust config"):
            read_trust(path, offline=True)


@pytest.fixture(scope="module")
def asked(sigstore, tmp_path_factory) -> Path:
    """What one command makes: a release with trusted time and keyless signatures, the trust config beside it."""
    folder = tmp_path_factory.mktemp("asked")
    (folder / "trust.json").write_text(json.dumps(sigstore.trust_config()))
    world = build_world(folder / "tree", folder / "keys")
    (folder / "producer.pub").write_bytes(public_pem(world.key.public_key()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PEDIGREE_KEYS", str(folder / "keys"))
        assert cli.main(["release", str(world.root / CHECKPOINT), "--out", str(folder / "release"), "--keyless",
                         "--identity-token", sigstore.token(ME.name), "--trust-config", str(folder / "trust.json"),
                         "--timestamp", f"{sigstore.url}/timestamp"]) == 0
    return folder / "release"


def test_a_release_made_with_time_and_identity_verifies_by_both(asked, trust, capsys):
    assert verify_release(asked, trust, ME).keys() == set(NAMES)
    authorities = read_authorities((asked.parent / "trust.json").read_bytes(), "trust.json")
    assert abs(attested_by(asked / "attestation", authorities) - datetime.now(UTC)) < timedelta(minutes=10)
    assert cli.main(["verify", str(asked), "--key", str(asked.parent / "producer.pub")]) == 0
    assert "`pedigree check-keyless` verifies them" in capsys.readouterr().out


def test_the_sigstore_command_accepts_one_file_and_refuses_a_flipped_byte_and_another_issuer(asked, tmp_path):
    weights = tmp_path / "model.safetensors"
    for issuer, flipped, accepted in ((ME.issuer, False, True), ("https://other.test", False, False),
                                      (ME.issuer, True, False)):
        content = (asked / "model/model.safetensors").read_bytes()
        weights.write_bytes(b"b" + content[1:] if flipped else content)
        found = subprocess.run(
            [sys.executable, "-m", "sigstore", "--trust-config", str(asked.parent / "trust.json"), "verify", "identity",
             "--cert-identity", ME.name, "--cert-oidc-issuer", issuer, "--bundle", str(bundle(asked, "provenance")),
             str(weights)], capture_output=True, text=True, check=False)
        assert (found.returncode == 0) is accepted, found.stderr
        assert ("OK: " in found.stderr) is accepted


def test_a_service_that_refuses_leaves_no_release(asked, sigstore, tmp_path, monkeypatch):
    monkeypatch.setenv("PEDIGREE_KEYS", str(asked.parent / "keys"))
    forged = sigstore.token(ME.name, key=ec.generate_private_key(ec.SECP256R1()))
    for extra in (["--keyless", "--identity-token", forged], ["--timestamp", f"{sigstore.url}/nothing"]):
        assert cli.main(["release", str(asked.parent / "tree" / CHECKPOINT), "--out", str(tmp_path / "new"),
                         "--trust-config", str(asked.parent / "trust.json"), *extra]) == 2
        assert list(tmp_path.iterdir()) == []


def test_the_command_says_who_signed_and_exits_by_it(copy, sigstore, tmp_path, capsys):
    trust_file = tmp_path / "trust.json"
    trust_file.write_text(json.dumps(sigstore.trust_config()))
    common = ["check-keyless", str(copy), "--trust-config", str(trust_file), "--issuer", ME.issuer]
    assert cli.main([*common, "--identity", ME.name]) == 0
    assert "HOLDS: 6 statements signed by https://ci.test/project" in capsys.readouterr().out
    assert cli.main([*common, "--identity", "mallory@ci.test", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["holds"] is False
    shutil.rmtree(copy / "keyless")
    assert cli.main([*common, "--identity", ME.name]) == 2
