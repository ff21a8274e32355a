import hashlib
import os
import select
import sys
from pathlib import Path

import pytest

from pipeline.extract.isolated import IsolatedReader
from pipeline.schema.errors import BadInput
from tests.extract.world import PARAMS, write

FILE = (Path("a"), {"path": "a", "mime": "text/plain", "sha256": "0", "source": "s"})
CHANGED = {"path": "a.md", "mime": "text/markdown", "sha256": "0" * 64, "source": "s"}
HANGS = "import time; time.sleep(60)"
DIES = "import os; input(); input(); os.abort()"
DIES_SECOND = ("import os\ninput()\nfor n in range(9):\n path = input()\n if n: os.abort()\n"
               " print('{\"sha256\": \"0\", \"records\": []}', flush=True)")


class Scripted(IsolatedReader):
    """A reader whose process runs a script instead."""

    script = ""
    starts = 0

    def _started(self):
        self.starts += 1
        return super()._started()

    def _command(self):
        return [sys.executable, "-c", self.script]


def limited(**limits):
    return PARAMS.model_copy(update={"limits": PARAMS.limits.model_copy(update=limits)})


def scripted(tmp_path, script, **limits):
    reader = Scripted(tmp_path, limited(**limits))
    reader.script = script
    return reader


def verdict(answer):
    return answer.reason, answer.evidence, answer.by_guard


def read(reader, lake, name, mime):
    sha256 = hashlib.sha256((lake / name).read_bytes()).hexdigest()
    return reader.read(lake / name, {"path": name, "mime": mime, "sha256": sha256, "source": "s"})


def test_a_file_that_hangs_its_reader_is_refused_with_the_guards_name(tmp_path):
    with scripted(tmp_path, HANGS, silence_s=0.3) as reader:
        assert verdict(reader.read(*FILE)) == ("limit_exceeded", "silence_s 0.3", True)


def test_a_file_that_kills_a_fresh_reader_is_refused(tmp_path):
    with scripted(tmp_path, DIES) as reader:
        assert verdict(reader.read(*FILE)) == ("unreadable", "killed its reader (-6)", True)
        assert reader.starts == 1


def test_a_reader_that_dies_of_an_earlier_file_is_started_again_for_the_next(tmp_path):
    with scripted(tmp_path, DIES_SECOND) as reader:
        assert [reader.read(*FILE).reason for _ in "abc"] == ["", "", ""]
        assert reader.starts == 3


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS binds on Linux")
def test_a_reader_answers_for_good_and_bad_files_in_turn(tmp_path):
    lake = write(tmp_path, a__md=b"# A\n\ntext", b__json=b"{", c__md=b"more")
    with IsolatedReader(lake, PARAMS) as reader:
        good, bad, again = (read(reader, lake, *file) for file in
                            (("a.md", "text/markdown"), ("b.json", "application/json"), ("c.md", "text/markdown")))
    assert good.records[0]["text"] == "# A\n\ntext"
    assert (bad.reason, bad.evidence) == ("unreadable", "JSONDecodeError")
    assert again.records[0]["text"] == "more"


def test_a_reader_that_stays_alive_for_ever_is_ended_all_the_same(tmp_path):
    with scripted(tmp_path, "while True: print('.', flush=True)", wall_s=0.3) as reader:
        assert verdict(reader.read(*FILE)) == ("limit_exceeded", "wall_s 0.3", True)


def test_a_reader_that_never_stops_talking_is_ended(tmp_path):
    with scripted(tmp_path, "while True: print('{' * 5000, end='')", max_answer_bytes=1024) as reader:
        assert verdict(reader.read(*FILE)) == ("limit_exceeded", "max_answer_bytes 1024", False)


def test_a_reader_that_closes_its_output_and_lives_on_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr("pipeline.extract.isolated.LAST_BREATH_S", 0.2)
    with scripted(tmp_path, "import os, time; os.close(1); time.sleep(60)") as reader:
        assert verdict(reader.read(*FILE)) == ("unreadable", "killed its reader (-9)", True)


def test_a_program_that_a_reader_started_dies_with_it(tmp_path):
    os.mkfifo(tmp_path / "held")
    end = os.open(tmp_path / "held", os.O_RDONLY | os.O_NONBLOCK)
    starts = f"""
import subprocess, time
subprocess.Popen(["sleep", "60"], stdout=open({str(tmp_path / 'held')!r}, "w"))
print(".", flush=True)
time.sleep(60)"""
    with scripted(tmp_path, starts, silence_s=0.5) as reader:
        reader.read(*FILE)
    assert select.select([end], [], [], 20.0)[0] == [end]  # its end: nobody holds the other one
    os.close(end)


def test_a_file_that_changed_since_it_was_listed_stops_the_run(tmp_path):
    lake = write(tmp_path, a__md=b"new words")
    with IsolatedReader(lake, PARAMS) as reader, pytest.raises(BadInput, match=r"a\.md: changed since it was listed"):
        reader.read(lake / "a.md", CHANGED)


def test_a_file_that_is_gone_stops_the_run(tmp_path):
    with IsolatedReader(tmp_path, PARAMS) as reader, pytest.raises(BadInput, match="FileNotFoundError"):
        reader.read(tmp_path / "a.md", CHANGED)


HOSTILE = """
import socket, sys
from pathlib import Path
import pipeline.extract.readers as readers
from pipeline.extract import reader_process
from pipeline.extract.records import Record
def hostile(source):
    {body}
    return [Record("did it", None, None, "", None)]
readers.READERS["text/plain"] = hostile
reader_process.main(Path({lake!r}), None)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits and Landlock of Linux")
@pytest.mark.parametrize(("body", "said"), [
    ("\n".join(["while True:", "        pass"]), ("limit_exceeded", "cpu_s 1")),
    ("hoard = [bytes(1 << 20) for _ in range(1 << 12)]", ("limit_exceeded", "memory_mb 1024")),
    ("return [Record('x' * 999, None, None, f'row {n}', b'') for n in range(99)]",
     ("limit_exceeded", "max_answer_bytes 20000")),
    ("Path({lake!r}, 'planted').write_text('x')", ("unreadable", "PermissionError")),
    ("Path.home().joinpath('planted').write_text('x')", ("", "")),
    ("Path({outside!r}).read_text()", ("unreadable", "PermissionError")),
    ("socket.create_connection(('127.0.0.1', 9), 1)", ("unreadable", "PermissionError")),
    ("import ctypes; ctypes.string_at(0)", ("unreadable", "killed its reader (-11)")),
], ids=["processor", "memory", "output", "writes the lake", "writes its own folder", "reads elsewhere", "network",
        "crash"])
def test_what_code_in_a_hostile_file_could_do_ends_in_a_verdict(tmp_path, body, said):
    lake = write(tmp_path / "lake", a__txt=b"words")
    (tmp_path / "outside").write_text("secret")
    body = body.replace("{lake!r}", repr(str(lake))).replace("{outside!r}", repr(str(tmp_path / "outside")))
    script = HOSTILE.format(body=body, lake=str(lake))
    with scripted(lake, script, cpu_s=1, memory_mb=1024, max_answer_bytes=20_000) as reader:
        assert read(reader, lake, "a.txt", "text/plain")[1:3] == said
    assert [path.name for path in lake.iterdir()] == ["a.txt"]
