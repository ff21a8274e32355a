"""Stage `date_model`."""

import json

import polars as pl
import pytest

from pipeline.schema.date_model import DateModel
from pipeline.schema.errors import BadInput
from pipeline.schema.files import FILES
from pipeline.stages.date_model import main, without_given_dates
from pipeline.text.dating import load
from tests.curation import documents, params, tree_bytes, written
from tests.dated_stories import story

LAKE = pl.concat([documents([story(year, number)], published=f"{year}-03-0{number + 1}", path=f"{year}-{number}.md")
                  for year in range(2012, 2025) for number in range(6)])


def files(published=None):
    rows = [{**dict.fromkeys(FILES, ""), "path": path, "bytes": 1, "cleared_for_training": True, "published": published}
            for path in LAKE["path"]]
    return pl.DataFrame(rows, schema=FILES)


def run(tmp_path, name="out", lake=LAKE, published=None, **changes):
    given = params(DateModel, "date_model", **{"first_year": 2010, "last_year": 2025, **changes})
    resolved = main(written(tmp_path / f"{name}-lake", lake),
                    written(tmp_path / f"{name}-files", files(published), "path"), tmp_path / name,
                    tmp_path / f"{name}.json", given)
    return tmp_path / name, json.loads((tmp_path / f"{name}.json").read_text()), resolved


def test_it_tells_the_year_of_unseen_texts_and_says_how_well(tmp_path):
    out, measured, resolved = run(tmp_path)
    low, high = load(out).beliefs([story(2018, 77)])[0].interval(0.5)
    assert low <= 2018 <= high
    assert measured["heldout"]["year_within_1"] > measured["heldout"]["commonest_right"]
    assert resolved == {"dated_documents": LAKE.height}


def test_same_inputs_same_bytes_in_any_order(tmp_path):
    assert tree_bytes(run(tmp_path, "one")[0]) == tree_bytes(run(tmp_path, "two", LAKE[::-1])[0])


def test_a_date_that_the_rights_file_gives_is_not_learnt_from(tmp_path):
    assert without_given_dates(LAKE, files("2018-03-01")).height == LAKE.height - 1
    out, measured, resolved = run(tmp_path, lake=LAKE.with_columns(published=pl.lit("2018-03-01")),
                                  published="2018-03-01")
    assert resolved == {"dated_documents": 0}
    assert measured == {"heldout": {"documents": 0.0}}
    assert load(out).beliefs([story(2018, 77)])[0] is None


def test_what_is_not_cleared_is_not_learnt_from(tmp_path):
    closed = LAKE.with_columns(cleared_for_training=pl.col("published") < "2020")
    cleared = LAKE.filter(pl.col("published") < "2020").height
    assert run(tmp_path, lake=closed)[2] == {"dated_documents": cleared} != {"dated_documents": LAKE.height}


def test_a_damaged_table_leaves_nothing(tmp_path):
    lake = written(tmp_path / "lake", LAKE)
    (lake / "part-00000.parquet").write_bytes(b"not parquet")
    with pytest.raises(BadInput):
        main(lake, written(tmp_path / "files", files(), "path"), tmp_path / "out", tmp_path / "out.json",
             params(DateModel, "date_model"))
    assert not (tmp_path / "out").exists()


def test_years_out_of_order_are_refused():
    with pytest.raises(ValueError, match="`first_year` must be before"):
        params(DateModel, "date_model", first_year=2030, last_year=2020)
