"""Stage `general_text`."""

from importlib.metadata import version

import polars as pl
import pytest

from pipeline.schema.errors import BadInput
from pipeline.schema.general_text import GeneralText
from pipeline.stages.general_text import main
from pipeline.tables.eval_items import TEXTS
from pipeline.tables.parquet import read_table
from tests.curation import params, tree_bytes, written

PACKAGE = {"wrapt": {"version": version("wrapt"), "licence": "BSD-2-Clause"}}


@pytest.fixture
def text(tmp_path):
    folder = tmp_path / "text"
    folder.mkdir()
    for number in range(30):
        paragraph = f"The tide of day {number} rose over the bank and fell again before noon. " * 5
        (folder / f"GEN-{number:03d}.md").write_text(
            f"---\ntitle: Tide {number}\npublished: 2024-05-01\n---\n# Tide {number}\n\n{paragraph}\n")
    (folder / "notes.json").write_text("{}")
    return folder


NO_ITEM = {"item_id": "GEN-1", "passages": [], "turns": [], "question": "", "answer": "", "text": ""}


def run(text, out, item=(), **changes):
    items = pl.DataFrame([{**NO_ITEM, **dict(item)}], schema={"item_id": pl.String(), **TEXTS})
    main(text, written(out.with_name(f"{out.name}-items"), items, "item_id"), out,
         params(GeneralText, "general_text", **{"packages": {}, **changes}))
    return out


def test_what_an_evaluation_item_asks_is_left_out(text, tmp_path):
    asked = {"question": "When does the tide of day 7 rise over the bank and when does it fall again?",
             "passages": ["The tide of day 7 rose over the bank and _fell_ again before noon. The tide"]}
    paths = set(read_table(run(text, tmp_path / "out", asked))["path"])
    assert paths == {f"GEN-{number:03d}.md" for number in range(30)} - {"GEN-007.md"}


def test_own_files_become_documents_with_their_title_and_date(text, tmp_path):
    table = read_table(run(text, tmp_path / "out"))
    assert table.height == 30
    assert set(table["source"]) == {"own"}
    row = table.row(by_predicate=pl.col("path") == "GEN-007.md", named=True)
    assert (row["title"], row["published"], row["rights_basis"]) == ("Tide 7", "2024-05-01", "own")
    assert row["text"].startswith("# Tide 7\n\nThe tide of day 7")
    assert set(table["split"]) == {"train", "heldout"}


def test_documentation_of_a_package_is_added_under_its_licence(text, tmp_path):
    table = read_table(run(text, tmp_path / "out", packages=PACKAGE))
    found = table.filter(table["source"] == "wrapt")
    assert found.height > 3
    assert set(found["licence"]) == {"BSD-2-Clause"}
    assert all(path.startswith("wrapt") for path in found["path"])


def test_same_inputs_same_bytes(text, tmp_path):
    assert tree_bytes(run(text, tmp_path / "one")) == tree_bytes(run(text, tmp_path / "two"))


def test_the_split_of_a_document_does_not_depend_on_the_others(text, tmp_path):
    before = dict(read_table(run(text, tmp_path / "one")).select("doc_id", "split").iter_rows())
    (text / "GEN-000.md").unlink()
    after = dict(read_table(run(text, tmp_path / "two")).select("doc_id", "split").iter_rows())
    assert after.items() <= before.items()


def test_no_text_at_all_is_refused_and_leaves_no_output(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadInput, match="no general text"):
        run(tmp_path / "empty", tmp_path / "out")
    assert not (tmp_path / "out").exists()
