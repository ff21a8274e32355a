"""Read untrusted files in a process that may die, and tell what became of each."""

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.extract.hive import told_path
from pipeline.schema.curate_extract import CurateExtract
from pipeline.schema.errors import BadInput

CHUNK = 1 << 20
SIGN_OF_LIFE = b".\n"
"""What a reader writes after each page; an answer begins with "{"."""
TOO_SILENT = signal.SIGALRM
TOO_LONG = signal.SIGUSR1
TOO_MUCH = signal.SIGUSR2
"""End a reader that shows no life, that never ends, that says too much, and tell its deaths apart."""
GUARD_OF = {TOO_SILENT: "silence_s", TOO_LONG: "wall_s", signal.SIGXCPU: "cpu_s"}
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""Work is spread over processes; sums that are split over threads round another way."""
ROOM = 4096
"""Bytes of an answer beside its records."""
LAST_BREATH_S = 10.0
"""Seconds between the end of a reader's output and its own; more and it is killed."""


class Answer(NamedTuple):
    """What became of one file: records, or a refusal."""

    records: list[dict[str, Any]]
    reason: str
    """"" when there are records to look at."""
    evidence: str
    pages: tuple[dict[str, Any], ...] = ()
    """Rows of `pipeline.schema.pages` without the path."""
    by_guard: bool = False
    """The machine had a part in the refusal; another time it may not be refused."""


class IsolatedReader:
    """A reader process, started at the first file and again when one has killed it.

    Args:
        lake: the folder it may read beside its own `folder`, which it may also change.
        ocr_cache: where it may keep results of OCR; None for nowhere.
    """

    def __init__(self, lake: Path, params: CurateExtract, ocr_cache: Path | None = None) -> None:
        self.lake, self.params, self.ocr_cache = lake, params, ocr_cache
        self.process: subprocess.Popen[bytes] | None = None
        self.fresh = True
        self.scratch = tempfile.TemporaryDirectory(prefix="reader-", ignore_cleanup_errors=True)
        self.folder = Path(self.scratch.name)

    def __enter__(self) -> "IsolatedReader":
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        self.scratch.cleanup()

    def read(self, place: Path, file: Mapping[str, Any]) -> Answer:
        """The records of `file`, a row of FILES, which lies at `place`.

        A file is only blamed for the process's death when it kills a fresh one: what was read before
        it must not decide.

        Raises:
            BadInput: the file is not the one that was listed.
        """
        answer = self._ask(place, file)
        if answer.evidence.startswith(("killed", "memory")) and not self.fresh:
            self._stop()
            answer = self._ask(place, file)
        if answer.by_guard:
            self._stop()
        self.fresh = self.process is None
        return answer

    def _ask(self, place: Path, file: Mapping[str, Any]) -> Answer:
        if self.process is None:
            self.process = self._started()
            self.fresh = True
        request = json.dumps({"file": str(place), "path": told_path(file["path"]), "mime": file["mime"],
                              "origin": file["source"]}) + "\n"
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
        if "guard" in found:
            return self._guarded(found["guard"])
        if found["sha256"] != file["sha256"]:
            raise BadInput(file["path"], "changed since it was listed", wanted=file["sha256"], got=found["sha256"],
                           do="run `lake_manifest` again")
        reason, evidence = found.get("refused", ["", ""])
        return Answer(found.get("records", []), reason, evidence, tuple(found.get("pages", [])))

    def _last_line(self, process: subprocess.Popen[bytes]) -> bytes | None:
        """The answer; None when the process ended, or was ended, without one.

        Signs of life start the clock of `silence_s` again, not that of `wall_s`.
        """
        assert process.stdout is not None  # a pipe, see _started
        limits, gathered = self.params.limits, bytearray()
        end = time.monotonic() + limits.wall_s
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            while not gathered.endswith(b"\n") or not gathered.strip(SIGN_OF_LIFE):
                left = end - time.monotonic()
                if left <= 0 or not selector.select(min(limits.silence_s, left)):
                    process.send_signal(TOO_SILENT if end - time.monotonic() > 0 else TOO_LONG)
                    return None
                chunk = os.read(process.stdout.fileno(), CHUNK)
                if not chunk:
                    return None
                gathered += chunk
                if gathered.startswith(SIGN_OF_LIFE):
                    gathered = gathered.lstrip(SIGN_OF_LIFE)
                if len(gathered) > limits.max_answer_bytes + ROOM:
                    process.send_signal(TOO_MUCH)
                    return None
        return bytes(gathered)

    def _buried(self) -> Answer:
        """The verdict on the file that ended the process."""
        assert self.process is not None  # only called after a start
        with suppress(subprocess.TimeoutExpired):  # a reader that only closed its output lives on
            self.process.wait(LAST_BREATH_S)
        code = self._stop()
        if -code in GUARD_OF:
            return self._guarded(GUARD_OF[signal.Signals(-code)])
        if code == -TOO_MUCH:
            return Answer([], "limit_exceeded", f"max_answer_bytes {self.params.limits.max_answer_bytes}")
        return Answer([], "unreadable", f"killed its reader ({code})", by_guard=True)

    def _guarded(self, guard: str) -> Answer:
        return Answer([], "limit_exceeded", f"{guard} {getattr(self.params.limits, guard):g}", by_guard=True)

    def _started(self) -> subprocess.Popen[bytes]:
        own = {"TMPDIR": self.scratch.name, "HOME": self.scratch.name}
        process = subprocess.Popen(
            self._command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=os.environ | ONE_THREAD | own, process_group=0)
        assert process.stdin is not None  # a pipe
        process.stdin.write(self.params.model_dump_json().encode() + b"\n")
        return process

    def _command(self) -> list[str]:
        return [sys.executable, "-m", "pipeline.extract.reader_process", str(self.lake),
                *([str(self.ocr_cache)] if self.ocr_cache else [])]

    def _stop(self) -> int:
        """Its exit code; 0 when there is none to stop."""
        if self.process is None:
            return 0
        with suppress(ProcessLookupError):  # programs that a reader started die with it
            os.killpg(self.process.pid, signal.SIGKILL)
        code = self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with suppress(BrokenPipeError):  # unsent bytes of a dead process
                    stream.close()
        self.process = None
        return code
