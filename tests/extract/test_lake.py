import os
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from pipeline.extract.lake import Listed, open_lake
from pipeline.extract.manifest import check_names, files_table
from pipeline.extract.rights import load_rights
from pipeline.schema.errors import BadInput
from tests.stages.lake_world import RIGHTS


class QuietHandler(SimpleHTTPRequestHandler):
    """Says nothing on stderr."""

    def log_message(self, *_):
        pass


POINTER = "url: {url}\noptions: {options}\nlisted: '2026-02-01'\n"


def pointer(folder, url="memory://lake", options="{}"):
    path = folder / "remote.yaml"
    path.write_text(POINTER.format(url=url, options=options))
    return path


@pytest.fixture
def store():
    files = MemoryFileSystem()
    for name, data in {"b.md": b"# B", "a/one.md": b"# One", "a/no.docx": b"PK\x03\x04 cut"}.items():
        files.pipe_file(f"/lake/{name}", data)
    yield files
    files.rm("/lake", recursive=True)


def rights(folder):
    (folder / "lake.yaml").write_text(RIGHTS)
    return load_rights(folder / "lake.yaml")


def test_a_remote_lake_is_listed_as_the_same_folder_is(tmp_path, store):
    for path in store.find("/lake"):
        local = tmp_path / "folder" / path.removeprefix("/lake/")
        local.parent.mkdir(parents=True, exist_ok=True)
        local.write_bytes(store.cat_file(path))
    remote = files_table(open_lake(pointer(tmp_path)), rights(tmp_path))
    assert remote.equals(files_table(open_lake(tmp_path / "folder"), rights(tmp_path)))
    assert remote["path"].to_list() == ["a/no.docx", "a/one.md", "b.md"]
    assert remote["mime"].to_list() == ["application/zip", "text/markdown", "text/markdown"]


def test_a_lake_behind_a_web_server_is_listed_as_the_same_folder_is(tmp_path):
    folder = tmp_path / "lake"
    (folder / "a").mkdir(parents=True)
    for name in ("a/one.md", "two.txt"):
        (folder / name).write_bytes(name.encode())
    serve = partial(QuietHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        lake = open_lake(pointer(tmp_path, f"http://127.0.0.1:{server.server_port}/lake/"))
        remote = files_table(lake, rights(tmp_path))
        with lake.placed(Listed("a/one.md", ""), tmp_path) as place:
            assert place.read_bytes() == b"a/one.md"
        server.shutdown()
    assert remote.equals(files_table(open_lake(folder), rights(tmp_path)))


def test_an_object_is_placed_under_a_name_that_stays_in_the_folder(tmp_path, store):
    store.pipe_file("/lake/a/../../climbs.md", b"words")
    lake = open_lake(pointer(tmp_path))
    with lake.placed(Listed("a/../../climbs.md", ""), tmp_path) as place:
        assert (place.parent, place.read_bytes()) == (tmp_path, b"words")
    assert not place.exists()


def test_a_store_that_calls_its_contents_something_pins_that_name(tmp_path, store, monkeypatch):
    found = {"/lake/a.md": {"size": 3, "type": "file", "ETag": '"abc"', "VersionId": None},
             "/lake/b.md": {"size": 3, "type": "file", "ETag": '"def"', "VersionId": "v2"},
             "/lake/sub": {"size": 0, "type": "directory"}}
    monkeypatch.setattr(MemoryFileSystem, "find", lambda *_, **__: found)
    assert open_lake(pointer(tmp_path)).listed() == [Listed("a.md", "abc"), Listed("b.md", "v2")]


def test_the_version_that_was_listed_is_the_one_that_is_read(tmp_path, store, monkeypatch):
    asked = []
    monkeypatch.setattr(MemoryFileSystem, "version_aware", True, raising=False)
    monkeypatch.setattr(MemoryFileSystem, "open", lambda _, path, mode, **how: asked.append((path, how)))
    open_lake(pointer(tmp_path)).opened(Listed("b.md", "v2"))
    assert asked == [("/lake/b.md", {"version_id": "v2"})]


@pytest.mark.parametrize(("url", "options", "said"), [
    ("nonsense://x", "{}", "file system is not installed|cannot be opened"),
    ("no address", "{}", "`url`"),
    ("s3://bucket", "{secret: abc}", "secret: credentials belong in the environment"),
    ("memory://nothing-here", "{}", "cannot be listed|the lake is empty"),
    ("https://127.0.0.1:9/x/", "{}", "cannot be listed|the lake is empty"),
], ids=["unknown", "no url", "credential", "empty", "unreachable"])
def test_a_remote_lake_that_cannot_be_used_says_why(tmp_path, url, options, said):
    with pytest.raises(BadInput, match=said):
        files_table(open_lake(pointer(tmp_path, url, options)), rights(tmp_path))


def test_a_lake_that_is_neither_a_folder_nor_a_pointer_says_so(tmp_path):
    (tmp_path / "lake.txt").write_text("x")
    for name in ("lake.txt", "none.yaml"):
        with pytest.raises(BadInput, match="is not a folder"):
            open_lake(tmp_path / name)


@pytest.mark.parametrize("paths", [["a.jsonl", "a.jsonl#line 1"], ["a#b", "a#b#row 2"]])
def test_a_name_that_reads_like_a_record_of_another_file_is_refused(paths):
    with pytest.raises(BadInput, match="reads like a record"):
        check_names(paths, "lake")


def test_a_name_with_a_number_sign_is_no_harm_by_itself():
    check_names(["c#.md", "d.md"], "lake")


def test_a_file_that_cannot_be_read_stops_the_run(tmp_path, monkeypatch):
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "pipe").write_bytes(b"")
    monkeypatch.setattr("pipeline.extract.lake.Folder.opened", lambda *_: os.open("/none/at/all", os.O_RDONLY))
    with pytest.raises(BadInput, match=r"pipe: cannot be read \(No such file or directory\)"):
        files_table(open_lake(tmp_path / "lake"), rights(tmp_path))
