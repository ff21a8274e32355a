import subprocess
import sys

import pytest

from pipeline.extract.isolated import IsolatedReader
from tests.extract.world import PARAMS, write

HANGS = "import time; time.sleep(60)"
DIES = "import os; input(); input(); os.abort()"
DIES_SECOND = ("import os\ninput()\nfor n in range(9):\n path = input()\n if n: os.abort()\n"
               " print('{\"records\": []}', flush=True)")


class Scripted(IsolatedReader):
    """A reader whose process runs a script instead."""

    script = ""
    starts = 0

    def _started(self):
        self.starts += 1
        process = subprocess.Popen([sys.executable, "-c", self.script], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL)
        process.stdin.write(b"{}\n")
        return process


def scripted(tmp_path, script, silence_s=30.0):
    params = PARAMS.model_copy(update={"limits": PARAMS.limits.model_copy(update={"silence_s": silence_s})})
    reader = Scripted(tmp_path, params)
    reader.script = script
    return reader


def test_a_file_that_hangs_its_reader_is_refused_with_the_guards_name(tmp_path):
    with scripted(tmp_path, HANGS, silence_s=0.3) as reader:
        assert reader.read("a", "text/plain")[1:3] == ("limit_exceeded", "silence_s 0.3")


def test_a_file_that_kills_a_fresh_reader_is_refused(tmp_path):
    with scripted(tmp_path, DIES) as reader:
        assert reader.read("a", "text/plain")[1:3] == ("unreadable", "killed its reader (-6)")
        assert reader.starts == 1


def test_a_reader_that_dies_of_an_earlier_file_is_started_again_for_the_next(tmp_path):
    with scripted(tmp_path, DIES_SECOND) as reader:
        assert [reader.read(name, "text/plain").reason for name in "abc"] == ["", "", ""]
        assert reader.starts == 3


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS binds on Linux")
def test_a_reader_answers_for_good_and_bad_files_in_turn(tmp_path):
    lake = write(tmp_path, a__md=b"# A\n\ntext", b__json=b"{", c__md=b"more")
    with IsolatedReader(lake, PARAMS) as reader:
        good, bad, again = (reader.read(*file) for file in
                            (("a.md", "text/markdown"), ("b.json", "application/json"), ("c.md", "text/markdown")))
    assert good.records[0]["text"] == "# A\n\ntext"
    assert (bad.reason, bad.evidence) == ("unreadable", "JSONDecodeError")
    assert again.records[0]["text"] == "more"
