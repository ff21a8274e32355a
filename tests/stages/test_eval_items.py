"""Stage eval_items on the authored items and on bad folders."""

from pathlib import Path

import pytest

from pipeline.schema.errors import BadInput
from pipeline.stage.hashing import hash_artefact
from pipeline.stages.eval_items import main
from pipeline.tables.parquet import read_table

AUTHORED = Path(__file__).parents[2] / "data/authored/eval"


def test_every_authored_item_becomes_a_row(tmp_path):
    main(AUTHORED, tmp_path / "items")
    lines = sum(len(path.read_text().splitlines()) for path in AUTHORED.glob("*.jsonl"))
    table = read_table(tmp_path / "items")
    assert table.height == lines
    assert set(table["task"]) == {"qa", "multi_turn", "general"}


def test_same_inputs_same_bytes(tmp_path):
    main(AUTHORED, tmp_path / "one")
    main(AUTHORED, tmp_path / "two")
    assert hash_artefact(tmp_path / "one").digest == hash_artefact(tmp_path / "two").digest


def test_a_failed_run_leaves_no_output(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("qa", "multi_turn", "general"):
        (tmp_path / "in" / f"{name}.jsonl").write_text("{}\n")
    with pytest.raises(BadInput, match=r"general\.jsonl:1"):
        main(tmp_path / "in", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_stray_item_file_is_refused_and_not_skipped(tmp_path):
    (tmp_path / "other.jsonl").write_text("")
    with pytest.raises(BadInput, match=r"got other\.jsonl"):
        main(tmp_path, tmp_path / "out")
