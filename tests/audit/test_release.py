"""A release is whole or does not exist, holds what an auditor needs, and nothing private."""

import json
import os
import shutil
from pathlib import Path

import pytest

from pipeline.audit.cli import main
from pipeline.audit.release import Options
from pipeline.lineage.sign import public_pem
from pipeline.schema.attest import Attest
from pipeline.schema.errors import BadInput, NotVerified
from pipeline.stage.hashing import hash_artefact
from pipeline.stage.keyring import current_keyring
from pipeline.stages import attest
from tests.clients.release_world import flip, keys_of, release_of, run
from tests.world import CHECKPOINT, MODEL, THRESHOLDS, World, build_world, sign_checkpoint
from tests.world import inside as working_in
from tests.world import stage as run_stage_of_world

ADAPTER = "models/sft"


@pytest.fixture
def world(tmp_path) -> World:
    return build_world(tmp_path / "tree", tmp_path / "keys")


@pytest.fixture
def out(tmp_path) -> Path:
    return tmp_path / "release"


def verdict(folder: Path, *more: str) -> int:
    return main(["verify", str(folder), "--key", str(folder.with_name("producer.pub")), *more])


def add_adapter(world: World, threshold: int = 1) -> None:
    """models/sft, an adapter on models/dacpt, evaluated, judged and attested."""
    with working_in(world.root, world.root.parent / "keys"):
        config = json.dumps({"base_model_name_or_path": f"sha256:{hash_artefact(Path(CHECKPOINT)).digest}"})
        run_stage_of_world("sft", [CHECKPOINT, "data/curate_mix/documents"],
                           {ADAPTER: {"adapter_model.safetensors": "adapter", "adapter_config.json": config},
                            "models/sft.train/metrics.json": '{"loss": 1.5}'}, {})
        run_stage_of_world("evaluate@sft", [CHECKPOINT, ADAPTER],
                           {"models/sft.eval/metrics.json": '{"perplexity": 9.0}'}, {"gate": THRESHOLDS})
        verdict = {"checkpoint": "sft", "verdict": "pass", "checks": {"general": {"verdict": "pass"}}}
        run_stage_of_world("gate@sft", ["models/sft.eval/metrics.json"],
                           {"models/sft.gate/gate.json": json.dumps(verdict)}, {"gate": THRESHOLDS})
        shutil.copytree("models/dacpt.card", "models/sft.card")
        attest.main(Path(ADAPTER), Path("models/sft.eval/metrics.json"), Path("models/sft.gate/gate.json"),
                    Path("models/sft.card"), Path("lineage"), Path("models/sft.attestation"),
                    Attest(threshold=threshold, expires="2036-01-01T00:00:00Z"))


def test_a_release_verifies_with_its_own_policy_and_nothing_else(world, out, capsys):
    release_of(world, out)
    shutil.rmtree(world.root)
    for depth in ([], ["--deep"]):
        assert verdict(out, "--policy", str(out / "policy.yaml"), *depth) == 0, capsys.readouterr().out


def test_it_holds_exactly_these_parts(world, out):
    release_of(world, out)
    assert sorted(path.name for path in out.iterdir()) == [
        "VERIFY.md", "attestation", "card", "evaluation", "lineage", "model", "policy.yaml"]
    assert sorted(path.name for path in (out / "lineage").iterdir()) == [
        "base@tiny", "choose_base", "curate_mix", "dacpt", "evaluate@dacpt", "gate@dacpt"]


def test_manifests_of_data_stay_unless_they_are_asked_for(world, out, tmp_path):
    release_of(world, out)
    assert not list(out.rglob("data.*.sha256sums"))
    whole = release_of(world, tmp_path / "whole", Options(with_manifests=True))
    assert [path.name for path in whole.rglob("data.*.sha256sums")] == ["data.curate_mix.documents.sha256sums"]
    assert verdict(whole) == 0


def test_two_releases_of_the_same_checkpoint_are_the_same_bytes(world, out, tmp_path):
    one, two = release_of(world, out), release_of(world, tmp_path / "again")
    assert hash_artefact(one).entries == hash_artefact(two).entries


def test_no_file_of_a_release_names_a_folder_of_this_machine(world, out):
    release_of(world, out)
    for path in out.rglob("*"):
        assert not path.is_file() or str(world.root.parent).encode() not in path.read_bytes(), path


def test_an_existing_folder_is_never_overwritten(world, out):
    out.mkdir()
    (out / "precious").write_text("mine")
    with pytest.raises(BadInput, match="never overwritten"):
        release_of(world, out)
    assert [path.name for path in out.iterdir()] == ["precious"]


@pytest.mark.parametrize("part", [
    "models/dacpt/model.safetensors", "models/dacpt.card/README.md", "models/dacpt.eval/metrics.json",
    "models/dacpt.gate/gate.json", "models/dacpt.attestation/claims.jsonl", "models/dacpt.attestation/root.layout",
    "models/dacpt.attestation/keyring.json", "lineage/choose_base/statement.json"])
def test_what_does_not_verify_is_not_released_and_leaves_nothing(world, out, part):
    flip(world.root / part)
    with pytest.raises((NotVerified, BadInput)):
        release_of(world, out)
    assert not out.exists()
    assert not list(out.parent.glob(".release*"))


@pytest.mark.parametrize("part", ["models/dacpt", "models/dacpt.card", "models/dacpt.eval/metrics.json",
                                  "models/dacpt.attestation"])
def test_a_missing_part_is_named(world, out, part):
    place = world.root / part
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    with pytest.raises((BadInput, NotVerified), match=part):
        release_of(world, out)
    assert not out.exists()


def test_a_release_needs_the_local_keys_and_makes_none(world, out, tmp_path, monkeypatch):
    os.rename(tmp_path / "keys", tmp_path / "elsewhere")
    with pytest.raises(BadInput, match="no key that signs"):
        release_of(world, out)
    assert not (tmp_path / "keys").exists()


def test_an_adapter_names_its_base_and_says_how_to_check_it(world, out):
    add_adapter(world)
    release_of(world, out, checkpoint=ADAPTER)
    assert not (out / "base").exists()
    assert (out / "lineage/dacpt/models.dacpt.sha256sums").is_file()
    assert verdict(out, "--policy", str(out / "policy.yaml")) == 0
    shutil.copytree(world.root / CHECKPOINT, out.parent / "elsewhere")
    os.environ["BASE"] = "../elsewhere"
    try:
        assert run(out, "The base").returncode == 0
        flip(out.parent / "elsewhere/model.safetensors")
        assert run(out, "The base").returncode != 0
    finally:
        del os.environ["BASE"]


def test_the_base_comes_along_on_request_and_is_checked(world, out):
    add_adapter(world)
    release_of(world, out, Options(with_base=True), ADAPTER)
    assert run(out, "The base").returncode == 0
    assert verdict(out, "--deep") == 0
    flip(out / "base/model.safetensors")
    assert run(out, "The base").returncode != 0
    assert verdict(out, "--deep") == 1


def test_the_other_outs_of_the_stage_come_along_because_its_link_names_them(world, out):
    add_adapter(world)
    release_of(world, out, checkpoint=ADAPTER)
    assert (out / "products/models/sft.train/metrics.json").is_file()
    assert run(out, "in-toto").returncode == 0
    flip(out / "products/models/sft.train/metrics.json")
    assert run(out, "in-toto").returncode != 0


def test_an_adapter_on_a_base_that_its_stage_did_not_read_is_not_released(world, out):
    add_adapter(world)
    config = world.root / ADAPTER / "adapter_config.json"
    config.write_text(json.dumps({"base_model_name_or_path": f"sha256:{'0' * 64}"}))
    with pytest.raises(NotVerified, match="names a base that stage sft did not read"):
        release_of(world, out, checkpoint=ADAPTER)


def test_a_threshold_of_two_needs_the_links_of_a_second_builder(world, out, tmp_path):
    second = build_world(tmp_path / "second/tree", tmp_path / "second/keys")
    add_adapter(second)
    with keys_of(world):
        for role in ("data-owner", "trainer", "evaluator"):
            assert main(["keys", "add", str(tmp_path / "second/keys/key.pub"), "--role", role]) == 0
    add_adapter(world, threshold=2)
    with pytest.raises(NotVerified, match="would not verify"):
        release_of(world, out, checkpoint=ADAPTER)
    assert not out.exists()
    release_of(world, out, Options(links=(second.root / "lineage",)), ADAPTER)
    assert verdict(out, "--policy", str(out / "policy.yaml")) == 0
    assert run(out, "in-toto").returncode == 0
    next((out / "lineage/sft").glob("*.link")).unlink()
    assert verdict(out) == 1
    assert run(out, "in-toto").returncode != 0


def test_a_second_builder_who_got_other_bytes_is_found_out(world, out, tmp_path):
    second = build_world(tmp_path / "second/tree", tmp_path / "second/keys")
    add_adapter(second)
    with working_in(second.root, tmp_path / "second/keys"):
        run_stage_of_world("sft", [CHECKPOINT, "data/curate_mix/documents"],
                           {ADAPTER: {"adapter_model.safetensors": "different"}}, {})
    with keys_of(world):
        for role in ("data-owner", "trainer", "evaluator"):
            assert main(["keys", "add", str(tmp_path / "second/keys/key.pub"), "--role", role]) == 0
    add_adapter(world, threshold=2)
    with pytest.raises(NotVerified, match="lineage/sft"):
        release_of(world, out, Options(links=(second.root / "lineage",)), ADAPTER)


def attest_again(world: World) -> None:
    with working_in(world.root, world.root.parent / "keys"):
        sign_checkpoint()


def test_after_a_rotation_the_new_key_vouches_for_the_old_records(world, out, tmp_path):
    with keys_of(world):
        assert main(["keys", "make", "--role", "trainer", "--at", "2026-01-01"]) == 0
    with pytest.raises(NotVerified, match="is not the keyring of today"):
        release_of(world, out)
    attest_again(world)
    release_of(world, out)
    assert verdict(out, "--policy", str(out / "policy.yaml")) == 0
    assert run(out, "in-toto").returncode == 0
    [ours], [before] = (out / "lineage/dacpt").glob("*.link"), (world.root / "lineage/dacpt").glob("*.link")
    assert ours.name != before.name
    assert next((out / "lineage/curate_mix").glob("*.link")).name.endswith(before.name.removeprefix("dacpt"))


def test_nobody_vouches_for_what_a_revoked_key_signed(world, out):
    with keys_of(world):
        assert main(["keys", "make", "--role", "trainer", "--at", "2026-01-01"]) == 0
    with working_in(world.root, world.root.parent / "keys"):
        run_stage_of_world("dacpt", ["models/base", "data/curate_mix/documents"], {CHECKPOINT: MODEL},
                           {"dacpt": {"lr": 0.001}})
    attest_again(world)
    with keys_of(world):
        hint = next(entry.hint for entry in current_keyring().entries if entry.since.startswith("2026-01-01"))
        assert main(["keys", "revoke", hint, "--why", "lost", "--at", "2026-02-01"]) == 0
        assert main(["keys", "make", "--role", "trainer", "--at", "2026-03-01"]) == 0
    with pytest.raises(NotVerified, match="lineage/dacpt"):
        attest_again(world)
    with pytest.raises(NotVerified):
        release_of(world, out)
    assert not out.exists()


def test_the_command_says_where_the_release_is(world, out, capsys):
    with keys_of(world):
        assert main(["release", str(world.root / CHECKPOINT), "--out", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"checkpoint": CHECKPOINT, "release": str(out)}
    out.with_name("producer.pub").write_bytes(public_pem(world.key.public_key()))
    assert verdict(out) == 0
