"""`pedigree trace` on a small finished run: the whole way of a document, and no word that the lineage does not bear."""

import json
from pathlib import Path

import polars as pl
import pytest

from pipeline.audit.cli import main
from pipeline.audit.trace import trace
from pipeline.schema.documents import DOCUMENTS
from pipeline.schema.errors import BadInput, NotVerified
from pipeline.schema.ledger import LEDGER
from pipeline.tables.parquet import write_table
from tests.cards.world import PARAMS, record

LAKE = Path("data/lake")


@pytest.fixture(autouse=True)
def run(tmp_path, monkeypatch):
    """Four files: one goes all the way, one is merged, one is dropped, one has two records."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(f"{PARAMS}\nlake: {{path: data/lake}}\n")
    Path("requirements.lock").write_text("numpy==2.4.6\n")
    LAKE.mkdir(parents=True)
    (LAKE / "a.md").write_text("text")
    stage("curate_extract", ["a1", "b1", "r1", "r2"], [
        row("a.md"), row("b.md"), row("c.pdf", "drop", "unreadable", evidence="Oops"),
        row("rows.jsonl", "split", "records"), row("rows.jsonl#line 1"), row("rows.jsonl#line 2")])
    stage("curate_dedup", ["a1", "r1", "r2"], [
        row("a1"), row("b1", "merge", "near_duplicate", survivor="a1", score=0.9), row("r1"), row("r2")])
    stage("curate_mix", ["a1", "r1"], [
        row("a1", "keep", "train"), row("r1", "keep", "heldout"), row("r2", "drop", "over_budget")])
    table("data/sft_data/examples", {"example_id": ["e1", "e2"], "doc_id": ["a1", "r1"]}, "example_id")
    table("data/preferences_1/pairs", {"pair_id": ["p1", "p2", "p3"], "example_id": ["e1", "e1", "e2"]}, "pair_id")
    table("data/pack/rows", {"row_id": ["w1", "w2"], "doc_ids": [["a1", "r1"], ["a1"]]}, "row_id")


PATHS = {"a1": ("a.md", ""), "b1": ("b.md", ""), "r1": ("rows.jsonl", "line 1"), "r2": ("rows.jsonl", "line 2")}


def row(key, decision="keep", reason="ok", evidence="", survivor="", score=None):
    return {"input_id": key, "source": "s", "decision": decision, "reason": reason, "score": score,
            "evidence": evidence, "survivor_id": survivor}


def stage(name, kept, rows):
    before = {"curate_dedup": "curate_extract", "curate_mix": "curate_dedup"}.get(name, "")
    documents = [{**dict.fromkeys(DOCUMENTS, "x"), "doc_id": key, "path": PATHS[key][0], "locator": PATHS[key][1],
                  "raw_sha256": PATHS[key][0].ljust(64, "0")} for key in kept]
    for kind, schema, key, values in (("documents", DOCUMENTS, "doc_id", documents),
                                      ("ledger", LEDGER, "input_id", rows)):
        folder = Path(f"data/{name}/{kind}")
        folder.mkdir(parents=True)
        write_table(pl.DataFrame(values, schema=schema), folder, [key], schema)
    record(name, {f"data/{before}/documents": before} if before else {"data/lake": ""},
           [f"data/{name}/documents", f"data/{name}/ledger"])


def table(path, columns, key):
    Path(path).mkdir(parents=True)
    frame = pl.DataFrame(columns)
    write_table(frame, Path(path), [key], frame.schema)
    record(Path(path).parent.name, {"data/curate_mix/documents": "curate_mix"}, [path])


def ways(subject, limit=20):
    return trace(subject, Path("lineage"), LAKE, limit)[0]


def test_a_file_is_followed_through_every_step_into_what_was_made_of_it():
    (way,) = ways("a.md")
    assert [step.stage for step in way.steps] == ["curate_extract", "curate_dedup", "curate_mix"]
    assert way.fate == "kept by curate_mix: train"
    assert way.used == {"data/pack/rows": 2, "data/sft_data/examples": 1, "data/preferences_1/pairs": 2}


def test_a_merged_file_names_the_one_that_stands_for_it():
    (way,) = ways("b.md")
    assert way.fate == "merged into a.md by curate_dedup: near_duplicate"
    assert way.used == {}


def test_a_file_that_never_became_a_document_has_its_reason():
    (way,) = ways("c.pdf")
    assert (way.doc_id, way.fate) == ("", "dropped by curate_extract: unreadable")
    assert way.steps[0].evidence == "Oops"


def test_a_file_of_records_is_traced_record_by_record():
    assert [way.fate for way in ways("rows.jsonl")] == [
        "kept by curate_mix: heldout", "dropped by curate_mix: over_budget"]
    assert [way.path for way in ways("rows.jsonl#line 2")] == ["rows.jsonl#line 2"]


@pytest.mark.parametrize("name", ["data/lake/a.md", "a1", "a.md".ljust(64, "0")])
def test_a_file_is_found_by_its_path_with_the_lakes_its_document_id_and_its_sha256(name):
    assert [way.path for way in ways(name)] == ["a.md"]


def test_a_name_that_never_came_in_is_an_error_and_not_an_empty_answer(capsys):
    with pytest.raises(BadInput, match="nothing of that name"):
        ways("a.m")
    assert main(["trace", "nothing.md"]) == 2
    assert "nothing.md" in capsys.readouterr().err


@pytest.mark.parametrize("path", ["data/curate_dedup/ledger", "data/curate_extract/documents", "data/pack/rows"])
def test_a_table_that_was_changed_after_the_run_is_named_and_not_read(path, capsys):
    part = next(Path(path).glob("*.parquet"))
    part.write_bytes(part.read_bytes() + b" ")
    with pytest.raises(NotVerified, match=path):
        ways("a.md")
    assert main(["trace", "a.md"]) == 1
    assert path in capsys.readouterr().err


def test_a_missing_ledger_cannot_be_traced_through(capsys):
    next(Path("data/curate_dedup/ledger").glob("*.parquet")).unlink()
    Path("data/curate_dedup/ledger").rmdir()
    assert main(["trace", "a.md"]) == 2
    assert "data/curate_dedup/ledger" in capsys.readouterr().err


def test_the_answer_in_json_is_whole_and_says_how_many_there_are(capsys):
    assert main(["trace", "--json", "--limit", "1", "rows.jsonl"]) == 0
    said = capsys.readouterr()
    answer = json.loads(said.out)
    assert (answer["total"], len(answer["traces"])) == (2, 1)
    assert answer["traces"][0]["fate"] == "kept by curate_mix: heldout"
    assert "1 more" in said.err


def test_a_quote_in_a_name_is_a_name():
    with pytest.raises(BadInput):
        ways("a' or '1'='1")
