"""Read untrusted files in a process that may die, and tell what became of each."""

import json
import os
import selectors
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.schema.curate_extract import CurateExtract

CHUNK = 1 << 20
SIGN_OF_LIFE = b".\n"
"""What a reader writes after each page; an answer begins with "{"."""
TOO_SILENT = signal.SIGALRM
"""Ends a reader that shows no life, and tells this death from others."""
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""Work is spread over processes; sums that are split over threads round another way."""


class Answer(NamedTuple):
    """What became of one file: records, or a refusal."""

    records: list[dict[str, Any]]
    reason: str
    """"" when there are records to look at."""
    evidence: str
    pages: tuple[dict[str, Any], ...] = ()
    """Rows of `pipeline.schema.pages` without the path."""


class IsolatedReader:
    """A reader process for the files of `lake`, started again whenever a file has killed it."""

    def __init__(self, lake: Path, params: CurateExtract, cache: Path | None = None) -> None:
        self.lake, self.params, self.cache = lake, params, cache
        self.process: subprocess.Popen[bytes] | None = None
        self.fresh = True

    def __enter__(self) -> "IsolatedReader":
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def read(self, path: str, mime: str, origin: str = "") -> Answer:
        """The records of `path`, a file of the source `origin`.

        A file is only blamed for the process's death when it kills a fresh one: what was read before
        it must not decide.
        """
        answer = self._ask(path, mime, origin)
        if answer.evidence.startswith(("killed", "memory")) and not self.fresh:
            self._stop()
            answer = self._ask(path, mime, origin)
        if answer.evidence.startswith("memory"):
            self._stop()
        self.fresh = self.process is None
        return answer

    def _ask(self, path: str, mime: str, origin: str) -> Answer:
        if self.process is None:
            self.process = self._started()
            self.fresh = True
        request = json.dumps({"path": path, "mime": mime, "origin": origin}) + "\n"
        assert self.process.stdin is not None  # a pipe, see _started
        try:
            self.process.stdin.write(request.encode())
            self.process.stdin.flush()
            line = self._last_line(self.process)
        except BrokenPipeError:
            line = None
        if line is None:
            return self._buried()
        found = json.loads(line)
        reason, evidence = found.get("refused", ["", ""])
        return Answer(found.get("records", []), reason, evidence, tuple(found.get("pages", [])))

    def _last_line(self, process: subprocess.Popen[bytes]) -> bytes | None:
        """The answer; None when the process ended without one.

        Signs of life start the clock again.
        """
        assert process.stdout is not None  # a pipe, see _started
        gathered = bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while not gathered.endswith(b"\n") or not gathered.strip(SIGN_OF_LIFE):
                if not selector.select(self.params.limits.silence_s):
                    process.send_signal(TOO_SILENT)
                    return None
                chunk = os.read(process.stdout.fileno(), CHUNK)
                if not chunk:
                    return None
                gathered += chunk
        return bytes(gathered.lstrip(SIGN_OF_LIFE))

    def _buried(self) -> Answer:
        """The verdict on the file that ended the process."""
        assert self.process is not None  # only called after a start
        code = self.process.wait()
        self._stop()
        if code == -TOO_SILENT:
            return Answer([], "limit_exceeded", f"silence_s {self.params.limits.silence_s:g}")
        return Answer([], "unreadable", f"killed its reader ({code})")

    def _started(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline.extract.reader_process", str(self.lake),
             *([str(self.cache)] if self.cache else [])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=os.environ | ONE_THREAD)
        assert process.stdin is not None  # a pipe
        process.stdin.write(self.params.model_dump_json().encode() + b"\n")
        return process

    def _stop(self) -> None:
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):  # unsent bytes of a dead process
                    stream.close()
        self.process = None
