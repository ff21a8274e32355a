import polars as pl
import pytest

from pipeline.redact import wanted as module
from pipeline.redact.chunks import chunk_key
from pipeline.redact.shard import CHUNKS, FINDS
from pipeline.redact.wanted import looked_up, wanted_chunks
from pipeline.schema.documents import DOCUMENTS
from pipeline.tables.parquet import table_parts
from pipeline.tables.runs import RunWriter

COMMON = "A paragraph of every document."


@pytest.fixture
def documents(tmp_path):
    """Three parts of two documents; each document has a paragraph of its own, a common one and a common title."""
    folder = tmp_path / "documents"
    folder.mkdir()
    for part in range(3):
        rows = [{**dict.fromkeys(DOCUMENTS, ""), "doc_id": f"{part}{place}", "title": "A title" if place else None,
                 "text": f"Own to {part}{place}, as no other is.\n\n{COMMON}"} for place in range(2)]
        pl.DataFrame(rows, schema=DOCUMENTS).write_parquet(folder / f"part-{part:05d}.parquet")
    assert len(table_parts(folder)) == 3
    return folder


def kept_run(path, texts):
    rows = [(chunk_key(text), f"[{len(text)}]") for text in texts]
    with RunWriter(path, FINDS) as writer:
        writer.write(pl.DataFrame(rows, schema=FINDS, orient="row").sort("key"))
    return path


def new_texts(wanted):
    return [text for part in wanted.parts["part"] for text in pl.read_parquet(part, columns=list(CHUNKS))["text"]]


def test_a_chunk_of_several_parts_is_wanted_once(documents, tmp_path):
    with wanted_chunks(documents, tmp_path / "cache.parquet", [], 4) as wanted:
        texts = new_texts(wanted)
        assert wanted.total == len(texts) == len(set(texts)) == 8
        assert {COMMON, "A title", "Own to 21, as no other is."} <= set(texts)
        assert [chunk_key(text) for text in texts] == sorted(map(chunk_key, texts))
        assert pl.read_parquet(wanted.known).height == 0
    assert not list(tmp_path.glob(".cache*"))


def test_what_a_cache_knows_is_not_new_and_what_it_knows_beside_is_left_out(documents, tmp_path):
    kept = kept_run(tmp_path / "kept.parquet", [COMMON, "Own to 00, as no other is.", "Of a document that is gone."])
    with wanted_chunks(documents, tmp_path / "cache.parquet", [kept], 4) as wanted:
        known = dict(pl.read_parquet(wanted.known).iter_rows())
        assert known == {chunk_key(text): f"[{len(text)}]" for text in (COMMON, "Own to 00, as no other is.")}
        assert wanted.total == 8
        assert len(new_texts(wanted)) == 6


@pytest.mark.parametrize("shards", [1, 3, 100])
def test_new_chunks_are_cut_so_that_every_shard_gets_some(documents, tmp_path, shards):
    with wanted_chunks(documents, tmp_path / "cache.parquet", [], shards) as wanted:
        assert wanted.parts.height >= min(shards, 8)
        assert wanted.parts["bytes"].sum() == sum(len(text) for text in new_texts(wanted))


def test_the_files_of_a_killed_run_are_made_again_with_the_same_bytes(documents, tmp_path):
    def made():
        with wanted_chunks(documents, tmp_path / "cache.parquet", [], 2) as wanted:
            return {part: open(part, "rb").read() for part in wanted.parts["part"]}

    first = made()
    stray = tmp_path / ".cache.parquet.partial" / "chunks" / "new"
    stray.mkdir(parents=True)
    (stray / "part-00077.parquet").write_bytes(b"left by a killed run")
    assert made() == first


def test_a_merge_holds_a_few_chunks_of_each_run(documents, tmp_path, monkeypatch):
    heights = []

    def noted(*runs):
        for rows in looked_up(*runs):
            heights.append(rows.height)
            yield rows

    monkeypatch.setattr(module, "GROUP_ROWS", 1)
    monkeypatch.setattr(module, "looked_up", noted)
    with wanted_chunks(documents, tmp_path / "cache.parquet", [], 1) as wanted:
        assert sum(heights) == len(new_texts(wanted)) == 8
        assert max(heights) <= 3  # a row of each run
        assert wanted.parts.height == 1  # what comes in small pieces is put together
