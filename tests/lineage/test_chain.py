"""The chain: makers before users, every link by digest, nothing missing and no circle."""

import pytest

from pipeline.lineage.chain import close_chain, read_run, upstream
from pipeline.lineage.statement import Material, Product, provenance_statement
from pipeline.schema.errors import NotVerified
from pipeline.stage.outputs import json_bytes

DIGEST = "0" * 64


def statement(stage: str, materials: list[tuple[str, str]], products: list[str]) -> bytes:
    return json_bytes(provenance_statement(
        stage=stage, cmd="true", params={}, resolved={}, environment={}, observation={"hermetic": False},
        code_digest=DIGEST, materials=[Material(path, DIGEST, producer) for path, producer in materials],
        products=[Product(path, f"{path}.sha256sums", DIGEST, {path: DIGEST}, 1, False) for path in products]))


def runs(*texts: bytes) -> dict:
    return {run.stage: run for run in (read_run(text, "s") for text in texts)}


LAKE = statement("lake", [("raw", "")], ["data/a"])
BASE = statement("base", [("data/a", "lake")], ["models/base"])
TUNE = statement("tune", [("models/base", "base"), ("data/a", "lake")], ["models/t"])


def test_makers_come_before_users():
    assert upstream(["models/t"], runs(LAKE, BASE, TUNE)) == ["lake", "base", "tune"]


def test_each_link_names_the_statement_it_came_from():
    known = runs(LAKE, BASE, TUNE)
    tune = close_chain(["models/t"], known)[-1]
    assert [link["parentAttestation"] for link in tune["materials"]] == [
        {"sha256": known["lake"].sha256}, {"sha256": known["base"].sha256}]
    assert close_chain(["data/a"], known)[0]["materials"][0]["parentAttestation"] is None


def test_a_changed_statement_upstream_changes_the_chain():
    other = statement("lake", [("raw2", "")], ["data/a"])
    assert close_chain(["models/t"], runs(LAKE, BASE, TUNE)) != close_chain(["models/t"], runs(other, BASE, TUNE))


def test_a_missing_maker_is_named():
    with pytest.raises(NotVerified, match="lineage/base: statement missing"):
        upstream(["models/t"], runs(LAKE, TUNE))


def test_an_artefact_nobody_made_is_named():
    with pytest.raises(NotVerified, match="models/x: no lineage record"):
        upstream(["models/x"], runs(LAKE))


def test_a_circle_is_refused():
    one = statement("one", [("b", "two")], ["a"])
    two = statement("two", [("a", "one")], ["b"])
    with pytest.raises(NotVerified, match="one -> two -> one"):
        upstream(["a"], runs(one, two))


@pytest.mark.parametrize(("old", "new"), [
    (b'"_type"', b'"type"'),
    (b"provenance/v1", b"provenance/v2"),
    (b'"cmd"', b'"command"'),
    (DIGEST.encode(), b"0" * 63),
    (b'"sha256"', b'"md5"'),
    (b"{\n", b"{{"),
])
def test_a_statement_of_another_form_is_refused(old, new):
    assert old in TUNE
    with pytest.raises(NotVerified):
        read_run(TUNE.replace(old, new), "s")


def test_a_folder_and_its_manifest_share_one_digest():
    product = Product("models/m", "models.m.sha256sums", DIGEST, {"b": DIGEST, "a": DIGEST}, 2, True)
    text = json_bytes(provenance_statement(
        stage="m", cmd="true", params={}, resolved={}, environment={}, observation={"hermetic": True},
        code_digest=DIGEST, materials=[], products=[product]))
    run = read_run(text, "s")
    assert run.folders == {"models/m"}
    assert run.products == {"models/m": DIGEST}
    assert run.hermetic
