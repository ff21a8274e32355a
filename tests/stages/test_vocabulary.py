"""Stage `vocabulary`: a report that changes nothing, and whose savings are of held-out text."""

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.schema.errors import BadInput
from pipeline.schema.vocabulary import Vocabulary
from pipeline.stages.vocabulary import REPLAY, even_shares, main, sampled, shown
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
    assert all(set(source) == {"words", "left_out", "tokens_per_word", "bytes_per_token", "heldout_tokens",
                               "heldout_saved"}
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


@given(st.dictionaries(st.text(max_size=3), st.integers(1, 500), min_size=1), st.integers(1, 1000))
def test_shares_add_up_to_the_budget_and_nobody_has_less_than_another_who_wants_as_much(sizes, budget):
    found = even_shares(sizes, budget)
    assert sum(found.values()) == min(budget, sum(sizes.values()))
    assert all(found[name] <= size for name, size in sizes.items())
    cut = [found[name] for name, size in sizes.items() if found[name] < size]
    assert not cut or max(found.values()) - min(cut) <= 1


def test_what_small_sources_leave_goes_to_the_others():
    assert even_shares({"a": 10, "b": 1000, "c": 70}, 100) == {"a": 10, "c": 45, "b": 45}


@pytest.mark.parametrize("split", ["train", "heldout"])
def test_a_large_source_leaves_a_small_one_its_share(tmp_path, split):
    """Three small documents among 200 would not be in the first tenth in hash order."""
    table = tiny.documents([f"{'large' if number < 200 else 'small'} {number:03d} " + "word " * 18
                            for number in range(203)], split=split)
    table = table.with_columns(source=pl.col("text").str.slice(0, 5))
    folder = tiny.write_documents(tmp_path / "documents", table)
    taken = sampled(folder, params(Vocabulary, "vocabulary", max_chars=2000))
    assert {source: len(texts) for source, _, texts in taken} == {"large": 17, "small": 3}


def test_pseudonyms_are_neither_counted_nor_proposed(tmp_path, base):
    named = DOCUMENTS.with_columns(text=pl.col("text") + pl.concat_str(
        [pl.lit(" <PERSON_1a2b3c4d5e>,")] * 30))
    plain, strange = (run(tmp_path, base, name, table) for name, table in (("plain", DOCUMENTS), ("named", named)))
    assert (strange / "pieces.json").read_bytes() == (plain / "pieces.json").read_bytes()
    before, after = (json.loads((out / "metrics.json").read_text())["sources"]["notes"] for out in (plain, strange))
    assert (before.pop("left_out"), after.pop("left_out")) == (0, 20 * 30)
    assert before["words"] == after["words"]
    assert before["tokens_per_word"] == pytest.approx(after["tokens_per_word"], abs=0.05)  # a blank more at the end
    assert "words that hold a pseudonym" in (strange / "report.md").read_text()


def test_no_document_is_a_sentence_and_leaves_nothing(tmp_path, base):
    with pytest.raises(BadInput, match="holds no document"):
        run(tmp_path, base, table=DOCUMENTS[:0])
    assert list((tmp_path / "out").iterdir()) == []


def test_a_piece_cannot_break_the_table():
    assert shown(" |\n`x`") == '``" \\|\\n`x`"``'
