"""Hostile files: each ends in a row of the ledger, and what only looks for a type takes no time over it."""

import hashlib
import io
import sys

import pytest

from pipeline.extract import sniff
from pipeline.extract.isolated import IsolatedReader
from pipeline.extract.markdown import cleaned
from pipeline.extract.readers import READERS, tidy
from pipeline.extract.shard import judged
from pipeline.extract.sniff import mime_of
from pipeline.extract.text import first_heading
from tests.extract.mutants import aliases, bombs, mutants, zipped
from tests.extract.samples import samples
from tests.extract.world import PARAMS, only

SLOW = (".png", ".jpg", ".tif")
"""Sound ones are recognised, for seconds each; bench/hostile.py reads them too."""
RIGHTS = {"source": "s", "licence": "CC0-1.0", "rights_basis": "own", "published": None, "cleared_for_training": True}


def test_every_reader_has_a_sample():
    assert {mime_of(f"x{each.suffix}", io.BytesIO(each.data)) for each in samples()} == set(READERS)


def test_the_same_seed_makes_the_same_files_and_another_seed_others():
    bare = [each for each in samples() if each.suffix in (".md", ".pdf", ".xlsx")]
    one, again, other = (list(mutants(bare, 30, seed)) for seed in (1, 1, 2))
    assert one == again
    assert one != other


@pytest.mark.skipif(sys.platform != "linux", reason="limits of Linux")
def test_every_mutant_and_small_bomb_is_a_row_of_the_ledger(tmp_path):
    sound = [each for each in samples() if each.suffix not in SLOW]
    small = [(name, data) for name, data in bombs() if len(data) < 30_000 and not name.endswith(SLOW)]
    files = [*small, *mutants(sound, 60, 7)]
    limits = PARAMS.limits.model_copy(update={"cpu_s": 10, "max_answer_bytes": 5_000_000, "max_pages": 5})
    with IsolatedReader(tmp_path, PARAMS.model_copy(update={"limits": limits})) as reader:
        for name, data in files:
            place = tmp_path / "file"
            place.write_bytes(data)
            row = {"path": name, "mime": mime_of(name, io.BytesIO(data)), "sha256": hashlib.sha256(data).hexdigest()}
            _, decided = judged({**row, **RIGHTS}, reader.read(place, {**row, **RIGHTS}))
            assert sum(each["input_id"] == name for each in decided) == 1, name
    assert {path.name for path in tmp_path.iterdir()} == {"file"}


def without_tags(text):
    return cleaned(text, drop_template_tags=True, drop_struck=True, table=str)


@pytest.mark.parametrize("look", [
    lambda: mime_of("a.html", io.BytesIO(b"<!---->" * 580 + b"<p>x")) == "text/html",
    lambda: mime_of("a", io.BytesIO(b"<!-- a --> <!-- b --><html>")) == "text/html",
    lambda: tidy("x" + " " * 1_000_000 + "x\t \ny") == "x" + " " * 1_000_000 + "x\ny",
    lambda: first_heading("# x" + "#" * 1_000_000 + "y") == "x" + "#" * 1_000_000 + "y",
    lambda: without_tags("{%" * 200_000) == "{%" * 200_000,
    lambda: without_tags("{#" * 200_000 + " {% if x %}word{% endif %}") == "{#" * 200_000 + " word",
    lambda: first_heading("text\n## Two words ##") == "Two words",
], ids=["comments and no page", "comments and a page", "blanks", "number signs", "tags", "comments", "closed heading"])
def test_repetition_takes_no_time(look):
    assert look()


def test_dates_in_front_matter_are_not_written_out_of_aliases():
    record = only("a.md", aliases())
    assert (record.text, record.published) == ("words", None)


def test_an_archive_with_a_huge_directory_is_not_unfolded_to_tell_its_type(monkeypatch):
    office = zipped({"word/document.xml": b"<w/>"})
    assert mime_of("a.docx", io.BytesIO(office)) == sniff.DOCX
    monkeypatch.setattr(sniff, "MOST_DIRECTORY", 10)
    assert mime_of("a.docx", io.BytesIO(office)) == "application/zip"


def test_a_directory_that_makes_zipfile_throw_anything_is_an_archive(monkeypatch):
    archive = zipped({"a": b""})
    monkeypatch.setattr(sniff.zipfile, "ZipFile", lambda _: 1 / 0)
    assert mime_of("a.zip", io.BytesIO(archive)) == "application/zip"
