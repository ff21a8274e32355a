"""One world, one broken thing, one refusal that names it."""

import base64
import json
import shutil
from pathlib import Path

import pytest

from pipeline.audit.verify import verify_tree
from pipeline.lineage.sign import load_private_key, new_private_key, sign_bundle
from pipeline.stage.outputs import json_bytes
from tests.world import CHECKPOINT, World, build_world, inside, stage


@pytest.fixture
def world(tmp_path: Path) -> World:
    return build_world(tmp_path / "tree", tmp_path / "keys")


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def test_an_untouched_world_holds_and_names_nothing_unseen(world):
    findings = world.verify()
    assert findings.failures == []
    assert findings.not_seen == []
    assert {check.split()[0] for check in findings.held} == {str(number) for number in range(1, 16)}


@pytest.mark.parametrize(("path", "where", "stage"), [
    ("data/lake/policy.md", "data/lake", "curate_mix"),
    ("data/curate_mix/documents/part-00000.parquet", "data/curate_mix/documents/part-00000.parquet", "curate_mix"),
    ("models/bases/tiny/model.safetensors", "models/bases/tiny/model.safetensors", "base@tiny"),
    ("models/base/model.safetensors", "models/base/model.safetensors", "choose_base"),
    ("models/dacpt/model.safetensors", "models/dacpt/model.safetensors", "dacpt"),
    ("models/dacpt/config.json", "models/dacpt/config.json", "dacpt"),
    ("models/dacpt.eval/metrics.json", "models/dacpt.eval/metrics.json", "evaluate@dacpt"),
    ("models/dacpt.gate/gate.json", "models/dacpt.gate/gate.json", "gate@dacpt"),
    ("models/dacpt.card/README.md", "models/dacpt.card/README.md", "card"),
    ("models/dacpt.attestation/key.pub", "models/dacpt.attestation/key.pub", "attest"),
    ("pipeline/code.py", "pipeline/code.py", "dacpt"),
])
def test_one_flipped_bit_is_named_with_its_stage(world, path, where, stage):
    flip(world.root / path)
    assert (where, stage) in world.failures()


@pytest.mark.parametrize("stage", ["curate_mix", "base@tiny", "choose_base", "dacpt", "evaluate@dacpt", "gate@dacpt"])
def test_one_flipped_bit_in_any_record_is_named(world, stage):
    for path in sorted((world.root / "lineage" / stage).iterdir()):
        original = path.read_bytes()
        flip(path)
        named = [where for where, _ in world.failures()]
        assert any(where.startswith(f"lineage/{stage}/{path.name}") for where in named), (path.name, named)
        path.write_bytes(original)
    assert world.failures() == []


@pytest.mark.parametrize("name", ["claims.jsonl", "model.sig"])
@pytest.mark.parametrize("position", [0.1, 0.5, 0.97])
def test_one_flipped_bit_in_a_signature_file_is_named(world, name, position):
    path = world.root / f"{CHECKPOINT}.attestation" / name
    data = bytearray(path.read_bytes())
    data[int(len(data) * position)] ^= 1
    path.write_bytes(bytes(data))
    assert any(where.startswith(f"{CHECKPOINT}.attestation") for where, _ in world.failures())


def test_a_deleted_claim_is_missed(world):
    path = world.root / f"{CHECKPOINT}.attestation" / "claims.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    assert any("claims missing" in failure.what for failure in world.verify().failures)


def test_a_record_rewritten_consistently_but_not_signed_is_refused(world):
    """Other data, and a statement and manifests that agree with it: only the signed chain can tell."""
    part = world.root / "data/curate_mix/documents/part-00000.parquet"
    other = build_world(world.root.parent / "other", world.root.parent / "keys")
    part.write_text("documents")
    statement = world.root / "lineage/curate_mix/statement.json"
    edited = json.loads(statement.read_text())
    edited["predicate"]["buildDefinition"]["externalParameters"]["cmd"] = "python -m pipeline.stages.other"
    statement.write_bytes(json_bytes(edited))
    assert ("lineage/curate_mix/statement.json", "attest") in world.failures()
    assert other.failures() == []


def test_a_swapped_base_is_refused(world):
    for path in ("models/base", "models/bases/tiny"):
        (world.root / path / "model.safetensors").write_text("another base")
    stages = {stage for _, stage in world.failures()}
    assert {"base@tiny", "choose_base"} <= stages


def test_a_missing_stage_is_named(world):
    shutil.rmtree(world.root / "lineage/choose_base")
    assert any("lineage/choose_base" in where for where, _ in world.failures())


def test_an_extra_file_in_a_checkpoint_is_refused(world):
    hidden = world.root / "models/dacpt/.github/workflow.yml"
    hidden.parent.mkdir()
    hidden.write_text("run: anything\n")
    assert ("models/dacpt/.github/workflow.yml", "dacpt") in world.failures()


def test_an_extra_file_in_the_lineage_is_refused(world):
    (world.root / "lineage/dacpt/extra.json").write_text("{}")
    assert ("lineage/dacpt/extra.json", "dacpt") in world.failures()


def test_a_renamed_file_is_refused(world):
    (world.root / "models/dacpt/config.json").rename(world.root / "models/dacpt/config2.json")
    assert ("models/dacpt/config.json", "dacpt") in world.failures()


def test_an_edited_parameter_is_named(world):
    params = world.root / "params.yaml"
    params.write_text(params.read_text().replace("lr: 1.0e-3", "lr: 2.0e-3"))
    assert ("params.yaml: dacpt", "dacpt") in world.failures()


def test_a_strangers_key_is_not_accepted(world):
    stranger = load_private_key(new_private_key(), "stranger").public_key()
    findings = verify_tree(world.root, [CHECKPOINT], [stranger], whole=True)
    assert any("not accepted" in failure.what for failure in findings.failures)


def test_a_claim_signed_by_a_stranger_is_refused(world):
    path = world.root / f"{CHECKPOINT}.attestation" / "claims.jsonl"
    first, *rest = path.read_bytes().splitlines(keepends=True)
    payload = base64.b64decode(json.loads(first)["dsseEnvelope"]["payload"])
    forged = sign_bundle(payload, load_private_key(new_private_key(), "stranger"))
    path.write_bytes(forged + b"".join(rest))
    assert any("claims.jsonl:1" in where for where, _ in world.failures())


def test_the_attestation_of_another_checkpoint_is_refused(world):
    shutil.copytree(world.root / "models/dacpt", world.root / "models/other")
    shutil.copytree(world.root / "models/dacpt.attestation", world.root / "models/other.attestation")
    findings = world.verify(["models/other"])
    assert any("models/other" in failure.where for failure in findings.failures)


def test_absent_artefacts_are_listed_and_never_called_held(world):
    shutil.rmtree(world.root / "data")
    findings = world.verify()
    assert findings.failures == []
    assert {artefact for artefact, _ in findings.not_seen} == {"data/lake", "data/curate_mix/documents"}


def test_a_checkpoint_without_attestation_is_refused(world):
    shutil.rmtree(world.root / f"{CHECKPOINT}.attestation")
    assert (f"{CHECKPOINT}.attestation", "attest") in world.failures()


def test_a_record_that_leads_to_no_checkpoint_is_judged_too_when_the_whole_tree_is(world):
    with inside(world.root, world.root.parent / "keys"):
        stage("merge", [CHECKPOINT], {"models/merged": {"model.safetensors": "merged"}}, {})
    assert world.failures() == []
    [link] = (world.root / "lineage/merge").glob("*.link")
    link.unlink()
    assert ("lineage/merge", "merge") in world.failures()
    assert world.verify(whole=False).failures == []


def test_two_worlds_at_two_paths_have_the_same_bytes(tmp_path):
    one = build_world(tmp_path / "a", tmp_path / "keys")
    two = build_world(tmp_path / "deeper" / "b", tmp_path / "keys")
    for path in sorted(one.root.rglob("*")):
        if path.is_file():
            assert path.read_bytes() == (two.root / path.relative_to(one.root)).read_bytes(), path
