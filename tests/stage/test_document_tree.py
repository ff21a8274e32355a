"""The trees of a stage's products: their secret, their columns, their independence of workers."""

from pathlib import Path

import polars as pl
import pytest

from pipeline.lineage.document_proof import file_identities, lake_file_identity, row_identities
from pipeline.lineage.merkle import Tree
from pipeline.schema.documents import document_id
from pipeline.schema.errors import BadInput
from pipeline.stage import document_tree
from pipeline.stage.document_tree import document_roots, plant
from pipeline.stage.merkle_key import merkle_secret, table_secret

TABLE = "data/curate_mix/documents"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PEDIGREE_KEYS", str(tmp_path / "keys"))
    (tmp_path / "tree").mkdir()
    monkeypatch.chdir(tmp_path / "tree")
    return tmp_path


def write(rows: list[tuple[str, str, str, str]], part: str = "part-00000", path: str = TABLE) -> None:
    Path(path).mkdir(parents=True, exist_ok=True)
    frame = pl.DataFrame(rows, schema=["doc_id", "raw_sha256", "locator", "text"], orient="row")
    frame.with_columns(source=pl.lit("x")).write_parquet(Path(path, f"{part}.parquet"))


ROWS = [(f"{number:016x}", f"{number:064x}", "line 1" if number % 2 else "", f"text {number}") for number in range(9)]


def test_the_secret_is_made_once_and_only_its_owner_may_read_it(folder):
    first = merkle_secret()
    assert merkle_secret() == first
    assert len(first) == 32
    assert [path.name for path in (folder / "keys").iterdir()] == ["merkle.key"]
    assert (folder / "keys/merkle.key").stat().st_mode & 0o777 == 0o600


def test_a_secret_that_others_may_read_or_of_another_length_is_refused(folder):
    merkle_secret()
    (folder / "keys/merkle.key").chmod(0o640)
    with pytest.raises(BadInput, match="chmod 600"):
        merkle_secret()
    (folder / "keys/merkle.key").chmod(0o600)
    (folder / "keys/merkle.key").write_bytes(b"short")
    with pytest.raises(BadInput, match="wanted 32 bytes, got 5"):
        merkle_secret()


def test_no_secret_is_made_inside_the_repository_or_when_none_may_be_made(monkeypatch):
    with pytest.raises(BadInput, match="nothing can be proved"):
        merkle_secret(make=False)
    monkeypatch.setenv("PEDIGREE_KEYS", "keys")
    with pytest.raises(BadInput, match="inside the repository"):
        merkle_secret()


def test_only_tables_of_documents_have_a_tree(folder):
    assert document_roots(["data/pack/rows", "models/sft", "data/curate_mix/ledger", "data/x/y/documents"]) == {}
    assert not (folder / "keys").exists()
    write(ROWS)
    assert list(document_roots(["data/curate_mix/ledger", TABLE])) == [TABLE]


def test_the_tree_has_each_identity_of_each_row_once_however_the_rows_are_parted():
    write(ROWS)
    function, whole = plant(Path(), TABLE, merkle_secret())
    assert function.public == table_secret(merkle_secret(), TABLE).public
    assert set(whole.leaves) == {function.evaluate(identity) for row in ROWS for identity in row_identities(*row)}
    assert len(whole.leaves) == 9 * 2 + 4  # file and text of all, record of the four inside a file
    write(ROWS[:4])
    write(ROWS[2:], "part-00001")
    assert plant(Path(), TABLE, merkle_secret())[1].root == whole.root


def test_many_processes_and_one_give_the_same_tree(monkeypatch):
    write(ROWS)
    alone = plant(Path(), TABLE, merkle_secret())[1]
    monkeypatch.setattr(document_tree, "PARALLEL_FROM", 1)
    monkeypatch.setattr(document_tree, "BATCH", 5)
    assert plant(Path(), TABLE, merkle_secret())[1].leaves == alone.leaves


def test_leaves_of_two_tables_cannot_be_compared():
    write(ROWS)
    write(ROWS, path="data/curate_dedup/documents")
    one, other = (plant(Path(), path, merkle_secret())[1] for path in (TABLE, "data/curate_dedup/documents"))
    assert not set(one.leaves) & set(other.leaves)


def test_a_table_without_a_column_is_named():
    Path(TABLE).mkdir(parents=True)
    pl.DataFrame({"doc_id": ["a"]}).write_parquet(Path(TABLE, "part-00000.parquet"))
    with pytest.raises(BadInput, match="columns doc_id, raw_sha256, locator, text"):
        document_roots([TABLE])
    Path(TABLE, "part-00000.parquet").write_bytes(b"no table")
    with pytest.raises(BadInput, match=r"part-00000.parquet: not a part of a table"):
        document_roots([TABLE])


def test_a_row_without_an_identity_is_named():
    write([(None, "0" * 64, "", "text")])
    with pytest.raises(BadInput, match="a row has no identity"):
        document_roots([TABLE])


def test_an_empty_table_has_the_root_of_no_leaves():
    write([])
    assert plant(Path(), TABLE, merkle_secret())[1].root == Tree([]).root


def test_a_record_of_one_line_is_found_by_the_id_its_reader_gave_it():
    line = b'{"id": 1}'
    row = row_identities(document_id(line), "0" * 64, "line 3", "one")
    for hand in (line, line + b"\n", line + b"\r\n"):
        assert file_identities(hand)["record"] in row
    assert file_identities(b'{"id": 2}')["record"] not in row


def test_identities_of_three_kinds_never_meet():
    digest = "ab" * 32
    assert len({lake_file_identity(digest), *row_identities(digest, digest, "line 1", "x")}) == 3


def test_white_space_and_unicode_form_do_not_hide_a_text():
    row = row_identities("0" * 16, "0" * 64, "", "Caf\u00e9 at\n\nnoon")
    assert file_identities("Cafe\u0301  at noon\n".encode())["text"] in row
    assert file_identities("cafe\u0301 at noon\n".encode())["text"] not in row


def test_a_folder_that_cannot_be_made_is_named(folder, monkeypatch):
    (folder / "file").write_text("in the way")
    monkeypatch.setenv("PEDIGREE_KEYS", str(folder / "file/keys"))
    with pytest.raises(BadInput, match="make the folder writable"):
        merkle_secret()
