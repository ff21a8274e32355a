"""The process that opens untrusted files: `python -m pipeline.extract.reader_process LAKE [CACHE] < requests`.

One JSON request a line on stdin: {"file", "path", "mime", "origin"}; the first line is the params.
Answers on stdout: "." lines while pages pass, then one JSON line (`pipeline.extract.answer`), or
{"guard": name} for a file that ran into a limit of the machine. Results of OCR are kept in CACHE, see
`pipeline.extract.ocr`.

The process may read LAKE, the project's code and the system, write into CACHE and its own temporary
folder, and reach no network (Landlock, where the system has it); it has limits on processor time, memory
and written files. When it dies, its parent writes the ledger row.
"""

import json
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from ctypes import CDLL
from math import ceil
from pathlib import Path
from typing import TextIO

import pipeline
from pipeline.schema.curate_extract import CurateExtract, Limits
from pipeline.stage.landlock import CHANGE, READ, RUN, Right, abi, confine
from pipeline.stage.policy import machine

RECURSION = 10_000
"""Levels: trees are at most `max_depth` deep, and a level takes a few calls."""
PR_SET_PDEATHSIG = 1
"""linux/prctl.h"""


def main(lake: Path, cache: Path | None) -> None:
    """Answer requests until stdin ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a parser prints is not an answer
    params = CurateExtract.model_validate_json(sys.stdin.readline())
    _limit(params.limits)
    if abi():
        confine(dict(_places(lake, cache, params)), tcp=False)
    for line in sys.stdin:
        request = json.loads(line)
        _say(answers, _answer(request, cache, params, answers))


def _limit(limits: Limits) -> None:
    sys.setrecursionlimit(RECURSION)
    sys.dont_write_bytecode = True
    _die_with_parent()
    for kind, most in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_AS, limits.memory_mb << 20),
                       (resource.RLIMIT_FSIZE, limits.max_uncompressed_bytes)):
        resource.setrlimit(kind, (most, most))


def _places(lake: Path, cache: Path | None, params: CurateExtract) -> Iterator[tuple[str, Right]]:
    """What the process may touch, and how."""
    yield from machine()
    yield str(lake.resolve()), READ
    yield str(Path(next(iter(pipeline.__path__))).resolve()), READ
    yield tempfile.gettempdir(), CHANGE
    if cache:
        yield str(cache), CHANGE
    other = params.ocr.nougat_command
    for tool in filter(None, (params.ocr.nougat.model, other.checkpoint)):
        yield tool, READ
    if other.command:  # bin/nougat of a virtual environment
        yield str(Path(other.command).parent.parent), RUN


def _die_with_parent() -> None:
    if sys.platform == "linux":
        CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _answer(request: dict[str, str], cache: Path | None, params: CurateExtract, answers: TextIO) -> str:
    # parsers are imported once the process is confined, and so are the threads that some of them start
    from pipeline.extract.answer import answer_of

    def alive() -> None:
        _wind_up(params.limits.cpu_s)
        _say(answers, ".")

    _wind_up(params.limits.cpu_s)
    try:
        data = Path(request["file"]).read_bytes()
    except OSError as err:
        return json.dumps({"sha256": type(err).__name__})
    try:
        return answer_of(request, data, params, alive, cache)
    except MemoryError:
        return json.dumps({"guard": "memory_mb"})


def _wind_up(cpu_s: int) -> None:
    """From now on the process has `cpu_s` seconds of processor time, then SIGXCPU ends it."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (ceil(time.process_time()) + cpu_s, hard))


def _say(stream: TextIO, line: str) -> None:
    stream.write(line + "\n")
    stream.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if sys.argv[2:] else None)
