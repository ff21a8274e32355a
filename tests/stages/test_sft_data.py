"""Stage `sft_data` on two manuals and a playbook."""

import polars as pl
import pytest

from pipeline.schema.documents import DOCUMENTS
from pipeline.schema.errors import BadInput, BrokenContract
from pipeline.schema.sft_data import SftData
from pipeline.stage.hashing import hash_artefact
from pipeline.stages.sft_data import check_citations, main
from pipeline.tables.parquet import read_table
from pipeline.text.answers import parse_answer
from tests import tiny

MANUALS = [f"# {noun} Manual\n\n" + "\n\n".join(
    f"## Rule {part}\nThe {noun.lower()} must rest for {part + 2} hours. Check it twice a day." for part in range(5))
    for noun in ("Boiler", "Ladder", "Pump", "Crane", "Valve")]
PARAMS = SftData(passage_chars=200, distractor_chars=100, question_chars=120, answer_chars=90, min_answer_chars=10,
                 distractors=1, unanswerable_share=0.2, max_per_document=8, max_examples=100, seed=2)


def write(folder, texts=MANUALS, **columns):
    return tiny.write_documents(folder, tiny.documents(texts, **columns))


def test_every_row_is_an_answer_in_the_format_on_passages_of_its_document(tmp_path):
    main(write(tmp_path / "documents"), tmp_path / "out", PARAMS)
    rows = read_table(tmp_path / "out")
    assert rows.height == 25
    assert set(rows["split"]) == {"train", "heldout"}
    assert set(rows["review_state"]) == {"generated"}
    texts = dict(read_table(tmp_path / "documents").select("doc_id", "text").iter_rows())
    for row in rows.iter_rows(named=True):
        answer = parse_answer(row["answer"])
        assert answer.source == row["source"]
        if row["source"]:
            assert texts[row["doc_id"]][row["citation_start"]:row["citation_end"]] == row["passages"][answer.source - 1]


def test_replay_documents_give_no_examples(tmp_path):
    with pytest.raises(BadInput, match="no document of the train split offers an example"):
        main(write(tmp_path / "documents", origin="replay"), tmp_path / "out", PARAMS)
    assert not (tmp_path / "out").exists()


def test_a_lake_without_titles_is_named_by_its_headings(tmp_path):
    table = tiny.documents(MANUALS).with_columns(title=pl.lit(None, dtype=DOCUMENTS["title"]))
    main(tiny.write_documents(tmp_path / "documents", table), tmp_path / "out", PARAMS)
    assert read_table(tmp_path / "out")["question"].str.contains("Manual").all()


def test_the_same_documents_give_the_same_bytes_in_any_order(tmp_path):
    for name, texts in (("one", MANUALS), ("two", MANUALS[::-1])):
        main(write(tmp_path / f"{name}_documents", texts, split="train"), tmp_path / name, PARAMS)
    assert hash_artefact(tmp_path / "one").digest == hash_artefact(tmp_path / "two").digest


def test_a_citation_that_does_not_hold_stops_the_stage(tmp_path):
    main(write(tmp_path / "documents"), tmp_path / "out", PARAMS)
    moved = read_table(tmp_path / "out").with_columns(pl.col("citation_end") - 1)
    with pytest.raises(BrokenContract, match="not the span it names"):
        check_citations(moved, read_table(tmp_path / "documents"))
