import ast
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from pipeline.extract import answers as module
from pipeline.extract.answers import LIBRARIES, READING, ROOT, Answers, answers_in, reading_identity
from pipeline.extract.isolated import Answer
from pipeline.stage.closure import import_closure
from tests.extract.world import PARAMS

FILE = {"sha256": "a" * 64, "mime": "text/plain", "path": "notes/a.txt", "source": "notes"}
READ = Answer([{"doc_id": "1", "text": "words", "locator": ""}], "", "", ({"page": 1, "decision": "text"},))
REFUSED = Answer([], "unreadable", "ValueError")
NEUTRAL = {"pydantic", "polars"}
"""Check parameters and name columns; no text passes through them."""


def limited(**limits):
    return PARAMS.model_copy(update={"limits": PARAMS.limits.model_copy(update=limits)})


@pytest.fixture
def kept(tmp_path):
    answers = Answers(str(tmp_path / "identity"), PARAMS)
    answers.keep(FILE, READ)
    return answers


def entry_of(answers):
    (path,) = Path(answers.folder).glob("??/*")
    return path


@pytest.mark.parametrize("answer", [READ, REFUSED, Answer([], "", "")])
def test_what_is_kept_is_found(tmp_path, answer):
    answers = Answers(str(tmp_path), PARAMS)
    answers.keep(FILE, answer)
    assert answers.find(FILE) == (answer, "kept")


@pytest.mark.parametrize("changed", [{"sha256": "b" * 64}, {"mime": "text/html"}, {"path": "notes/b.txt"},
                                     {"path": "year=2025/a.txt"}])
def test_another_file_has_no_answer(kept, changed):
    assert kept.find({**FILE, **changed}) == (None, "none")


def test_a_file_that_moved_to_another_folder_keeps_its_answer(kept):
    assert kept.find({**FILE, "path": "archive/2024/a.txt"}) == (READ, "kept")


@pytest.mark.parametrize("damage", [
    lambda data: b"", lambda data: data[:-1], lambda data: data + b"\n", lambda data: data[:70],
    lambda data: data.replace(b'"reason": ""', b'"reason": "no_text"'),
    lambda data: data[:-5] + bytes([data[-5] ^ 1]) + data[-4:],
], ids=["empty", "truncated", "longer", "head only", "another verdict", "one bit"])
def test_a_damaged_entry_is_found_out(kept, damage):
    path = entry_of(kept)
    path.write_bytes(damage(path.read_bytes()))
    assert kept.find(FILE) == (None, "damaged")


def test_an_entry_in_the_place_of_another_is_found_out(kept):
    other = {**FILE, "path": "b.txt"}
    kept.keep(other, Answer([], "no_text", ""))
    place, stranger = (next(Path(kept.folder).glob(f"??/{kept.entry_key(file)}")) for file in (FILE, other))
    place.write_bytes(stranger.read_bytes())
    assert kept.find(FILE) == (None, "damaged")


def test_a_verdict_of_a_guard_is_not_kept(tmp_path):
    answers = Answers(str(tmp_path), PARAMS)
    answers.keep(FILE, Answer([], "limit_exceeded", "cpu_s 60", by_guard=True))
    assert answers.find(FILE) == (None, "none")


@pytest.mark.parametrize(("answer", "limits", "found"), [
    (READ, {"memory_mb": 9000}, "kept"), (READ, {"memory_mb": 4000}, "none"), (READ, {"cpu_s": 1}, "none"),
    (REFUSED, {"memory_mb": 9000}, "none"), (REFUSED, {}, "kept"),
], ids=["looser", "less memory", "less time", "refused, looser", "refused, the same"])
def test_what_was_read_counts_under_looser_guards_and_a_refusal_under_the_same(kept, answer, limits, found):
    kept.keep(FILE, answer)
    assert Answers(kept.folder, limited(**limits)).find(FILE)[1] == found


@pytest.mark.parametrize("params", [
    limited(max_chars=5), PARAMS.model_copy(update={"drop_template_tags": False}),
    PARAMS.model_copy(update={"language_chars": 7}),
], ids=["a limit", "a rule", "the language's"])
def test_parameters_that_decide_text_are_part_of_the_identity(params):
    assert reading_identity(params, {}) != reading_identity(PARAMS, {})


def test_an_engine_of_another_version_is_another_identity():
    assert reading_identity(PARAMS, {"tesseract": {"program": "5.3"}}) != reading_identity(PARAMS, {})


def test_a_source_that_gets_an_engine_of_its_own_is_read_again_and_the_others_are_not(kept):
    params = PARAMS.model_copy(update={"ocr": PARAMS.ocr.model_copy(update={"engines": {"scans": "tesseract"}})})
    again = Answers(kept.folder, params)
    assert reading_identity(params, {}) == reading_identity(PARAMS, {})
    assert (again.find(FILE)[1], again.find({**FILE, "source": "scans"})[1]) == ("kept", "none")


def test_guards_are_not_part_of_the_identity():
    other = limited(cpu_s=5, silence_s=1.0, wall_s=1.0, memory_mb=512)
    assert reading_identity(other, {}) == reading_identity(PARAMS, {})


def test_a_library_of_another_version_is_another_identity(monkeypatch):
    before = reading_identity(PARAMS, {})
    monkeypatch.setattr(module, "version", lambda name: "0" if name == "lxml" else "1")
    other = reading_identity(PARAMS, {})
    monkeypatch.setattr(module, "version", lambda name: "1")
    assert len({before, other, reading_identity(PARAMS, {})}) == 3


def test_changed_code_is_another_identity(monkeypatch):
    before = reading_identity(PARAMS, {})
    monkeypatch.setattr(module, "file_sha256", lambda path: "0" if path.name == "html.py" else "1")
    assert reading_identity(PARAMS, {}) != before


def test_every_library_that_readers_import_is_part_of_the_identity():
    imported = {name.split(".")[0] for path in import_closure(READING, ROOT)
                for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))
                for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import)
                             else [node.module] if isinstance(node, ast.ImportFrom) and node.module else [])}
    known = packages_distributions()
    needed = {name for module in imported for name in known.get(module, []) if name != "pedigree"}
    assert {name.lower() for name in needed} - NEUTRAL <= {*LIBRARIES}


def test_what_left_the_lake_leaves_the_cache_and_so_do_other_identities(tmp_path):
    answers = answers_in(tmp_path, PARAMS, {})
    gone = {**FILE, "path": "gone.txt"}
    for file in (FILE, gone):
        answers.keep(file, READ)
    Answers(str(tmp_path / "older"), PARAMS).keep(FILE, READ)
    answers.forget_others([FILE])
    assert (answers.find(FILE)[1], answers.find(gone)[1]) == ("kept", "none")
    assert len(list(tmp_path.iterdir())) == 1
