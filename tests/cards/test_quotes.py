"""Examples of what each rule took: which ones, and how much of them may be shown."""

from pathlib import Path

import polars as pl
import pytest

from pipeline.cards.quotes import excerpt, taken
from pipeline.schema.curation_report import CurationReport
from pipeline.schema.documents import DOCUMENTS
from pipeline.schema.ledger import LEDGER
from pipeline.stage.records import read_records
from pipeline.tables.parquet import write_table
from tests.cards.world import PARAMS as ENV
from tests.cards.world import record

PARAMS = CurationReport(examples=2, excerpt_chars=80, quote_unredacted=True, token_sample_chars=1000)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(ENV)
    Path("requirements.lock").write_text("numpy==2.4.6\n")
    Path("data/lake").mkdir(parents=True)
    Path("data/lake/a.md").write_text("one document")


def curated(stage, lost, kept=(), before="curate_extract"):
    """A curation stage on disk with its record; `lost`: input_id -> (decision, reason, evidence, survivor)."""
    source = f"data/{before}/documents" if before else "data/lake"
    rows = [{"input_id": key, "source": "inbox", "decision": what, "reason": why, "score": 0.5, "evidence": said,
             "survivor_id": survivor} for key, (what, why, said, survivor) in lost.items()]
    rows += [{"input_id": key, "source": "inbox", "decision": "keep", "reason": "ok", "score": None, "evidence": "",
              "survivor_id": ""} for key in kept]
    documents(f"data/{stage}/documents", kept)
    written(f"data/{stage}/ledger", pl.DataFrame(rows, schema=LEDGER), "input_id", LEDGER)
    record(stage, {source: before}, [f"data/{stage}/documents", f"data/{stage}/ledger"])


def documents(folder, ids):
    rows = [{**dict.fromkeys(DOCUMENTS, ""), "doc_id": key, "path": f"inbox/{key}.md", "text": f"text of {key}"}
            for key in ids]
    written(folder, pl.DataFrame(rows, schema=DOCUMENTS), "doc_id", DOCUMENTS)


def written(folder, table, key, schema):
    Path(folder).mkdir(parents=True)
    write_table(table, Path(folder), [key], schema)


def found(stage, **changes):
    runs = {name: one.run for name, one in read_records(Path("lineage")).items()}
    return taken(Path("data"), stage, runs, PARAMS.model_copy(update=changes))


def extracted(*ids):
    curated("curate_extract", {}, ids, before="")


def test_every_rule_of_a_reason_has_its_own_examples():
    lost = {f"d{number}": ("drop", "heuristic", rule, "") for number, rule in enumerate(["A: x"] * 5 + ["B: y"])}
    extracted(*lost)
    curated("curate_filter", lost)
    rules = found("curate_filter")
    assert [(rule.reason, rule.rule, rule.documents, len(rule.examples)) for rule in rules] == [
        ("heuristic", "A: x", 5, 2), ("heuristic", "B: y", 1, 1)]
    assert {example.evidence for rule in rules for example in rule.examples} == {""}


def test_evidence_of_one_document_makes_no_rule_and_is_shown_with_it():
    lost = {f"d{number}": ("drop", "too_old", f"201{number}-01-01", "") for number in range(4)}
    extracted(*lost)
    curated("curate_filter", lost)
    (rule,) = found("curate_filter")
    assert (rule.reason, rule.rule, rule.documents) == ("too_old", "", 4)
    assert {lost[example.where[6:-3]][2] for example in rule.examples} == {one.evidence for one in rule.examples}


def test_of_a_document_that_was_cut_the_text_that_went_is_quoted():
    extracted("d0", "d1")
    curated("curate_dedup", {"d0": ("edit", "boilerplate_lines", "0 chunks, 1 lines", ""),
                             "d1": ("edit", "pii", "", "")})
    table = pl.read_parquet("data/curate_extract/documents/*.parquet")
    longer = table.with_columns(text=pl.col("text") + "\nA footer.\nMore.")
    longer.write_parquet("data/curate_extract/documents/part-00000.parquet")
    table.write_parquet("data/curate_dedup/documents/part-00000.parquet")
    (rule,) = found("curate_dedup")
    (example,) = rule.examples
    assert (rule.reason, rule.documents, example.evidence) == ("boilerplate_lines", 1, "0 chunks, 1 lines")
    assert example.excerpt == "A footer. More."


def test_without_examples_a_rule_still_has_its_count():
    extracted("d1")
    curated("curate_filter", {"d1": ("drop", "quality", "", "")})
    assert found("curate_filter", examples=0) == [("quality", "", 1, "", [])]


@pytest.mark.parametrize("reason", ["rights_not_cleared", "embargo_term", "compliance_term"])
def test_what_rights_or_a_marking_forbid_is_not_quoted_even_after_redaction(reason):
    extracted("d1")
    curated("curate_redact", {}, ["d1"])
    curated("curate_filter", {"d1": ("drop", reason, "a term", "")}, before="curate_redact")
    (rule,) = found("curate_filter")
    assert rule.withheld
    assert (rule.examples[0].where, rule.examples[0].excerpt) == ("inbox/d1.md", "")


@pytest.mark.parametrize("allowed", [True, False])
def test_text_from_before_redaction_is_quoted_only_where_params_allow_it(allowed):
    extracted("d1", "d2")
    curated("curate_dedup", {"d1": ("drop", "quality", "", "")}, ["d2"])
    curated("curate_redact", {}, ["d2"], before="curate_dedup")
    curated("curate_mix", {"d2": ("drop", "over_budget", "", "")}, before="curate_redact")
    (early,), (late,) = (found(stage, quote_unredacted=allowed) for stage in ("curate_dedup", "curate_mix"))
    assert early.examples[0].excerpt == ("text of d1" if allowed else "")
    assert bool(early.withheld) != allowed
    assert (late.examples[0].excerpt, late.withheld) == ("text of d2", "")


def test_the_stage_that_redacts_loses_unredacted_text():
    extracted("d1")
    curated("curate_redact", {"d1": ("drop", "pii_density", "", "")})
    assert found("curate_redact", quote_unredacted=False)[0].examples[0].excerpt == ""


@pytest.mark.parametrize("stage", ["curate_extract", "curate_dedup"])
def test_a_copy_is_shown_with_the_path_of_the_survivor(stage):
    """Also where the stage reads files, so that the survivor is in what it wrote only."""
    if stage != "curate_extract":
        extracted("d1", "d2")
    lost = "inbox/copy.md" if stage == "curate_extract" else "d2"
    curated(stage, {lost: ("merge", "same_bytes", "", "d1")}, ["d1"],
            before="" if stage == "curate_extract" else "curate_extract")
    (rule,) = found(stage)
    assert rule.examples[0].kept_instead == "inbox/d1.md"


def test_an_excerpt_ends_at_a_word_and_is_one_line():
    assert excerpt("one two\n\nthree four", 12) == "one two ..."
    assert excerpt("short", 12) == "short"
