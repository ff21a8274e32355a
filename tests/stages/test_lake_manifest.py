import hashlib
import os

import pytest

from pipeline.schema.errors import BadInput
from pipeline.stages.lake_manifest import main
from pipeline.tables.parquet import read_table
from tests.stages.lake_world import RIGHTS, tree


@pytest.fixture
def lake(tmp_path):
    folder = tmp_path / "lake"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "one.md").write_bytes(b"# One")
    (folder / "a" / "wrong.md").write_bytes(b"%PDF-1.4")
    (folder / "two.jsonl").write_bytes(b"{}")
    (tmp_path / "lake.yaml").write_text(RIGHTS)
    return folder


def run(lake, name="files"):
    main(lake, lake.parent / "lake.yaml", lake.parent / name)
    return lake.parent / name


def test_every_file_is_listed_with_its_hash_type_and_rights(lake):
    table = read_table(run(lake))
    assert table["path"].to_list() == ["a/one.md", "a/wrong.md", "two.jsonl"]
    assert table["mime"].to_list() == ["text/markdown", "application/pdf", "application/x-ndjson"]
    row = table.row(0, named=True)
    assert row["sha256"] == hashlib.sha256(b"# One").hexdigest()
    assert (row["source"], row["licence"], row["bytes"], row["published"]) == ("all", "CC0-1.0", 5, "2024-01-01")


def test_same_inputs_same_bytes(lake):
    assert tree(run(lake, "one")) == tree(run(lake, "two"))


def test_a_file_without_rights_stops_the_run_and_leaves_no_output(lake):
    (lake.parent / "lake.yaml").write_text(RIGHTS.replace("**", "a/**"))
    with pytest.raises(BadInput, match=r"1 file\(s\) without a rights entry, got two.jsonl"):
        run(lake)
    assert not (lake.parent / "files").exists()


def test_an_empty_lake_says_so(lake):
    for path in sorted(lake.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    with pytest.raises(BadInput, match="the lake is empty"):
        run(lake)


def test_a_missing_lake_says_so(lake):
    with pytest.raises(BadInput, match="is not a folder"):
        main(lake / "none", lake.parent / "lake.yaml", lake.parent / "files")


def test_a_symbolic_link_is_refused_by_name(lake):
    (lake / "link.md").symlink_to(lake / "two.jsonl")
    with pytest.raises(BadInput, match=r"link\.md: is a symbolic link"):
        run(lake)


def test_a_name_that_is_not_utf_8_is_refused(lake):
    with open(os.path.join(os.fsencode(lake), b"\xff.md"), "wb"):
        pass
    with pytest.raises(BadInput, match="not UTF-8"):
        run(lake)
