import polars as pl
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from pipeline.engine.shards import ShardsFailed
from pipeline.extract.answers import answers_in
from pipeline.extract.shard import ExtractShard
from pipeline.sample_lake.hostile import deep_html, encrypted_pdf
from pipeline.schema.errors import BadInput
from pipeline.schema.execution import Execution
from pipeline.stages import lake_manifest
from pipeline.stages.curate_extract import extract, main
from pipeline.tables.parquet import read_table
from tests.extract.world import PARAMS, docx_bytes, lines, pdf_bytes
from tests.stages.lake_world import RIGHTS, tree

TEXT = "The desk reconciles client assets every morning and signs the record before ten."


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("world")
    lake = root / "lake"
    lake.mkdir()
    files = {
        "a.md": f"---\ntitle: A\npublished: 2025-01-01\n---\n{TEXT}".encode(), "b_copy.txt": b"x" * 5 + TEXT.encode(),
        "b.txt": b"x" * 5 + TEXT.encode(), "c.docx": docx_bytes(lambda document: document.add_paragraph(TEXT)),
        "d.pdf": pdf_bytes(lambda canvas: lines(canvas, TEXT)), "e.html": f"<html><p>{TEXT}</p></html>".encode(),
        "f.jsonl": b'{"text": "first record"}\nbroken\n{"text": "first record"}\n', "g.pdf": b"%PDF-1.4 cut",
        "h.pdf": encrypted_pdf(), "i.bin": b"\x00\x01", "j.md": b" \n", "k.html": deep_html(), "l.pdf": b"",
    }
    for name, data in files.items():
        (lake / name).write_bytes(data)
    (root / "lake.yaml").write_text(RIGHTS)
    lake_manifest.main(lake, root / "lake.yaml", root / "files")
    return root


def execution_of(workers):
    return Execution(engine="local", workers=workers, shards_per_worker=1, ray_address="local",
                     slurm_partition="cpu", slurm_time="1:00", slurm_mem_per_cpu_gb=1, slurm_poll_s=1.0)


def run(world, name, workers, cache=""):
    out = world / name
    extract(world / "lake", world / "files", out / "documents", out / "ledger", out / "pages", PARAMS,
            execution_of(workers), world / (cache or f"cache of {name}"))
    return out


def test_one_two_and_eight_workers_write_the_same_bytes(world):
    one = tree(run(world, "one", 1))
    assert one == tree(run(world, "two", 2)) == tree(run(world, "eight", 8))


def test_every_file_becomes_a_document_or_a_row_that_says_why_not(world):
    out = run(world, "run", 1)
    rows = read_table(out / "ledger").iter_rows(named=True)
    ledger = {row["input_id"]: (row["decision"], row["reason"]) for row in rows}
    assert ledger == {
        "a.md": ("keep", "ok"), "b.txt": ("keep", "ok"), "b_copy.txt": ("merge", "same_bytes"),
        "c.docx": ("keep", "ok"),
        "d.pdf": ("keep", "ok"), "e.html": ("keep", "ok"), "f.jsonl": ("split", "records"),
        "f.jsonl#line 1": ("keep", "ok"), "f.jsonl#line 2": ("drop", "bad_record"),
        "f.jsonl#line 3": ("merge", "same_bytes"), "g.pdf": ("drop", "unreadable"), "h.pdf": ("drop", "encrypted"),
        "i.bin": ("drop", "unsupported_type"), "j.md": ("drop", "no_text"), "k.html": ("drop", "limit_exceeded"),
        "l.pdf": ("drop", "unreadable")}
    documents = read_table(out / "documents")
    assert documents.filter(path="d.pdf")["text"].item() == TEXT
    assert documents.filter(path="a.md").select("title", "published", "language").row(0) == ("A", "2025-01-01", "en")
    assert documents.filter(path="b.txt")["published"].item() == "2024-01-01"
    assert documents.filter(path="f.jsonl")["language"].item() is None


def test_no_text_of_a_document_is_in_the_ledger(world):
    ledger = read_table(run(world, "ledger_only", 1) / "ledger")
    assert not [cell for row in ledger.iter_rows() for cell in row if isinstance(cell, str) and "reconciles" in cell]


def test_a_warm_cache_a_damaged_one_and_a_half_one_write_the_same_bytes(world, capfd):
    cold = tree(run(world, "cold", 1, "kept"))
    entries = sorted((world / "kept").glob("answers/*/??/*"))
    assert tree(run(world, "warm", 2, "kept")) == cold
    assert "13 files: 13 read before, 0 read now" in capfd.readouterr().err
    entries[0].write_bytes(entries[0].read_bytes()[:-9])
    entries[1].write_bytes(entries[2].read_bytes())
    entries[3].unlink()
    assert tree(run(world, "damaged", 1, "kept")) == cold
    assert "10 read before, 1 read now, 2 read again" in capfd.readouterr().err
    assert sorted((world / "kept").glob("answers/*/??/*")) == entries


def test_a_run_with_a_warm_cache_starts_no_reader(world, monkeypatch):
    run(world, "first", 1, "kept by the first")
    monkeypatch.setattr("pipeline.extract.isolated.IsolatedReader._started", lambda _: 1 / 0)
    run(world, "again", 1, "kept by the first")


def test_a_killed_run_goes_on_with_what_it_had_read(world, monkeypatch, capfd):
    monkeypatch.setattr("pipeline.stages.curate_extract.merged", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run(world, "killed", 1, "kept by the killed")
    monkeypatch.undo()
    capfd.readouterr()
    assert tree(run(world, "resumed", 1, "kept by the killed")) == tree(run(world, "whole", 1))
    assert "13 read before, 0 read now" in capfd.readouterr().err


def test_a_file_over_the_limit_is_refused_unread(world, tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.extract.isolated.IsolatedReader._started", lambda _: 1 / 0)
    params = PARAMS.model_copy(update={"limits": PARAMS.limits.model_copy(update={"max_file_bytes": 0})})
    listed = read_table(world / "files")
    work = ExtractShard(str(world / "lake"), params, answers_in(tmp_path, params, {}), "")
    ledger = work(listed.filter(pl.col("bytes") > 0), lambda: None)["ledger"]
    assert set(ledger["evidence"]) == {"max_file_bytes 0"}


def test_a_remote_lake_gives_the_documents_of_the_same_folder(world, tmp_path):
    store = MemoryFileSystem()
    store.put(f"{world / 'lake'}/", "/remote/", recursive=True)
    (tmp_path / "remote.yaml").write_text("{url: memory://remote, options: {}, listed: '2026-01-01'}")
    lake_manifest.main(tmp_path / "remote.yaml", world / "lake.yaml", tmp_path / "files")
    extract(tmp_path / "remote.yaml", tmp_path / "files", tmp_path / "documents", tmp_path / "ledger",
            tmp_path / "pages", PARAMS, execution_of(1), tmp_path / "cache")
    local = run(world, "local", 1)
    assert tree(tmp_path / "documents") == tree(local / "documents")
    assert tree(tmp_path / "ledger") == tree(local / "ledger")
    store.rm("/remote", recursive=True)


def test_a_failed_run_leaves_no_output(world, monkeypatch):
    monkeypatch.setattr("pipeline.extract.shard.judged", lambda *_: 1 / 0)
    with pytest.raises(ShardsFailed, match="ZeroDivisionError"):
        run(world, "failed", 1)
    assert tree(world / "failed") == {}


def test_every_page_of_a_file_that_was_read_has_a_row_that_says_how(world):
    pages = read_table(run(world, "pages_only", 1) / "pages")
    assert [tuple(row) for row in pages.select("path", "locator", "page", "decision", "engine").iter_rows()] == [
        ("d.pdf", "", 1, "text", "layer")]
    assert pages["score"].item() > 0.9


def test_an_engine_that_is_not_there_stops_the_stage_before_it_reads(world, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    params = PARAMS.model_copy(update={"ocr": PARAMS.ocr.model_copy(update={"engine": "tesseract"})})
    with pytest.raises(BadInput, match="tesseract, which is not installed"):
        main(world / "lake", world / "files", tmp_path / "d", tmp_path / "l", tmp_path / "p", params)
    assert list(tmp_path.iterdir()) == []


def test_an_engine_for_a_source_the_lake_does_not_have_is_refused(world, tmp_path):
    params = PARAMS.model_copy(update={"ocr": PARAMS.ocr.model_copy(update={"engines": {"scans": "rapidocr"}})})
    with pytest.raises(BadInput, match=r"unknown sources.*got `curate_extract\.ocr\.engines` names scans"):
        extract(world / "lake", world / "files", tmp_path / "documents", tmp_path / "ledger", tmp_path / "pages",
                params, execution_of(1), tmp_path / "cache")
