"""Stage `curate_decontaminate`."""

import polars as pl
import pytest

from pipeline.schema.curate_decontaminate import CurateDecontaminate
from pipeline.schema.errors import BadInput, BrokenContract
from pipeline.stages.curate_decontaminate import main
from pipeline.tables.eval_items import TEXTS
from pipeline.tables.parquet import read_table
from tests.curation import documents, params, reasons, text_of, tree_bytes, written

PASSAGE = "A vault key that was lost is reported to the guard at the north door, who changes both locks the same night."


def items(**columns):
    empty = {"item_id": "QA-001", "passages": [], "turns": [], "question": "", "answer": "", "text": ""}
    return pl.DataFrame([{**empty, **columns}], schema={"item_id": pl.String(), **TEXTS})


def run(tmp_path, table, eval_items, name="out", **changes):
    out, ledger = tmp_path / name, tmp_path / f"{name}-ledger"
    given = params(CurateDecontaminate, "curate_decontaminate", **{"default_max_loss": 0.5, **changes})
    resolved = main(written(tmp_path / f"{name}-in", table), written(tmp_path / f"{name}-items", eval_items, "item_id"),
                    out, ledger, given)
    return out, ledger, resolved


@pytest.mark.parametrize("field", TEXTS)
def test_a_planted_item_is_caught_in_whatever_field_it_stands(tmp_path, field):
    table = documents([text_of(1), text_of(2).replace("\n\n", f"\n\n{PASSAGE} ", 1)])
    planted = [PASSAGE] if field in ("passages", "turns") else PASSAGE
    out, ledger, _ = run(tmp_path, table, items(**{field: planted}))
    caught = read_table(ledger).filter(pl.col("reason") == "eval_overlap")
    assert caught.select("input_id", "decision", "evidence", "score").rows() == [
        (table["doc_id"][1], "drop", "QA-001", 22 - 13 + 1)]
    assert read_table(out)["doc_id"].to_list() == [table["doc_id"][0]]


HIDDEN = {
    "emphasis": PASSAGE.replace("lost", "_lo_**s**t").replace("guard", "*guard*").replace("_lo_", "lo"),
    "underscores": PASSAGE.replace("guard", "_guard_").replace("changes", "__changes__"),
    "soft hyphens": PASSAGE.replace("reported", "re\u00adpor\u00adted"),
    "zero width": PASSAGE.replace("reported", "re\u200bported"),
    "hyphens at line ends": PASSAGE.replace("reported", "re-\n ported").replace("north", "no-\nrth"),
    "hyphens of pages": PASSAGE.replace("reported", "re- ported").replace("north", "no-\f\nrth"),
    "soft hyphens at line ends": PASSAGE.replace("reported", "re\u00ad\nported").replace("north", "no\u2010\nrth"),
    "quotation": "> " + PASSAGE.replace("reported", "re-\n> ported"),
    "links and footnotes": PASSAGE.replace("guard", "[guard](https://a.example/guard)").replace("door,", "door,[^1]"),
    "code": PASSAGE.replace("guard", "`guard`").replace("north", "~~north~~"),
    "tags": PASSAGE.replace("reported", "re\U000e0020por\u206ated"),
    "ligatures": PASSAGE.replace("night", "ﬁne night"),
    "letter and accent apart": PASSAGE.replace("night", "nuit e\u0301toile\u0301e"),
}
ASKED = {"ligatures": PASSAGE.replace("night", "fine night"),
         "letter and accent apart": PASSAGE.replace("night", "nuit \u00e9toil\u00e9e")}


@pytest.mark.parametrize("way", HIDDEN)
def test_an_item_is_seen_through(tmp_path, way):
    asked = ASKED.get(way, PASSAGE)
    words = len(asked.replace("'", " ").split())
    table = documents([text_of(1), text_of(2).replace("\n\n", f"\n\n{HIDDEN[way]} ", 1)])
    _, ledger, _ = run(tmp_path, table, items(text=asked), ngram_words=words)
    assert reasons(read_table(ledger))[table["doc_id"][1]] == "eval_overlap"


def test_a_hyphen_that_belongs_to_the_word_is_seen_at_the_end_of_a_line_too(tmp_path):
    asked = PASSAGE.replace("same night", "well-known night")
    table = documents([text_of(1), PASSAGE.replace("same night", "well-\nknown night")])
    _, ledger, _ = run(tmp_path, table, items(text=asked), ngram_words=23)
    assert reasons(read_table(ledger))[table["doc_id"][1]] == "eval_overlap"


def test_a_title_counts(tmp_path):
    table = documents([text_of(1), text_of(2)]).with_columns(pl.Series("title", ["", PASSAGE]))
    _, ledger, _ = run(tmp_path, table, items(text=PASSAGE))
    assert reasons(read_table(ledger)) == {table["doc_id"][0]: "ok", table["doc_id"][1]: "eval_overlap"}


def test_documents_without_overlap_are_kept_unchanged(tmp_path):
    table = documents([text_of(1), text_of(2)])
    out, ledger, resolved = run(tmp_path, table, items(text=PASSAGE, question="Who?"))
    assert set(reasons(read_table(ledger)).values()) == {"ok"}
    assert sorted(read_table(out)["text"]) == sorted(table["text"])
    assert resolved["unchecked_items"] == []


def test_an_item_too_short_to_look_for_is_named(tmp_path):
    assert run(tmp_path, documents([text_of(1)]), items(question="Who?"))[2]["unchecked_items"] == ["QA-001"]


def test_same_inputs_same_bytes(tmp_path):
    table = documents([text_of(1), PASSAGE + text_of(2)])
    one, two = (tree_bytes(*run(tmp_path, order, items(text=PASSAGE), name)[:2])
                for name, order in (("one", table), ("two", table[::-1])))
    assert one == two


def test_a_table_without_the_items_columns_is_refused_and_leaves_nothing(tmp_path):
    with pytest.raises(BadInput, match="turns"):
        run(tmp_path, documents([text_of(1)]), items().drop("turns"))
    assert not (tmp_path / "out").exists()


def test_a_source_that_is_all_contaminated_stops_the_run(tmp_path):
    with pytest.raises(BrokenContract, match="policies lost 100%"):
        run(tmp_path, documents([PASSAGE]), items(text=PASSAGE))
