"""Tables of many parts through the stages: neither parts, shards nor workers show in the rows or the bytes."""

import random

import polars as pl
import pytest

from pipeline.engine.execution import load_execution
from pipeline.schema.curate_decontaminate import CurateDecontaminate
from pipeline.schema.curate_dedup import CurateDedup
from pipeline.schema.curate_filter import CurateFilter
from pipeline.schema.curate_mix import CurateMix
from pipeline.stages import curate_dedup, curate_mix, lake_manifest
from pipeline.stages.curate_decontaminate import decontaminated
from pipeline.stages.curate_extract import extract
from pipeline.stages.curate_filter import filtered
from pipeline.tables import parquet
from pipeline.tables.eval_items import TEXTS
from pipeline.tables.parquet import read_table
from tests.curation import documents, params, text_of, tree_bytes, written
from tests.extract.world import PARAMS
from tests.stages.lake_world import RIGHTS
from tests.stages.test_curate_filter import dates, quality, scorer  # noqa: F401

NOTICE = "This paper belongs to the bank; whoever finds it returns it unread to the records manager in Leith at once."
PASSAGE = "A vault key that was lost is reported to the guard at the north door, who changes both locks the same night."
TEXTS_OF_LAKE = [text_of(number, 20) + (f"\n\n{NOTICE}" if number % 3 else "") + (PASSAGE if number == 7 else "")
                 for number in range(12)]
LAKE = documents([*TEXTS_OF_LAKE, *(text.replace("Rotterdam", "Valletta") + " More." for text in TEXTS_OF_LAKE[:4])])


@pytest.fixture
def small_parts(monkeypatch):
    """About three documents a part."""
    monkeypatch.setattr(parquet, "BYTES_PER_PART", 4000)


@pytest.fixture
def lake(tmp_path, small_parts):
    table = written(tmp_path / "lake", LAKE)
    assert len(list(table.iterdir())) > 4
    return table


def on(workers, shards=2):
    return load_execution().model_copy(update={"workers": workers, "shards_per_worker": shards})


def outs(tmp_path, name):
    return tmp_path / name, tmp_path / f"{name}-ledger"


def whole(monkeypatch, tmp_path):
    """The same lake in one part."""
    monkeypatch.setattr(parquet, "BYTES_PER_PART", 1 << 30)
    return written(tmp_path / "whole", LAKE)


def test_decontamination_writes_the_same_bytes_for_one_two_and_eight_workers(tmp_path, lake):
    item = {"item_id": "QA-001", "passages": [], "turns": [], "question": "", "answer": "", "text": PASSAGE}
    items = written(tmp_path / "items", pl.DataFrame([item], schema={"item_id": pl.String(), **TEXTS}), "item_id")
    given = params(CurateDecontaminate, "curate_decontaminate", default_max_loss=0.5)
    seen = []
    for workers in (1, 2, 8):
        folders = outs(tmp_path, f"out-{workers}")
        rows, unchecked = decontaminated(lake, items, *folders, given, on(workers))
        seen.append(tree_bytes(*folders))
    assert seen[0] == seen[1] == seen[2]
    assert unchecked == []
    assert rows.filter(pl.col("reason") == "eval_overlap")["evidence"].to_list() == ["QA-001"]


def test_filtering_writes_the_same_bytes_for_one_and_two_workers(tmp_path, lake, quality):
    given = params(CurateFilter, "curate_filter", default_max_loss=1.0, min_quality=0.0)
    for workers in (1, 2):
        filtered(lake, *quality, *outs(tmp_path, f"out-{workers}"), given, on(workers))
    assert tree_bytes(*outs(tmp_path, "out-1")) == tree_bytes(*outs(tmp_path, "out-2"))
    ledger = read_table(tmp_path / "out-1-ledger")
    assert ledger["input_id"].to_list() == sorted(LAKE["doc_id"])


def test_dedup_decides_over_parts_as_over_one_table(tmp_path, lake, monkeypatch):
    given = params(CurateDedup, "curate_dedup", default_max_loss=1.0)
    curate_dedup.main(lake, *outs(tmp_path, "parts"), given)
    assert len(list((tmp_path / "parts").iterdir())) > 2
    curate_dedup.main(whole(monkeypatch, tmp_path), *outs(tmp_path, "one"), given)
    assert read_table(tmp_path / "parts").equals(read_table(tmp_path / "one"))
    assert read_table(tmp_path / "parts-ledger").equals(read_table(tmp_path / "one-ledger"))
    reasons = set(read_table(tmp_path / "one-ledger")["reason"])
    assert reasons >= {"near_duplicate", "repeated_chunks"}
    assert sorted(path.name for path in tmp_path.glob(".*")) == []


def test_the_mixture_draws_over_parts_as_over_one_table(tmp_path, lake, monkeypatch):
    general = documents([f"General text {number}. " * 30 for number in range(60)], source="own")
    texts = written(tmp_path / "general", general.with_columns(split=pl.lit("train")))
    given = params(CurateMix, "curate_mix", heldout_share=0.3)
    absent = tmp_path / "weights.json"  # read only where `source_weights` is `tuned`
    curate_mix.main(lake, texts, absent, *outs(tmp_path, "parts"), given)
    curate_mix.main(whole(monkeypatch, tmp_path), texts, absent, *outs(tmp_path, "one"), given)
    assert read_table(tmp_path / "parts").equals(read_table(tmp_path / "one"))
    assert set(read_table(tmp_path / "one")["origin"]) == {"domain", "replay"}


def test_extraction_does_not_show_how_files_were_shared_out_nor_the_order_they_came_in(tmp_path, small_parts):
    files = {f"{number:02d}.md": text for number, text in enumerate(TEXTS_OF_LAKE)}
    files |= {"copy.md": TEXTS_OF_LAKE[3], "rows.jsonl": '{"text": "first record"}\n{"text": "second one"}\n'}
    seen = []
    for run, shards in enumerate((1, 3, 9)):
        folder = tmp_path / f"lake-{run}" / "lake"
        folder.mkdir(parents=True)
        for name in random.Random(run).sample(sorted(files), len(files)):
            (folder / name).write_text(files[name])
        (tmp_path / "lake.yaml").write_text(RIGHTS)
        lake_manifest.main(folder, tmp_path / "lake.yaml", tmp_path / f"files-{run}")
        folders = (*outs(tmp_path, f"out-{run}"), tmp_path / f"out-{run}-pages")
        extract(folder, tmp_path / f"files-{run}", *folders, PARAMS, on(1, shards), tmp_path / f"cache-{run}")
        seen.append(tree_bytes(*folders))
    assert seen[0] == seen[1] == seen[2]
    assert len(list((tmp_path / "out-0").iterdir())) > 2


