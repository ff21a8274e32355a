"""`pedigree prove` and `check-proof`: what is shown, and everything a liar might hand over."""

import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.audit import cli
from pipeline.audit.prove import check, prove
from pipeline.lineage.sign import load_private_key, new_private_key, sign_bundle
from pipeline.schema.errors import BadInput, NotVerified
from pipeline.stage.outputs import json_bytes
from tests.audit.documents_world import (
    CHECKPOINT,
    DROPPED,
    KEPT,
    STRANGER,
    TICKET,
    DocumentsWorld,
    build,
    sign_chain,
)

MIX = "data/curate_mix/documents"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DocumentsWorld:
    monkeypatch.setenv("PEDIGREE_KEYS", str(tmp_path / "keys"))
    root = tmp_path / "tree"
    root.mkdir()
    monkeypatch.chdir(root)
    return build(root)


@pytest.fixture
def release(world, tmp_path) -> Path:
    return world.release(tmp_path / "release")


def proof_of(world: DocumentsWorld, data: bytes) -> dict:
    return json.loads(prove(world.file(data), world.checkpoint, [world.key.public_key()])[0])


def checked(world: DocumentsWorld, release: Path, proof: object, data: bytes):
    path = release.parent / "proof.json"
    path.write_bytes(proof if isinstance(proof, bytes) else json_bytes(proof))
    return check(path, world.file(data), release, [world.key.public_key()])


def entry(proof: dict, table: str = MIX) -> dict:
    return next(entry for entry in proof["tables"] if entry["table"] == table)


@pytest.mark.parametrize(("data", "present_as", "trained"), [
    (KEPT, {"data/lake_manifest/files": ("file",), "data/curate_extract/documents": ("file", "text"),
            MIX: ("file", "text")}, True),
    (DROPPED, {"data/lake_manifest/files": ("file",), "data/curate_extract/documents": ("file", "text")}, False),
    (TICKET, {"data/curate_extract/documents": ("record", "text"), MIX: ("record", "text")}, True),
    (TICKET + b"\r\n", {"data/curate_extract/documents": ("record", "text"), MIX: ("record", "text")}, True),
    (b"  The sea\nis   wide. ", {"data/general_text/documents": ("text",)}, True),
    (STRANGER, {}, False),
    (b"\xff\xfe not text", {}, False),
])
def test_a_proof_made_with_the_data_is_checked_without_it(world, release, data, present_as, trained):
    shutil.rmtree(world.root / "models" / "dacpt")
    answer = checked(world, release, proof_of(world, data), data)
    assert {s.table: s.present_as for s in answer.standings if s.present_as} == present_as
    assert answer.is_in() is trained
    assert answer.trained_on == {MIX, "data/general_text/documents"}


def test_the_same_secret_gives_the_same_records_and_proofs(world, tmp_path, monkeypatch):
    before = {path: path.read_bytes() for path in sorted(Path("lineage").rglob("*")) if path.is_file()}
    proof = proof_of(world, KEPT)
    other = tmp_path / "elsewhere"
    other.mkdir()
    monkeypatch.chdir(other)
    again = build(other)
    assert {path: (other / path).read_bytes() for path in before} == before
    assert proof_of(again, KEPT) == proof


def test_another_secret_gives_other_roots_and_tells_nothing_of_the_first(world, tmp_path, monkeypatch):
    first = proof_of(world, KEPT)
    monkeypatch.setenv("PEDIGREE_KEYS", str(tmp_path / "other keys"))
    other = tmp_path / "elsewhere"
    other.mkdir()
    monkeypatch.chdir(other)
    second = proof_of(build(other), KEPT)
    assert first["checkpoint"] == second["checkpoint"]
    assert not {e["head"]["root"] for e in first["tables"]} & {e["head"]["root"] for e in second["tables"]}


def test_a_proof_of_another_secret_is_refused(world, release, tmp_path, monkeypatch):
    """The liar grows the same tables again under a key of today."""
    monkeypatch.setenv("PEDIGREE_KEYS", str(tmp_path / "other keys"))
    other = tmp_path / "elsewhere"
    other.mkdir()
    monkeypatch.chdir(other)
    forged = proof_of(build(other), KEPT)
    with pytest.raises(NotVerified, match="its tree is not the one"):
        checked(world, release, forged, KEPT)


def swap(proof: dict, other: dict, kind: str) -> None:
    """One document's answer in place of another's."""
    entry(proof)["identities"][kind] = entry(other)["identities"][kind]


def test_the_answer_for_another_document_is_refused(world, release):
    with pytest.raises(NotVerified, match="did not compute"):
        checked(world, release, proof_of(world, STRANGER), KEPT)
    proof = proof_of(world, KEPT)
    swap(proof, proof_of(world, STRANGER), "file")
    with pytest.raises(NotVerified, match=f"{MIX}: file: the key's owner did not compute"):
        checked(world, release, proof, KEPT)


def test_a_present_document_cannot_be_shown_absent_with_true_neighbours(world, release):
    proof = proof_of(world, KEPT)
    claim, stranger = entry(proof)["identities"]["file"], entry(proof_of(world, STRANGER))["identities"]["file"]
    del claim["present"]
    claim["near"] = stranger["near"]
    with pytest.raises(NotVerified, match=r"adjacent|either side"):
        checked(world, release, proof, KEPT)


def test_an_absent_document_cannot_be_shown_present_at_a_true_place(world, release):
    proof = proof_of(world, STRANGER)
    claim, kept = entry(proof)["identities"]["file"], entry(proof_of(world, KEPT))["identities"]["file"]
    del claim["near"]
    claim["present"] = kept["present"]
    with pytest.raises(NotVerified, match="does not lead from the leaf to the root"):
        checked(world, release, proof, STRANGER)


def edit_index(proof):
    entry(proof)["identities"]["file"]["present"]["index"] ^= 1


def edit_size(proof):
    entry(proof)["head"]["size"] += 1


def edit_root(proof):
    entry(proof)["head"]["root"] = "00" * 32


def edit_stage(proof):
    entry(proof)["stage"] = "curate_extract"


def edit_checkpoint(proof):
    proof["checkpoint"]["name"] = "models/other"


def edit_digest(proof):
    proof["checkpoint"]["digest"]["sha256"] = "00" * 32


def drop_table(proof):
    proof["tables"].remove(entry(proof))


def repeat_table(proof):
    proof["tables"].append(entry(proof))


def other_table(proof):
    entry(proof).update(head=entry(proof, "data/curate_extract/documents")["head"])


def drop_identity(proof):
    del entry(proof)["identities"]["text"]


def unknown_identity(proof):
    entry(proof)["identities"]["name"] = entry(proof)["identities"]["text"]


@pytest.mark.parametrize(("edit", "why"), [
    (edit_index, "does not lead|outside the tree"), (edit_size, "its tree is not the one"),
    (edit_root, "its tree is not the one"), (edit_stage, "made by another stage"),
    (edit_checkpoint, "another checkpoint"), (edit_digest, "another checkpoint"),
    (drop_table, "does not cover each table"), (repeat_table, "does not cover each table"),
    (other_table, "its tree is not the one"), (drop_identity, "does not cover the document's identities"),
    (unknown_identity, "does not cover the document's identities"),
])
def test_an_edited_proof_is_refused(world, release, edit, why):
    proof = proof_of(world, KEPT)
    edit(proof)
    with pytest.raises(NotVerified, match=why):
        checked(world, release, proof, KEPT)


@pytest.mark.parametrize("edit", [
    lambda proof: proof.pop("type"), lambda proof: proof.update(note="hello"),
    lambda proof: proof.update(type="https://pedigree.example/document-proof/v2"),
    lambda proof: proof.update(tables={"a": 1}), lambda proof: proof.update(checkpoint=None),
    lambda proof: entry(proof)["head"].update(size="3"), lambda proof: entry(proof)["head"].update(size=True),
    lambda proof: entry(proof)["head"].update(size=-1), lambda proof: entry(proof)["head"].update(size=2**70),
    lambda proof: entry(proof)["head"].update(publicKey="zz" * 33),
    lambda proof: entry(proof)["identities"].update(file=[]),
    lambda proof: entry(proof)["identities"]["file"].update(near=[]),
    lambda proof: entry(proof)["identities"]["file"]["present"].update(path=["00" * 32] * 65),
    lambda proof: entry(proof)["identities"]["file"]["present"].update(path="00" * 32),
    lambda proof: entry(proof)["identities"]["file"]["present"].update(path=["00" * 31]),
    lambda proof: entry(proof)["identities"]["file"].update(vrf="00"),
])
def test_a_malformed_proof_is_refused_in_one_sentence(world, release, edit):
    proof = proof_of(world, KEPT)
    edit(proof)
    with pytest.raises(NotVerified, match="not a document proof"):
        checked(world, release, proof, KEPT)


def test_a_truncated_a_huge_a_deep_and_a_doubled_proof_are_refused(world, release):
    whole = json_bytes(proof_of(world, KEPT))
    for text, why in ((whole[:-40], "not acceptable JSON"), (whole + b" " * 2**20, "too large"),
                      (b"[" * 100_000, "not acceptable JSON"), (b'{"type": 1, "type": 2}', "occurs twice"),
                      (b"", "not acceptable JSON"), (b"null", "not a document proof")):
        with pytest.raises(NotVerified, match=why):
            checked(world, release, text, KEPT)


def test_a_proof_is_refused_under_a_strangers_key(world, release):
    path = release / "proof.json"
    path.write_bytes(json_bytes(proof_of(world, KEPT)))
    stranger = load_private_key(new_private_key(), "stranger").public_key()
    with pytest.raises(NotVerified, match="not accepted"):
        check(path, world.file(KEPT), release, [stranger])


def test_an_edited_or_missing_statement_is_refused(world, release):
    proof = proof_of(world, KEPT)
    statement = release / "lineage/curate_mix/statement.json"
    original = statement.read_bytes()
    statement.write_bytes(original.replace(b"curate_extract", b"curate_exxxact"))
    with pytest.raises(NotVerified, match=r"curate_mix/statement.json: is not the statement that was signed"):
        checked(world, release, proof, KEPT)
    statement.unlink()
    with pytest.raises(NotVerified, match=r"curate_mix/statement.json: statement missing"):
        checked(world, release, proof, KEPT)


def test_a_table_recorded_without_a_tree_is_named_and_never_passed_over(world, tmp_path):
    path = Path("lineage/curate_mix/statement.json")
    statement = json.loads(path.read_text())
    del statement["subject"][0]["annotations"]["merkleRoot"]
    path.write_bytes(json_bytes(statement))
    sign_chain(world.key)
    with pytest.raises(NotVerified, match=f"records no tree over {MIX}"):
        prove(world.file(KEPT), world.checkpoint, [world.key.public_key()])


def signed_without(world: DocumentsWorld, *stages: str) -> None:
    """Sign the chain with stages left out, as a producer could who has something to hide."""
    claims = world.root / f"{CHECKPOINT}.attestation/claims.jsonl"
    chain = json.loads(base64.b64decode(json.loads(claims.read_bytes().splitlines()[1])["dsseEnvelope"]["payload"]))
    chain["predicate"]["stages"] = [e for e in chain["predicate"]["stages"] if e["stage"] not in stages]
    claims.write_bytes(sign_bundle(json_bytes(chain), world.key))


@pytest.mark.parametrize(("left_out", "why"), [
    (["curate_mix"], f"leaves out who made a table that it reads.*{MIX}"),
    (["curate_mix", "pack", "base@tiny"], "no training text in its chain"),
])
def test_a_chain_that_leaves_stages_out_is_refused(world, left_out, why):
    signed_without(world, *left_out)
    with pytest.raises(NotVerified, match=why):
        prove(world.file(KEPT), world.checkpoint, [world.key.public_key()])


def test_two_chains_in_one_file_are_refused(world, release):
    claims = release / "attestation/claims.jsonl"
    claims.write_bytes(claims.read_bytes() * 2)
    with pytest.raises(NotVerified, match="not exactly one chain"):
        checked(world, release, proof_of(world, KEPT), KEPT)


def test_changed_tables_or_a_lost_secret_make_no_proof(world):
    part = Path(MIX, "part-00000.parquet")
    shutil.copy("data/curate_extract/documents/part-00000.parquet", part)
    with pytest.raises(BadInput, match="its tree is not the one that stage curate_mix recorded"):
        proof_of(world, KEPT)
    shutil.rmtree(MIX)
    with pytest.raises(BadInput, match="a proof needs every table upstream"):
        proof_of(world, KEPT)
    (world.root.parent / "keys/merkle.key").unlink()
    with pytest.raises(BadInput, match="nothing can be proved"):
        proof_of(world, KEPT)


def test_the_commands_say_in_and_out_and_exit_by_it(world, release, capsys):
    key, out = str(world.public), str(release.parent / "p.json")
    for data, expect, opposite, verdict in ((KEPT, "in", "out", "IS in"), (DROPPED, "out", "in", "IS NOT in")):
        file = str(world.file(data))
        assert cli.main(["prove", file, "--in", CHECKPOINT, "--key", key, "--out", out]) == 0
        assert f"the document {verdict} the training text of {CHECKPOINT}" in capsys.readouterr().out
        for extra, code in (([], 0), (["--expect", expect], 0), (["--expect", opposite], 1)):
            assert cli.main(["check-proof", out, file, "--in", str(release), "--key", key, *extra]) == code
        assert "HOLDS" in capsys.readouterr().out
    assert cli.main(["check-proof", out, str(world.file(KEPT)), "--in", str(release), "--key", key, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["holds"] is False
    assert cli.main(["check-proof", out, "missing", "--in", str(release), "--key", key]) == 2
    assert cli.main(["check-proof", out, file, "--in", str(release.parent), "--key", key]) == 2


def test_checking_loads_no_table_library_and_no_training_library():
    code = ("import sys, pipeline.audit.cli, pipeline.audit.prove\n"
            "print([name for name in ('polars', 'torch', 'dvc', 'sigstore') if name in sys.modules])")
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
