"""One manifest serves `sha256sum -c`, in-toto and us."""

import os
import subprocess

import pytest
from in_toto.resolver import DirectoryResolver

from pipeline.lineage.manifest import manifest_text, parse_manifest, sha256, tree_digest
from pipeline.schema.errors import BadInput, NotVerified
from pipeline.stage.hashing import hash_artefact


@pytest.fixture
def folder(tmp_path):
    for name, text in {"b": "2", "a/x y": "1", "a.b": "3", "Z": ""}.items():
        (tmp_path / "f" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "f" / name).write_text(text)
    return tmp_path / "f"


def test_sha256sum_accepts_the_manifest(folder):
    text = manifest_text(hash_artefact(folder).entries)
    (folder.parent / "m").write_bytes(text)
    done = subprocess.run(["sha256sum", "--strict", "-c", "../m"], cwd=folder, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_in_toto_computes_the_same_digest(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    assert DirectoryResolver().hash_artifacts(["dir:f"])["dir:f"]["sha256"] == hash_artefact(folder).digest


def test_the_digest_is_the_sha256_of_the_manifest(folder):
    artefact = hash_artefact(folder)
    assert artefact.digest == sha256(manifest_text(artefact.entries)) == tree_digest(artefact.entries)


def test_a_rename_changes_the_digest(folder):
    before = hash_artefact(folder).digest
    (folder / "b").rename(folder / "c")
    assert hash_artefact(folder).digest != before


def test_a_manifest_reads_back_as_written(folder):
    entries = hash_artefact(folder).entries
    assert parse_manifest(manifest_text(entries), "m") == entries


@pytest.mark.parametrize("line", ["", "abc  x", f"{'0' * 64}  ../x", f"{'0' * 64}  /x", f"{'0' * 64} x",
                                  f"{'0' * 64}  a\\..\\x", f"{'0' * 64}  a//b", f"{'A' * 64}  x"])
def test_a_line_that_is_no_manifest_line_is_refused(line):
    with pytest.raises(NotVerified):
        parse_manifest(f"{line}\n".encode(), "m")


def test_a_manifest_out_of_order_is_refused():
    lines = [f"{'0' * 64}  b\n", f"{'0' * 64}  a\n"]
    with pytest.raises(NotVerified, match="canonical"):
        parse_manifest("".join(lines).encode(), "m")


def test_a_symbolic_link_is_refused(folder):
    (folder / "link").symlink_to("/etc/hostname")
    with pytest.raises(BadInput, match="symbolic link"):
        hash_artefact(folder)


def test_a_pipe_is_refused_and_not_waited_for(folder):
    os.mkfifo(folder / "pipe")
    with pytest.raises(BadInput, match=r"pipe: is a pipe, a socket or a device"):
        hash_artefact(folder)


def test_a_missing_artefact_is_named(tmp_path):
    with pytest.raises(BadInput, match="does not exist"):
        hash_artefact(tmp_path / "gone")
