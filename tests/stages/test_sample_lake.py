import json

import polars as pl
import pytest

from pipeline.sample_lake.poor import FOOTER
from pipeline.schema.errors import BadInput
from pipeline.schema.sample_lake import Copy, SampleLake
from pipeline.stages.sample_lake import main
from tests.stages.lake_world import tree

PARAMS = SampleLake(
    seed=1, formats={"policies": ["md", "docx", "pdf", "html"], "offtopic": ["html"]}, scanned=[], scan_dpi=72,
    scan_degrees=0.5, scan_noise=5.0, scan_jpeg_quality=40,
    near_duplicates=[Copy(of="POL-001", strength="light", format="html")], same_bytes=["POL-001"],
    boilerplate_share=0.0, footer_sources=[], uncleared=["POL-004"], garbled=["POL-001"], garble_share=0.3,
    eval_quotes=[["QA-1"]],
    bomb_bytes=100_000)


@pytest.fixture
def authored(tmp_path):
    text = tmp_path / "text"
    for ident, source in [("POL-001", "policies"), ("POL-002", "policies"), ("POL-003", "policies"),
                          ("POL-004", "policies"), ("OFF-001", "offtopic")]:
        (text / source).mkdir(parents=True, exist_ok=True)
        (text / source / f"{ident}.md").write_text(
            f"---\nid: {ident}\ntitle: Title of {ident}\nowner: Desk\nversion: '1.0'\npublished: 2025-01-02\n---\n"
            f"# Title of {ident}\n\n## 1 Rule\n**Owner:** the desk must keep each report of {ident} before it may go. "
            "Call {{PERSON|Ann Lee}}.\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")
    for name, record in [("tickets", {"ticket_id": "T-1", "opened": "2024-01-01", "question": "Q {{PHONE|+1 2}}"}),
                         ("incidents", {"incident_id": "I-1", "logged": "2024-01-01", "narrative": "N"})]:
        (text / name).mkdir()
        (text / name / f"{name}.jsonl").write_text(json.dumps(record) + "\n")
    (tmp_path / "eval").mkdir()
    (tmp_path / "eval" / "qa.jsonl").write_text(
        json.dumps({"item_id": "QA-1", "passages": ["A passage."], "question": "What?", "answer": "That."}) + "\n")
    return tmp_path


def run(authored, name, params=PARAMS):
    main(authored / "text", authored / "eval", authored / name / "lake", authored / name / "truth", params)
    return tree(authored / name)


def test_same_inputs_same_bytes(authored):
    scanned = PARAMS.model_copy(update={"scanned": ["POL-002"]})
    assert run(authored, "one", scanned) == run(authored, "two", scanned)


def test_every_file_has_a_row_of_truth_and_markup_never_reaches_the_lake(authored):
    files = run(authored, "one")
    truth = pl.read_parquet(authored / "one" / "truth" / "*.parquet")
    lake = {path.removeprefix("lake/"): data for path, data in files.items() if path.startswith("lake/")}
    assert set(truth["path"]) == set(lake)
    assert not [path for path, data in lake.items() if b"{{" in data]
    row = truth.filter(path="policies/POL-001.md").row(0, named=True)
    assert (row["plant"], row["pii"]) == ("none", [{"type": "PERSON", "value": "Ann Lee"}])
    assert b"Ann Lee" in lake["policies/POL-001.md"]


def test_what_should_happen_to_planted_files_is_written_down(authored):
    run(authored, "one")
    truth = pl.read_parquet(authored / "one" / "truth" / "*.parquet")
    plants = {row["path"]: (row["plant"], row["expected_decision"], row["expected_reason"])
              for row in truth.iter_rows(named=True)}
    assert plants["policies/POL-001_copy.md"] == ("same_bytes", "merge", "same_bytes")
    assert plants["vendor/POL-004.html"] == ("uncleared", "drop", "rights_not_cleared")
    assert plants["inbox/induction-notes-1.md"] == ("eval_overlap", "drop", "eval_overlap")
    assert plants["offtopic/OFF-001.html"] == ("off_topic", "drop", "quality")
    assert truth.filter(path="tickets/tickets-2024.jsonl", plant="hostile").height == 2


def test_a_line_is_planted_at_the_end_of_each_document_of_a_source(authored):
    run(authored, "one", PARAMS.model_copy(update={"footer_sources": ["policies"]}))
    truth = pl.read_parquet(authored / "one" / "truth" / "*.parquet").filter(path="policies/POL-001.md")
    assert truth.select("plant", "expected_stage", "expected_decision", "expected_reason").rows() == [
        ("footer", "curate_dedup", "edit", "boilerplate_lines")]
    text = (authored / "one" / "lake" / "policies" / "POL-001.md").read_text(encoding="utf-8")
    assert text.endswith(FOOTER.strip() + "\n")


def test_an_id_that_nobody_wrote_stops_the_run_and_leaves_no_output(authored):
    with pytest.raises(BadInput, match="POL-999"):
        run(authored, "one", PARAMS.model_copy(update={"scanned": ["POL-999"]}))
    assert not (authored / "one" / "lake").exists()
    assert not (authored / "one" / "truth").exists()
