"""Stage `curate_dedup`."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.schema.curate_dedup import CurateDedup
from pipeline.schema.errors import BrokenContract
from pipeline.stages.curate_dedup import main
from pipeline.tables.parquet import read_table
from tests.curation import documents, params, reasons, text_of, tree_bytes, written

NOTICE = "This paper belongs to the bank; whoever finds it returns it unread to the records manager in Leith at once."
COPY = text_of(1).replace("Rotterdam", "Valletta") + " One more sentence at the end."
WORLD = [text_of(1), COPY, text_of(2) + f"\n\n{NOTICE}", text_of(3, 20) + f"\n\n{NOTICE}", NOTICE]


def run(tmp_path, table, name="out", **changes):
    source = written(tmp_path / f"{name}-in", table)
    out, ledger = tmp_path / name, tmp_path / f"{name}-ledger"
    main(source, out, ledger, params(CurateDedup, "curate_dedup", **{"default_max_loss": 1.0, **changes}))
    return out, ledger


def test_a_near_duplicate_is_merged_and_a_repeated_notice_removed(tmp_path):
    table = documents(WORLD)
    out, ledger = (read_table(folder) for folder in run(tmp_path, table))
    ids = table["doc_id"].to_list()
    assert reasons(ledger) == {ids[0]: "near_duplicate", ids[1]: "ok", ids[2]: "repeated_chunks", ids[3]: "ok",
                               ids[4]: "all_chunks_repeated"}
    merge = ledger.row(by_predicate=pl.col("input_id") == ids[0], named=True)
    assert merge["survivor_id"] == ids[1]     # the longer of the two
    assert 0.7 <= merge["score"] < 1
    texts = dict(out.select("doc_id", "text").iter_rows())
    assert set(texts) == {ids[1], ids[2], ids[3]}
    assert texts[ids[2]] == text_of(2)
    assert texts[ids[3]] == WORLD[3]


def test_a_footer_line_stays_in_the_best_document_of_its_source(tmp_path):
    footer = "Brackwater Mutual Bank - internal use only - do not copy"
    table = documents([f"{text_of(number, 14 + number)}\n{footer}" for number in range(9)])
    out, ledger = (read_table(folder) for folder in run(tmp_path, table, min_chunk_chars=10_000))
    assert sorted(reasons(ledger).values()) == ["boilerplate_lines"] * 8 + ["ok"]
    texts = dict(out.select("doc_id", "text").iter_rows())
    assert [text.count(footer) for text in texts.values()].count(1) == 1
    edited = ledger.filter(pl.col("reason") == "boilerplate_lines")
    assert all(texts[row["input_id"]] in set(table["text"].str.strip_suffix(f"\n{footer}")) and row["score"] > 0
               for row in edited.rows(named=True))


def test_the_better_licence_survives_then_the_newer(tmp_path):
    table = documents([text_of(1), COPY]).with_columns(pl.Series("licence", ["CC0-1.0", "LicenseRef-odd"]))
    _, ledger = run(tmp_path, table)
    assert reasons(read_table(ledger))[table["doc_id"][0]] == "ok"
    table = documents([text_of(1), COPY]).with_columns(pl.Series("published", ["2025-02-01", "2025-01-01"]))
    _, ledger = run(tmp_path, table, "newer")
    assert reasons(read_table(ledger))[table["doc_id"][0]] == "ok"


@settings(max_examples=8)
@given(order=st.permutations(range(len(WORLD))))
def test_the_order_of_arrival_does_not_show_in_the_bytes(tmp_path_factory, order):
    folder = tmp_path_factory.mktemp("dedup")
    table = documents(WORLD)
    one = tree_bytes(*run(folder, table, "one"))
    # the key order of a table is that of its ids, so arrival is what the reader hands over
    shuffled = folder / "shuffled"
    shuffled.mkdir()
    table[list(order)].write_parquet(shuffled / "part-00000.parquet")
    main(shuffled, folder / "two", folder / "two-ledger", params(CurateDedup, "curate_dedup", default_max_loss=1.0))
    assert tree_bytes(folder / "two", folder / "two-ledger") == one


def test_a_source_that_loses_too_much_stops_the_run_and_leaves_nothing(tmp_path):
    with pytest.raises(BrokenContract, match="policies lost 40%"):
        run(tmp_path, documents(WORLD), default_max_loss=0.1)
    assert [path.name for path in tmp_path.iterdir()] == ["out-in"]
