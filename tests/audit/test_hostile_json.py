"""Whatever a key holder signs, `verify` answers; it never stops with an error of its own."""

import copy
import json
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.audit.verify import verify_tree
from pipeline.lineage.keyring import KEYRING_TYPE
from pipeline.lineage.metablock import sign_metablock
from pipeline.lineage.sign import parse_json, sign_bundle
from pipeline.schema.errors import NotVerified
from pipeline.stage.outputs import json_bytes
from tests.audit.forge import CLAIM_LINES, attestation, edit_claim, edit_layout, own, payload, statement_path
from tests.world import CHECKPOINT, World

VALUES: list[Any] = [None, True, 0, -1, 10**30, 0.5, "", "../x", "\x00", "\ud800", "models/dacpt", [], [[]], {},
                     {"": {}}]
ROUNDS = 8
"""Mutations of each kind of file and run; the seed is fixed."""


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) in a JSON value."""
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []:
        yield value, key
        yield from places(value[key])


def mutate(value: Any, draw: random.Random) -> None:
    """Exchange, delete or double one thing somewhere in `value`."""
    container, key = draw.choice(list(places(value)))
    kind = draw.randrange(3)
    if kind == 0:
        container[key] = copy.deepcopy(draw.choice(VALUES))
    elif kind == 1:
        del container[key]
    elif isinstance(container, list):
        container.append(copy.deepcopy(container[key]))
    else:
        container[f"{key}2"] = copy.deepcopy(container[key])


def change_statement(world: World, change: Callable[[Any], None]) -> None:
    path = statement_path(world, "dacpt")
    value = json.loads(path.read_bytes())
    change(value)
    path.write_bytes(json.dumps(value).encode())


def change_link(world: World, change: Callable[[Any], None]) -> None:
    [path] = (world.root / "lineage/dacpt").glob("*.link")
    signed = json.loads(path.read_bytes())["signed"]
    change(signed)
    path.write_bytes(sign_metablock(signed, own(world, "trainer")))


def change_keyring(world: World, change: Callable[[Any], None]) -> None:
    path = attestation(world, "keyring.json")
    value = payload(path.read_bytes())
    change(value)
    path.write_bytes(sign_bundle(json_bytes(value), own(world, "root"), KEYRING_TYPE))


def change_bundle(world: World, change: Callable[[Any], None]) -> None:
    path = attestation(world, "model.sig")
    value = json.loads(path.read_bytes())
    change(value)
    path.write_bytes(json.dumps(value).encode())


def change_model_sig(world: World, change: Callable[[Any], None]) -> None:
    path = attestation(world, "model.sig")
    value = payload(path.read_bytes())
    change(value)
    path.write_bytes(sign_bundle(json_bytes(value), own(world, "attester")))


def change_json(path: str) -> Callable[[World, Callable[[Any], None]], None]:
    def change_file(world: World, change: Callable[[Any], None]) -> None:
        value = json.loads((world.root / path).read_bytes())
        change(value)
        (world.root / path).write_bytes(json.dumps(value).encode())
    return change_file


CHANGES = {
    "statement": change_statement, "link": change_link, "layout": edit_layout, "keyring": change_keyring,
    "bundle": change_bundle, "model.sig": change_model_sig, "gate.json": change_json("models/dacpt.gate/gate.json"),
    "card.json": change_json("models/dacpt.card/card.json"),
    **{name: lambda world, change, name=name: edit_claim(world, name, change) for name in CLAIM_LINES},  # type: ignore[misc]
}


@pytest.mark.parametrize("kind", CHANGES)
def test_a_mutated_file_never_stops_the_verifier(world, kind):
    draw = random.Random(kind)
    saved = world.root.parent / "saved"
    shutil.copytree(world.root, saved)
    for _ in range(ROUNDS):
        try:
            CHANGES[kind](world, lambda value: mutate(value, draw))
        except (TypeError, UnicodeEncodeError, ValueError):
            continue  # not even we can sign that
        findings = verify_tree(world.root, [CHECKPOINT], [world.key.public_key()], whole=True)
        json.dumps(findings.as_json())
        shutil.rmtree(world.root)
        shutil.copytree(saved, world.root)


@pytest.mark.parametrize("text", [
    b"", b"\xff", b"\xef\xbb\xbf{}", "{}".encode("utf-16"), b'{"a": 1, "a": 1}', b"[NaN]", b"[Infinity]", b"[1e999]",
    b"[-1e999]", b"9" * 5000, b"[" * 65 + b"]" * 65, b"[" * 10**6, b"{" * 10**6, b'"' + b"x" * (16 * 2**20) + b'"'])
def test_json_that_two_readers_may_read_in_two_ways_is_refused(text):
    with pytest.raises(NotVerified, match=r"file\.json"):
        parse_json(text, "file.json")


def test_json_as_deep_as_it_may_be_is_read():
    assert json.dumps(parse_json(b"[" * 64 + b"]" * 64, "file.json")) == "[" * 64 + "]" * 64


@pytest.mark.parametrize("name", ["claims.jsonl", "model.sig", "root.layout", "keyring.json", "key.pub"])
@pytest.mark.parametrize("content", [b"", b"\n", b"{}", b"\x00" * 100, b"[]\n[]\n"])
def test_an_emptied_file_of_the_attestation_is_a_failure(world, name, content):
    Path(attestation(world, name)).write_bytes(content)
    findings = verify_tree(world.root, [CHECKPOINT], [world.key.public_key()], whole=True)
    assert any(failure.where.startswith(f"{CHECKPOINT}.attestation") for failure in findings.failures)
