"""Stage `vocabulary`: a report that changes nothing, and whose savings are of held-out text."""

import json

import polars as pl
import pytest

from pipeline.schema.errors import BadInput
from pipeline.schema.vocabulary import Vocabulary
from pipeline.stages.vocabulary import REPLAY, main, shown
from tests import tiny
from tests.curation import params, tree_bytes

DOCUMENTS = tiny.documents().with_columns(
    pl.Series("source", ["notes"] * 20 + ["rare"] * 4),
    pl.Series("origin", ["domain"] * 22 + ["replay"] * 2),
    pl.Series("split", (["train"] * 3 + ["heldout"]) * 5 + ["train"] * 4))


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tiny.write_base(tmp_path_factory.mktemp("base") / "base")


def run(tmp_path, base, name="out", table=DOCUMENTS, **changes):
    out = tmp_path / name
    out.mkdir()
    main(tiny.write_documents(tmp_path / f"{name}-documents", table), base, out / "report.md", out / "pieces.json",
         out / "metrics.json",
         params(Vocabulary, "vocabulary", **{"min_saved": 2, "pieces": 5, **changes}))
    return out


def test_each_source_has_its_line_and_replay_its_own(tmp_path, base):
    out = run(tmp_path, base)
    facts = json.loads((out / "metrics.json").read_text())
    assert set(facts["sources"]) == {"notes", "rare", REPLAY}
    assert all(source["tokens_per_word"] > 1 for source in facts["sources"].values())
    report = (out / "report.md").read_text()
    assert all(f"| {source} |" in report for source in facts["sources"])
    assert report.count("\n| ") == 1 + 3 + 1 + 5


def test_metrics_quote_nothing_of_the_lake(tmp_path, base):
    """They are in Git, the report and the pieces are not."""
    out = run(tmp_path, base)
    facts = json.loads((out / "metrics.json").read_text())
    assert facts["pieces"] == len(json.loads((out / "pieces.json").read_text())) == 5
    assert all(set(source) == {"words", "tokens_per_word", "bytes_per_token", "heldout_tokens", "heldout_saved"}
               for source in facts["sources"].values())


def test_savings_are_of_held_out_text_and_none_where_nothing_is_held_out(tmp_path, base):
    facts = json.loads((run(tmp_path, base) / "metrics.json").read_text())["sources"]
    assert 0 < facts["notes"]["heldout_saved"] < 1
    assert facts["rare"]["heldout_saved"] is None


def test_held_out_text_proposes_no_piece(tmp_path, base):
    strange = DOCUMENTS.with_columns(
        pl.when(pl.col("split") == "heldout").then(pl.lit("zq" * 500)).otherwise("text").alias("text"))
    first, second = (json.loads((run(tmp_path, base, name, table) / "pieces.json").read_text())
                     for name, table in (("one", DOCUMENTS), ("two", strange)))
    assert first == second


def test_same_inputs_same_bytes_in_any_order_of_arrival(tmp_path, base):
    assert tree_bytes(run(tmp_path, base, "one")) == tree_bytes(run(tmp_path, base, "two", DOCUMENTS[::-1]))


def test_a_large_lake_is_looked_at_in_part(tmp_path, base):
    few, all_of_it = (json.loads((run(tmp_path, base, name, max_chars=most) / "metrics.json").read_text())
                      for name, most in (("few", 200), ("all", 10**6)))
    words = [sum(source["words"] for source in facts["sources"].values()) for facts in (few, all_of_it)]
    assert 0 < words[0] < words[1] / 2


def test_no_document_is_a_sentence_and_leaves_nothing(tmp_path, base):
    with pytest.raises(BadInput, match="holds no document"):
        run(tmp_path, base, table=DOCUMENTS[:0])
    assert list((tmp_path / "out").iterdir()) == []


def test_a_piece_cannot_break_the_table():
    assert shown(" |\n`x`") == '``" \\|\\n`x`"``'
