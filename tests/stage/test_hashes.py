"""A digest is remembered by the file's stat, and only where a later change would show in it."""

import os
import sqlite3

import pytest

from pipeline.stage import hashes
from pipeline.stage.hashes import COARSE_TICK_NS, TICK_NS, KnownHashes, is_settled, seen_sha256, settle, stat_key
from pipeline.stage.hashing import file_sha256, hash_artefact


@pytest.fixture(autouse=True)
def forgetful(monkeypatch):
    monkeypatch.setattr(hashes, "_SEEN", {})


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "f").mkdir()
    for name in "ab":
        (tmp_path / "f" / name).write_text(name)
    settle([tmp_path / "f"])
    return tmp_path / "f"


def digest_of(folder, table):
    with KnownHashes(table) as known:
        return hash_artefact(folder, known.sha256).digest, known.num_read


def test_an_artefact_is_read_once(folder, tmp_path, monkeypatch):
    first, read = digest_of(folder, tmp_path / "t")
    assert (first, read) == (hash_artefact(folder).digest, 2)
    assert digest_of(folder, tmp_path / "t") == (first, 0)
    monkeypatch.setattr(hashes, "_SEEN", {})
    assert digest_of(folder, tmp_path / "t") == (first, 0)


def test_a_file_of_the_same_size_and_mtime_is_read_again(folder, tmp_path):
    first, _ = digest_of(folder, tmp_path / "t")
    before = (folder / "a").stat()
    (folder / "a").write_text("x")
    os.utime(folder / "a", ns=(before.st_atime_ns, before.st_mtime_ns))
    again, read = digest_of(folder, tmp_path / "t")
    assert (again, read) == (hash_artefact(folder).digest, 1)
    assert again != first


def test_a_file_put_in_place_of_another_is_read_again(folder, tmp_path):
    digest_of(folder, tmp_path / "t")
    (tmp_path / "other").write_text("x")
    os.replace(tmp_path / "other", folder / "a")
    assert digest_of(folder, tmp_path / "t")[0] == hash_artefact(folder).digest


@pytest.mark.parametrize(("age_ns", "stamp_ns", "settled"), [
    (TICK_NS, 5_000_000_001, True), (TICK_NS - 1, 5_000_000_001, False), (-TICK_NS, 5_000_000_001, False),
    (TICK_NS, 5_000_000_000, False), (COARSE_TICK_NS, 5_000_000_000, True)])
def test_a_file_counts_as_settled_when_a_later_change_would_show(age_ns, stamp_ns, settled):
    assert is_settled((1, 2, 3, stamp_ns, stamp_ns), stamp_ns + age_ns) is settled


def test_a_file_hashed_in_the_tick_it_was_written_in_is_not_remembered(folder, tmp_path, monkeypatch):
    written = max(stat_key(folder / "a")[3:])
    monkeypatch.setattr(hashes.time, "time_ns", lambda: written)
    digest_of(folder, tmp_path / "t")
    monkeypatch.undo()
    assert sqlite3.connect(tmp_path / "t").execute("SELECT count(*) FROM hashes").fetchone() == (0,)


def test_a_table_that_cannot_be_read_is_as_good_as_none(folder, tmp_path, capsys):
    (tmp_path / "t").write_text("this is no database, whatever its name says")
    assert digest_of(folder, tmp_path / "t") == (hash_artefact(folder).digest, 2)
    assert "every file is hashed again" in capsys.readouterr().err


def test_what_the_kernel_has_seen_is_not_read_again_by_the_stage(folder, tmp_path, monkeypatch):
    digest_of(folder, tmp_path / "t")
    monkeypatch.setattr(hashes, "file_sha256", lambda _: "read")
    assert seen_sha256(folder / "a") == file_sha256(folder / "a")
    (folder / "a").write_text("other")
    assert seen_sha256(folder / "a") == "read"
