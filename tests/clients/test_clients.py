"""By the words of VERIFY.md, our command and five that know nothing of us accept a release and refuse a changed one."""

import shutil
from pathlib import Path

import pytest

from pipeline.lineage.sign import load_private_key, new_private_key, public_pem
from tests.clients.release_world import build_release, flip, installed, run

STAGES = ["curate_mix", "base@tiny", "choose_base", "dacpt", "evaluate@dacpt", "gate@dacpt"]


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    return build_release(tmp_path_factory.mktemp("clients"))


@pytest.fixture(scope="module")
def node_client(built) -> None:
    if not installed("node") or not installed("npm"):
        pytest.skip("no Node here")
    fetched = run(built, "@sigstore/verify", 0)
    if fetched.returncode:
        pytest.skip(f"no npm registry here: {fetched.stderr[-200:]}")


@pytest.fixture
def folder(built, tmp_path) -> Path:
    for name in ("producer.pub", "sigstore-client"):
        if (built.parent / name).exists():
            (tmp_path / name).symlink_to(built.parent / name)
    return Path(shutil.copytree(built, tmp_path / "release"))


def accepts(folder: Path, title: str) -> bool:
    return run(folder, title).returncode == 0


@pytest.fixture(params=["pedigree", "sha256sum", "openssl", "model_signing", "in-toto", "@sigstore/verify"])
def client(request) -> str:
    if request.param == "@sigstore/verify":
        request.getfixturevalue("node_client")
    elif request.param != "pedigree" and not installed({"in-toto": "in-toto-verify"}.get(request.param, request.param)):
        pytest.skip(f"{request.param} is not installed")
    return request.param


def test_a_good_release_is_accepted(client, folder):
    result = run(folder, client)
    assert result.returncode == 0, result.stdout + result.stderr


COVERED = {
    "pedigree": ["model/model.safetensors", "card/README.md", "evaluation/gate.json", "attestation/root.layout",
                 "attestation/claims.jsonl", "lineage/dacpt/link", "lineage/base@tiny/statement.json"],
    "sha256sum": ["model/model.safetensors", "model/config.json", "evaluation/metrics.json", "evaluation/gate.json",
                  "lineage/dacpt/models.dacpt.sha256sums"],
    "openssl": ["attestation/claims.jsonl", "attestation/model.sig", "attestation/keyring.json",
                "attestation/key.pub", *(f"lineage/{stage}/statement.json" for stage in STAGES)],
    "model_signing": ["model/model.safetensors", "model/config.json", "attestation/model.sig", "attestation/key.pub"],
    "in-toto": ["model/model.safetensors", "model/config.json", "attestation/root.layout", "attestation/key.pub",
                "lineage/dacpt/statement.json", *(f"lineage/{stage}/link" for stage in STAGES)],
    "@sigstore/verify": ["attestation/claims.jsonl", "attestation/model.sig", "attestation/key.pub"],
}


def test_one_flipped_byte_is_refused(client, folder):
    for name in COVERED[client]:
        path = folder / name
        if path.name == "link":
            [path] = path.parent.glob("*.link")
        original = path.read_bytes()
        flip(path)
        assert not accepts(folder, client), f"{client} accepts a changed {name}"
        path.write_bytes(original)


@pytest.mark.parametrize("client", ["sha256sum", "model_signing", "in-toto"], indirect=True)
def test_a_renamed_and_an_added_file_of_the_checkpoint_are_refused(client, folder):
    (folder / "model/config.json").rename(folder / "model/config2.json")
    assert not accepts(folder, client)
    (folder / "model/config2.json").rename(folder / "model/config.json")
    (folder / "model/more.json").write_text("{}")
    assert not accepts(folder, client)


@pytest.mark.parametrize("client", ["openssl", "model_signing", "in-toto", "@sigstore/verify"], indirect=True)
def test_another_key_is_refused(client, folder):
    stranger = load_private_key(new_private_key(), "stranger").public_key()
    (folder / "attestation/key.pub").write_bytes(public_pem(stranger))
    assert not accepts(folder, client)


@pytest.mark.parametrize("client", ["openssl"], indirect=True)
def test_a_key_that_the_producers_root_key_did_not_list_is_refused(client, folder):
    stranger = load_private_key(new_private_key(), "stranger").public_key()
    (folder.parent / "producer.pub").unlink()
    (folder.parent / "producer.pub").write_bytes(public_pem(stranger))
    assert not accepts(folder, client)


@pytest.mark.parametrize("stage", STAGES)
def test_a_missing_link_is_refused_by_in_toto(folder, stage):
    [link] = (folder / "lineage" / stage).glob("*.link")
    link.unlink()
    assert not accepts(folder, "in-toto")
