"""`pedigree` where something is missing: a package, a cache, somebody who reads on."""

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from pipeline.audit.cli import main
from pipeline.schema.errors import NotVerified
from pipeline.stage.records import read_bounded

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def cloned(tmp_path_factory):
    """A repository whose second revision adds a document, without DVC's cache."""
    folder = tmp_path_factory.mktemp("cloned")
    documents = folder / "data/curate_mix/documents"
    documents.mkdir(parents=True)

    def run(*command):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)

    run("git", "init", "-q")
    run(sys.executable, "-m", "dvc", "init", "-q")
    for count in (1, 2):
        pl.DataFrame({"doc_id": [f"d{number}" for number in range(count)]}).write_parquet(documents / "part.parquet")
        (folder / "params.yaml").write_text(f"seed: {count}\n")
        run(sys.executable, "-m", "dvc", "add", "-q", "data/curate_mix/documents")
        run("git", "add", "-A")
        run("git", "-c", "user.name=T", "-c", "user.email=t@example.org", "commit", "-qm", str(count))
    return folder


def test_documents_are_compared_while_the_cache_has_them_and_without_it_the_rest_is(cloned, monkeypatch, capsys):
    monkeypatch.chdir(cloned)
    assert main(["diff", "HEAD~1", "HEAD"]) == 0
    told = capsys.readouterr().out
    assert "seed  1 -> 2" in told
    assert "documents: 1 added, 0 removed\n  + d1" in told
    (cloned / ".dvc/cache").rename(cloned / ".dvc/elsewhere")
    assert main(["diff", "HEAD~1", "HEAD"]) == 0
    told = capsys.readouterr().out
    assert "seed  1 -> 2" in told
    assert "documents: 0 added, 0 removed (not compared" in told


def test_a_file_that_a_clone_lacks_is_said_to_be_missing_and_how_to_get_it(tmp_path):
    with pytest.raises(NotVerified, match=r"models/base.attestation: is missing.*dvc pull"):
        read_bounded(tmp_path / "keyring.json", "models/base.attestation")


def test_a_package_that_is_not_installed_is_named_with_the_groups_that_bring_it(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "dvc.api", None)
    assert main(["diff", "HEAD"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: dvc.api: is not installed")
    assert "lineage,curation" in told


def test_a_reader_who_has_seen_enough_is_no_error(tmp_path):
    (tmp_path / "summary.json").write_text("{}")
    reads, writes = os.pipe()
    os.close(reads)
    done = subprocess.run([sys.executable, "-c", "from pipeline.audit.cli import console; console()", "summary",
                           "--json", "--summary", str(tmp_path / "summary.json")],
                          stdout=writes, stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False)
    os.close(writes)
    assert (done.returncode, done.stderr) == (2, "")
