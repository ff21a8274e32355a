"""The attack table: one world, one thing broken, and `pedigree verify` exits 1 naming file and check.

Attacks that need DVC, a running stage, a release or a policy: `test_attacks_by_tools.py`.

Rows marked `by` are attacks of somebody who holds a key: the record is edited and signed again.
"""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.audit.findings import Check
from pipeline.lineage.manifest import manifest_text, parse_manifest, sha256
from tests.audit.forge import (
    attestation,
    edit_claim,
    edit_keyring,
    edit_layout,
    edit_statement,
    named,
    own,
    put,
    reattest,
    relink,
    statement_path,
    stranger,
    two_trainers,
    verify,
)
from tests.world import CHECKPOINT, World


@dataclass(frozen=True)
class Attack:
    """One row."""

    name: str
    breaks: Callable[[World], object]
    check: Check
    where: str
    """How the place named by the failure begins."""
    depth: tuple[str, ...] = ()


def write(path: str, text: str = "other") -> Callable[[World], object]:
    return lambda world: put(world.root / path, text)


def remove(path: str) -> Callable[[World], object]:
    return lambda world: _remove(world.root / path)


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def replace(path: str, old: str, new: str) -> Callable[[World], object]:
    def breaks(world: World) -> None:
        text = (world.root / path).read_text()
        assert old in text
        (world.root / path).write_text(text.replace(old, new, 1))
    return breaks


def statement(stage: str, change: Callable[[dict[str, Any]], object]) -> Callable[[World], object]:
    return lambda world: edit_statement(world, stage, change)


def signed_statement(stage: str, change: Callable[[dict[str, Any]], object]) -> Callable[[World], object]:
    """By the holder of the stage's key and of the attester's: everything below the lie is signed again."""
    def breaks(world: World) -> None:
        edit_statement(world, stage, change)
        relink(world, stage)
        reattest(world)
    return breaks


def definition(value: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = value["predicate"]["buildDefinition"]
    return found


def without(path: str) -> Callable[[dict[str, Any]], object]:
    """A statement that leaves out a dependency."""
    def change(value: dict[str, Any]) -> None:
        kept = [item for item in definition(value)["resolvedDependencies"] if item["name"] != path]
        definition(value)["resolvedDependencies"] = kept
    return change


def without_base_and_its_flag(value: dict[str, Any]) -> None:
    without("models/base")(value)
    external = definition(value)["externalParameters"]
    external["cmd"] = external["cmd"].replace(" --in models/base", "")


def rewrite_whole_base(world: World) -> None:
    """Other base weights, and records that agree with them from the base down; nothing signed again."""
    text = b"another base"
    for path, stage in (("models/bases/tiny", "base@tiny"), ("models/base", "choose_base")):
        (world.root / path / "model.safetensors").write_bytes(text)
        manifest = manifest_text({"model.safetensors": sha256(text)})
        old = sha256(manifest_text({"model.safetensors": sha256(b"tiny")}))
        (world.root / "lineage" / stage / f"{path.replace('/', '.')}.sha256sums").write_bytes(manifest)
        for each in ("base@tiny", "choose_base", "dacpt"):
            statement = statement_path(world, each)
            statement.write_text(statement.read_text().replace(old, sha256(manifest))
                                 .replace(sha256(b"tiny"), sha256(text)))


def older_attestation(world: World) -> None:
    """The producer ran again with another learning rate; the attacker serves the first attestation."""
    first = world.root.parent / "first"
    shutil.copytree(world.root / f"{CHECKPOINT}.attestation", first)
    signed_statement("dacpt", lambda value: definition(value)["externalParameters"]["params"]["dacpt"].update(lr=0.5))(
        world)
    replace("params.yaml", "lr: 1.0e-3", "lr: 0.5")(world)
    shutil.rmtree(world.root / f"{CHECKPOINT}.attestation")
    shutil.copytree(first, world.root / f"{CHECKPOINT}.attestation")


def another_checkpoints_attestation(world: World) -> None:
    """An attestation, properly signed by the same keys, of a checkpoint with other bytes."""
    other = world.root.parent / "other"
    shutil.copytree(world.root, other)
    twin = World(other, world.key)
    (other / CHECKPOINT / "model.safetensors").write_text("other weights")
    digest = sha256(b"other weights")
    path = other / "lineage/dacpt/models.dacpt.sha256sums"
    entries = parse_manifest(path.read_bytes(), "m") | {"model.safetensors": digest}
    old, new = sha256(path.read_bytes()), sha256(manifest_text(entries))
    path.write_bytes(manifest_text(entries))
    for stage in ("dacpt", "evaluate@dacpt"):
        text = statement_path(twin, stage).read_text()
        statement_path(twin, stage).write_text(text.replace(old, new).replace(sha256(b"adapted"), digest))
        relink(twin, stage)
    reattest(twin)
    shutil.rmtree(world.root / f"{CHECKPOINT}.attestation")
    shutil.copytree(other / f"{CHECKPOINT}.attestation", world.root / f"{CHECKPOINT}.attestation")


def claims(change: Callable[[list[bytes]], list[bytes]]) -> Callable[[World], object]:
    def breaks(world: World) -> None:
        path = attestation(world, "claims.jsonl")
        path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))
    return breaks


def link_of_another_stage(world: World) -> None:
    [other] = (world.root / "lineage/choose_base").glob("*.link")
    [mine] = (world.root / "lineage/base@tiny").glob("*.link")
    mine.write_bytes(other.read_bytes())


def unlink(stage: str) -> Callable[[World], object]:
    def breaks(world: World) -> None:
        [link] = (world.root / "lineage" / stage).glob("*.link")
        link.unlink()
    return breaks


def one_of_two(world: World) -> None:
    """The layout asks for two trainers; one has signed."""
    two_trainers(world)
    reattest(world)
    edit_layout(world, lambda layout: [step.update(threshold=2) for step in layout["steps"] if step["name"] == "dacpt"])


def one_signs_twice(world: World) -> None:
    """The layout asks for two trainers; the same link lies there under two names."""
    one_of_two(world)
    [link] = (world.root / "lineage/dacpt").glob("*.link")
    shutil.copy(link, link.with_name("dacpt.00000000.link"))


def retired(world: World) -> None:
    edit_keyring(world, lambda entry: entry._replace(until="2020-01-01T00:00:00Z")
                 if "trainer" in entry.roles else entry)


def revoked(world: World) -> None:
    edit_keyring(world, lambda entry: entry._replace(revoked_at="2026-01-01T00:00:00Z", revoked_why="laptop stolen")
                 if "trainer" in entry.roles else entry)


def symlink(path: str, target: str) -> Callable[[World], object]:
    def breaks(world: World) -> None:
        _remove(world.root / path)
        (world.root / path).symlink_to(target)
    return breaks


def manifest_line(line: str) -> Callable[[World], object]:
    """By the trainer and the attester: a manifest with a path that leaves the folder, signed all the way down."""
    def breaks(world: World) -> None:
        path = world.root / "lineage/dacpt/models.dacpt.sha256sums"
        old, text = sha256(path.read_bytes()), f"{'0' * 64}  {line}\n".encode() + path.read_bytes()
        path.write_bytes(text)
        for stage in ("dacpt", "evaluate@dacpt"):
            raw = statement_path(world, stage).read_text()
            statement_path(world, stage).write_text(raw.replace(old, sha256(text)))
            relink(world, stage)
    return breaks


def raw_statement(stage: str, change: Callable[[str], str]) -> Callable[[World], object]:
    def breaks(world: World) -> None:
        path = statement_path(world, stage)
        text = path.read_text()
        assert change(text) != text
        path.write_text(change(text))
    return breaks


def pipe(path: str) -> Callable[[World], object]:
    return lambda world: os.mkfifo(world.root / path)


STATEMENT = "lineage/dacpt/statement.json"
CLAIM = f"{CHECKPOINT}.attestation/claims.jsonl"
DEEP = ("--deep",)

ATTACKS = [
    # the artefacts
    Attack("swapped base", write("models/base/model.safetensors"), Check.BYTES, "models/base/model.safetensors", DEEP),
    Attack("swapped base, records rewritten", rewrite_whole_base, Check.LINKS, "lineage/choose_base/"),
    Attack("swapped base, records rewritten: the chain", rewrite_whole_base, Check.CHAIN, "lineage/dacpt/statement"),
    Attack("edited dataset shard", write("data/curate_mix/documents/part-00000.parquet"), Check.BYTES,
           "data/curate_mix/documents/part-00000.parquet", DEEP),
    Attack("added dataset shard", write("data/curate_mix/documents/part-00001.parquet"), Check.BYTES,
           "data/curate_mix/documents/part-00001.parquet", DEEP),
    Attack("dataset shard hidden as bytecode", write("data/curate_mix/documents/__pycache__/part.parquet"),
           Check.BYTES, "data/curate_mix/documents/__pycache__/part.parquet", DEEP),
    Attack("edited weights", write(f"{CHECKPOINT}/model.safetensors"), Check.BYTES, f"{CHECKPOINT}/model.safetensors"),
    Attack("edited chat template", write(f"{CHECKPOINT}/chat_template.jinja"), Check.BYTES,
           f"{CHECKPOINT}/chat_template.jinja"),
    Attack("renamed file", lambda world: (world.root / CHECKPOINT / "config.json").rename(
        world.root / CHECKPOINT / "config2.json"), Check.BYTES, f"{CHECKPOINT}/config2.json"),
    Attack("deleted file", remove(f"{CHECKPOINT}/config.json"), Check.BYTES, f"{CHECKPOINT}/config.json"),
    Attack("smuggled .github", write(f"{CHECKPOINT}/.github/workflow.yml"), Check.FOLDER,
           f"{CHECKPOINT}/.github/workflow.yml"),
    Attack("smuggled .pyc", write(f"{CHECKPOINT}/modeling.pyc"), Check.FOLDER, f"{CHECKPOINT}/modeling.pyc"),
    Attack("smuggled __pycache__", write(f"{CHECKPOINT}/__pycache__/modeling.json"), Check.BYTES,
           f"{CHECKPOINT}/__pycache__/modeling.json"),
    Attack("smuggled pickle", write(f"{CHECKPOINT}/pytorch_model.bin"), Check.FOLDER,
           f"{CHECKPOINT}/pytorch_model.bin"),
    Attack("symlink out of the folder", symlink(f"{CHECKPOINT}/config.json", "/etc/hostname"), Check.FOLDER,
           f"{CHECKPOINT}/config.json"),
    Attack("checkpoint is a symlink", symlink(CHECKPOINT, "/etc"), Check.FOLDER, CHECKPOINT),
    Attack("record is a symlink", symlink(STATEMENT, "/etc/hostname"), Check.RECORDS, STATEMENT),
    Attack("a pipe that never ends", pipe(f"{CHECKPOINT}/weights.safetensors"), Check.FOLDER,
           f"{CHECKPOINT}/weights.safetensors"),
    # parameters, code, evaluation, card
    Attack("edited params", replace("params.yaml", "lr: 1.0e-3", "lr: 2.0e-3"), Check.CODE, "params.yaml: dacpt"),
    Attack("edited code", write("pipeline/code.py"), Check.CODE, "pipeline/code.py"),
    Attack("changed evaluation result", write("models/dacpt.eval/metrics.json", '{"perplexity": 1.5}'), Check.BYTES,
           "models/dacpt.eval/metrics.json"),
    Attack("changed verdict", replace("models/dacpt.gate/gate.json", "pass", "regression"), Check.BYTES,
           "models/dacpt.gate/gate.json"),
    Attack("verdict signed against gate.json, by the attester",
           lambda world: edit_claim(world, "test-result", lambda value: value["predicate"].update(result="WARNED")),
           Check.VERDICT, CLAIM),
    Attack("changed threshold after the run", replace("params.yaml", "confidence: 0.95", "confidence: 0.5"), Check.CODE,
           "params.yaml: gate"),
    Attack("changed threshold after the run, gate run again by the evaluator",
           lambda world: (edit_statement(world, "gate@dacpt", lambda value: definition(value)["externalParameters"]
                                         ["params"]["gate"].update(confidence=0.5)), relink(world, "gate@dacpt")),
           Check.VERDICT, "lineage/gate@dacpt/statement.json"),
    Attack("card number edited", replace("models/dacpt.card/README.md", "9.5", "1.5"), Check.CARD,
           "models/dacpt.card/README.md"),
    Attack("parts list without a dataset, by the attester",
           lambda world: edit_claim(world, "parts", lambda value: value["predicate"]["components"].pop(0)),
           Check.VERDICT, CLAIM),
    # records
    Attack("omitted base", statement("dacpt", without("models/base")), Check.LINKS, "lineage/dacpt/"),
    Attack("omitted base, by trainer and attester", signed_statement("dacpt", without_base_and_its_flag),
           Check.ANCESTRY, CHECKPOINT),
    Attack("omitted dependency", statement("dacpt", without("data/curate_mix/documents")), Check.LINKS,
           "lineage/dacpt/"),
    Attack("omitted dependency, by trainer and attester",
           signed_statement("dacpt", without("data/curate_mix/documents")), Check.MATERIALS, STATEMENT),
    Attack("material called a root of the chain, by trainer and attester", signed_statement(
        "dacpt", lambda value: definition(value)["resolvedDependencies"][1]["annotations"].update(producer="")),
        Check.MATERIALS, STATEMENT),
    Attack("missing stage", remove("lineage/choose_base"), Check.MATERIALS, STATEMENT),
    Attack("attestation of another stage", lambda world: shutil.copy(
        statement_path(world, "choose_base"), statement_path(world, "dacpt")), Check.RECORDS, STATEMENT),
    Attack("statement with an unknown field, by trainer and attester", signed_statement(
        "dacpt", lambda value: definition(value).update(note="trust me")), Check.RECORDS, STATEMENT),
    Attack("unknown external parameter", statement(
        "dacpt", lambda value: definition(value)["externalParameters"].update(seed=1)), Check.RECORDS, STATEMENT),
    Attack("duplicate JSON key", raw_statement("dacpt", lambda text: text.replace(
        '"stage": "dacpt"', '"stage": "sft", "stage": "dacpt"')), Check.RECORDS, STATEMENT),
    Attack("not a number", raw_statement("dacpt", lambda text: text.replace('"lr": 0.001', '"lr": NaN')),
           Check.RECORDS, STATEMENT),
    Attack("infinite number", raw_statement("dacpt", lambda text: text.replace('"lr": 0.001', '"lr": 1e999')),
           Check.RECORDS, STATEMENT),
    Attack("deeply nested JSON", write(STATEMENT, "[" * 100_000 + "]" * 100_000), Check.RECORDS, STATEMENT),
    Attack("nested JSON that Python still reads", write(STATEMENT, '{"a": ' * 200 + "1" + "}" * 200), Check.RECORDS,
           STATEMENT),
    Attack("huge JSON", write(STATEMENT, json.dumps({"a": "x" * (17 * 2**20)})), Check.RECORDS, STATEMENT),
    Attack("huge integer", write(STATEMENT, '{"a": ' + "9" * 10_000 + "}"), Check.RECORDS, STATEMENT),
    Attack("path traversal in a manifest, by the trainer", manifest_line("../../etc/passwd"), Check.MANIFESTS,
           "lineage/dacpt/models.dacpt.sha256sums:1"),
    Attack("absolute path in a manifest, by the trainer", manifest_line("/etc/passwd"), Check.MANIFESTS,
           "lineage/dacpt/models.dacpt.sha256sums:1"),
    Attack("absolute path in a statement", statement(
        "dacpt", lambda value: value["subject"][0].update(name="/etc/hostname")), Check.RECORDS, STATEMENT),
    Attack("extra file in a record", write("lineage/dacpt/notes.json", "{}"), Check.MANIFESTS,
           "lineage/dacpt/notes.json"),
    # signatures
    Attack("unsigned intermediate", unlink("choose_base"), Check.LINKS, "lineage/choose_base"),
    Attack("link of another stage", link_of_another_stage, Check.LINKS, "lineage/base@tiny/"),
    Attack("link signed by the wrong role", lambda world: relink(world, "dacpt", own(world, "data-owner")),
           Check.LINKS, "lineage/dacpt/"),
    Attack("link signed by a stranger", lambda world: relink(world, "dacpt", stranger()), Check.LINKS,
           "lineage/dacpt/"),
    Attack("threshold of two met by one", one_of_two, Check.LAYOUT, "lineage/dacpt"),
    Attack("threshold of two met by one key twice", one_signs_twice, Check.LINKS, "lineage/dacpt/dacpt.00000000.link"),
    Attack("expired layout", lambda world: edit_layout(world, lambda layout: layout.update(
        expires="2020-01-01T00:00:00Z")), Check.LAYOUT, f"{CHECKPOINT}.attestation/root.layout"),
    Attack("layout without a step, by the attester", lambda world: edit_layout(
        world, lambda layout: layout["steps"].pop(0)), Check.LAYOUT, f"{CHECKPOINT}.attestation/root.layout: step"),
    Attack("layout that requires less, by the attester", lambda world: edit_layout(
        world, lambda layout: [step["expected_materials"].pop(0) for step in layout["steps"]]), Check.LAYOUT,
        f"{CHECKPOINT}.attestation/root.layout: step dacpt"),
    Attack("layout with a command to run", lambda world: edit_layout(
        world, lambda layout: layout.update(inspect=[{"run": ["true"]}])), Check.LAYOUT,
        f"{CHECKPOINT}.attestation/root.layout"),
    Attack("layout signed by a trainer", lambda world: edit_layout(
        world, lambda layout: None, own(world, "trainer")), Check.LAYOUT, f"{CHECKPOINT}.attestation/root.layout"),
    Attack("revoked key", revoked, Check.LINKS, "lineage/dacpt/"),
    Attack("retired key without trusted time", retired, Check.LINKS, "lineage/dacpt/"),
    Attack("keyring signed by a stranger", lambda world: edit_keyring(world, lambda entry: entry, stranger()),
           Check.KEYRING, f"{CHECKPOINT}.attestation/keyring.json"),
    Attack("keyring deleted", remove(f"{CHECKPOINT}.attestation/keyring.json"), Check.KEYRING,
           f"{CHECKPOINT}.attestation/keyring.json"),
    Attack("key that is not its hint's", lambda world: edit_keyring(world, lambda entry: entry._replace(
        hint="0" * 64)), Check.KEYRING, f"{CHECKPOINT}.attestation/keyring.json"),
    Attack("replayed older attestation", older_attestation, Check.CHAIN, STATEMENT),
    Attack("attestation of another checkpoint", another_checkpoints_attestation, Check.CLAIMS, CLAIM),
    Attack("deleted line of claims.jsonl", claims(lambda lines: lines[:-1]), Check.CLAIMS, CLAIM),
    Attack("doubled line of claims.jsonl", claims(lambda lines: [*lines, lines[0]]), Check.SIGNATURES, f"{CLAIM}:6"),
    Attack("claim signed by a stranger", lambda world: edit_claim(world, "test-result", lambda value: None, stranger()),
           Check.SIGNATURES, f"{CLAIM}:3"),
    Attack("claim signed by the wrong role", lambda world: edit_claim(
        world, "test-result", lambda value: None, own(world, "evaluator")), Check.SIGNATURES, f"{CLAIM}:3"),
    Attack("edited payload", claims(lambda lines: [lines[0].replace(b'"payload":"e', b'"payload":"f', 1), *lines[1:]]),
           Check.SIGNATURES, f"{CLAIM}:1"),
    Attack("model.sig of other files", lambda world: attestation(world, "model.sig").write_bytes(
        attestation(world, "claims.jsonl").read_bytes().splitlines(keepends=True)[0]), Check.SIGNATURES,
        f"{CHECKPOINT}.attestation/model.sig"),
    Attack("key.pub of a stranger", lambda world: attestation(world, "key.pub").write_bytes(
        b"-----BEGIN PUBLIC KEY-----\n"), Check.SIGNATURES, f"{CHECKPOINT}.attestation/key.pub"),
    Attack("extra file in the attestation", write(f"{CHECKPOINT}.attestation/more.jsonl"), Check.CLAIMS,
           f"{CHECKPOINT}.attestation/more.jsonl"),
    Attack("no attestation", remove(f"{CHECKPOINT}.attestation"), Check.SIGNATURES, f"{CHECKPOINT}.attestation"),
]


def test_the_table_has_thirty_rows_and_more_with_names_of_their_own():
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) >= 30


@pytest.mark.parametrize("depth", [(), DEEP])
def test_the_world_holds_when_nothing_is_broken(world, capsys, depth):
    code, answer = verify(world, capsys, *depth)
    assert (code, answer["failures"]) == (0, [])


@pytest.mark.parametrize("attack", ATTACKS, ids=[attack.name for attack in ATTACKS])
def test_attack(attack, world, capsys):
    attack.breaks(world)
    code, answer = verify(world, capsys, *attack.depth)
    assert code == 1
    assert named(answer, attack.check, attack.where), "\n".join(map(str, answer["failures"]))


def test_one_failure_hides_no_other(world, capsys):
    for attack in ATTACKS:
        if attack.name in ("edited weights", "edited params", "card number edited", "unsigned intermediate"):
            attack.breaks(world)
    _, answer = verify(world, capsys)
    assert {failure["check"] for failure in answer["failures"]} >= {
        Check.BYTES.value, Check.CODE.value, Check.CARD.value, Check.LINKS.value}
    assert all(failure["where"] and failure["stage"] and failure["what"] for failure in answer["failures"])
