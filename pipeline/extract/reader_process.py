"""The process that opens untrusted files: `python -m pipeline.extract.reader_process LAKE [CACHE] < requests`.

One JSON request a line on stdin: {"path", "mime", "origin"}; the first line is the params. Answers on stdout:
"." lines while pages pass, then one JSON line: {"records": [...], "pages": [...]} or
{"refused": [reason, evidence]}. Results of OCR are kept in CACHE, see `pipeline.extract.ocr`.
The process has limits on memory and written files and no way to change anything; when it dies, its
parent writes the ledger row.
"""

import json
import os
import resource
import sys
from pathlib import Path
from typing import Any, TextIO

from pipeline.extract.readers import read_records
from pipeline.extract.records import BadRecord, PageRow, Record, Refusal, Source
from pipeline.schema.curate_extract import CurateExtract
from pipeline.schema.documents import document_id

RECURSION = 10_000
"""Levels: trees are at most `max_depth` deep, and a level takes a few calls."""


def main(lake: Path, cache: Path | None) -> None:
    """Answer requests until stdin ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a parser prints is not an answer
    params = CurateExtract.model_validate_json(sys.stdin.readline())
    _confine(params.limits.memory_mb)
    for line in sys.stdin:
        request = json.loads(line)
        _say(answers, json.dumps(_answer(request, lake, cache, params, answers)))


def _confine(memory_mb: int) -> None:
    sys.setrecursionlimit(RECURSION)
    sys.dont_write_bytecode = True
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory_mb << 20, memory_mb << 20))


def _answer(request: dict[str, str], lake: Path, cache: Path | None, params: CurateExtract,
            answers: TextIO) -> dict[str, Any]:
    try:
        data = (lake / request["path"]).read_bytes()
        pages: list[PageRow] = []
        source = Source(request["path"].rsplit("/", 1)[-1], data, request["mime"], params, lambda: _say(answers, "."),
                        request["origin"], cache, pages.append)
        records = [_plain(found, data) for found in read_records(source)]
        return {"records": records, "pages": [row._asdict() for row in pages]}
    except Refusal as verdict:
        return {"refused": [verdict.reason, verdict.evidence]}
    except MemoryError:
        return {"refused": ["limit_exceeded", f"memory_mb {params.limits.memory_mb}"]}
    except Exception as err:  # hostile bytes make parsers throw anything; the class name goes to the ledger
        return {"refused": ["unreadable", type(err).__name__]}


def _plain(found: Record | BadRecord, data: bytes) -> dict[str, Any]:
    if isinstance(found, BadRecord):
        return {"locator": found.locator, "bad": found.evidence}
    fields = found._asdict()
    raw = fields.pop("raw")
    return {"doc_id": document_id(data if raw is None else raw), **fields}


def _say(stream: TextIO, line: str) -> None:
    stream.write(line + "\n")
    stream.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if sys.argv[2:] else None)
