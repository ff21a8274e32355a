"""Stage curation_report on a small finished run: it adds up, is safe to open, and says no more than it may."""

import re
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from pipeline.cards.curation_page import survival
from pipeline.cards.flows import EDITED, Amount, Flow, flows, token_rates
from pipeline.cards.run_facts import curation
from pipeline.cards.sankey import columns_of, sankey
from pipeline.schema.curation_report import CurationReport
from pipeline.schema.errors import BadInput
from pipeline.stage.records import read_records
from pipeline.stages.curation_report import main
from tests.cards import test_quality, world

FACTS = (Path(__file__).parents[2] / "data/card.yaml").read_text()
HOSTILE = "<script>alert(1)</script>\"'&"
PARAMS = CurationReport(examples=2, excerpt_chars=80, quote_unredacted=True, token_sample_chars=1000)


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    world.build(FACTS)
    words()


def words():
    """A tokenizer that makes one token of each word."""
    tokenizer = Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = Whitespace()
    Path("models/base").mkdir(parents=True, exist_ok=True)
    tokenizer.save("models/base/tokenizer.json")


def written(params=PARAMS, out="report/curation.html"):
    main(Path("lineage"), Path("data"), Path("models/base"), Path(out), params)
    return Path(out).read_text()


def read_flows():
    runs = {stage: record.run for stage, record in read_records(Path("lineage")).items()}
    return flows(Path("data"), curation(Path("data"), runs), runs, dict.fromkeys(world.SOURCES, 0.5))


@pytest.mark.usefixtures("run")
def test_what_survives_a_step_is_what_enters_the_next():
    found = read_flows()
    assert [flow.stage for flow in found] == list(world.CURATION)
    for before, after in pairwise(found):
        assert before.total("", "documents") == after.total(None, "documents") > 0


@pytest.mark.usefixtures("run")
def test_every_reason_is_in_the_diagram_with_its_count():
    diagram = sankey("k", "t", read_flows(), "documents")
    for flow in read_flows():
        for reason in {row.outcome for row in flow.amounts} - {""}:
            assert f">{flow.total(reason, 'documents'):.0f} {reason.replace('_', ' ')}<" in diagram


@pytest.mark.usefixtures("run")
def test_the_page_asks_for_nothing_outside_and_same_inputs_give_same_bytes():
    text = written()
    assert text == written(out="report/again.html")
    assert not re.search(r"<script|<link|<img|https?://|url\(|@import", text)


@pytest.mark.usefixtures("run")
def test_a_long_path_or_rule_is_broken_and_does_not_widen_the_page():
    assert "h3,.example{overflow-wrap:anywhere}" in written()


@pytest.mark.usefixtures("run")
def test_without_examples_no_document_is_quoted():
    assert "<blockquote>" in written()
    assert "<blockquote>" not in written(PARAMS.model_copy(update={"examples": 0}))


@pytest.mark.usefixtures("run")
def test_the_page_quotes_nothing_that_was_not_redacted_unless_it_may():
    """No stage of this run replaces personal data."""
    text = written(PARAMS.model_copy(update={"quote_unredacted": False}))
    assert "<blockquote>" not in text
    assert "; not quoted: personal data had not been replaced yet</p>" in text
    assert "quote only text in which personal data was replaced" in text


def test_a_hostile_name_is_shown_and_not_obeyed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    world.build(FACTS, hostile=HOSTILE)
    words()
    text = written()
    assert "<script" not in text
    assert "&lt;script&gt;" in text


@pytest.mark.usefixtures("run")
def test_a_run_without_ledgers_is_refused():
    with pytest.raises(BadInput, match="holds no ledger"):
        main(Path("lineage"), Path("models"), Path("models/base"), Path("report/x.html"), PARAMS)
    assert not Path("report/x.html").exists()


def test_text_that_editing_removed_is_a_loss_of_tokens_and_of_no_document(tmp_path):
    flow = Flow("curate_dedup", [Amount("a", "", 3, 70.0), Amount("a", EDITED, 0, 30.0)])
    column = columns_of([flow], "tokens")[0]
    assert (column.total, column.lost) == (100.0, [(EDITED, 30.0)])
    assert columns_of([flow], "documents")[0].lost == []
    assert survival([flow], {})[0].after == [3]


def test_many_small_sources_are_drawn_together_and_still_add_up():
    flow = Flow("curate_filter", [Amount(f"s{number:02d}", "", number + 1, 0.0) for number in range(30)])
    column = columns_of([flow], "documents")[0]
    assert column.total == sum(range(1, 31))
    assert dict(column.kept)["others"] == sum(range(1, 21))


def test_tokens_a_character_are_measured_for_each_source_on_its_first_documents(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words()
    folder = tmp_path / "documents"
    folder.mkdir()
    pl.DataFrame({"source": ["a", "a", "b"], "text": ["aa bb cc", "x" * 5000, "abcd efgh"]}).write_parquet(
        folder / "part-00000.parquet")
    rates = token_rates(folder, Path("models/base"), 5)
    assert rates == {"a": 2 / 5, "b": 1 / 5}  # "aa bb" and "abcd "


@pytest.mark.usefixtures("run")
def test_what_each_rule_took_is_counted_with_and_without_examples():
    for examples in (2, 0):
        text = written(PARAMS.model_copy(update={"examples": examples}))
        assert re.search(r"<h3>curate_filter: quality</h3>\n<p[^>]*>[^<]*: \d+ in all, "
                         rf"{examples} shown</p>", text)


@pytest.mark.usefixtures("run")
def test_the_quality_model_is_on_the_page_where_it_was_measured():
    assert "quality model's scores" not in written()
    test_quality.measured()
    text = written()
    assert "Expected calibration error 0.0314, Brier score\n0.0370" in text
    assert 'id="reliability-t"' in text
    assert re.search(r"inbox</th><td>8</td>\s*<td>25%</td>\s*<td>0.6100</td><td>2</td>", text)
