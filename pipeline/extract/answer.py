"""What a reader process says of one file: its records, or a refusal, as JSON.

Everything that decides the answer is in the import closure of this file; `pipeline.extract.answers`
keeps answers under the digest of that code.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pipeline.extract.language import language_of
from pipeline.extract.readers import read_records
from pipeline.extract.records import BadRecord, PageRow, Record, Refusal, Source, limit
from pipeline.schema.curate_extract import CurateExtract
from pipeline.schema.documents import document_id

ALIVE_RECORDS = 1000
"""Records that count as a page for the guards on time."""


def answer_of(request: dict[str, str], data: bytes, params: CurateExtract, alive: Callable[[], None],
              ocr_cache: Path | None) -> str:
    """One line of JSON: {"sha256", "pages": [...], "records": [...]} or {"sha256", "refused": [reason, evidence]}.

    Args:
        request: `path`, the file's `told_path`; `mime`; `origin`, its source.

    Raises:
        MemoryError: memory is a guard, and the caller's. Nothing else in the file makes it raise.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    pages: list[PageRow] = []
    source = Source(request["path"].rsplit("/", 1)[-1], data, request["mime"], params, alive, origin=request["origin"],
                    cache=ocr_cache, page=pages.append, path=request["path"])
    try:
        records = list(_lines(source))
    except MemoryError:
        raise
    except Refusal as verdict:
        return json.dumps({"sha256": sha256, "refused": [verdict.reason, verdict.evidence]})
    except Exception as err:  # hostile bytes make parsers throw anything; the class name goes to the ledger
        return json.dumps({"sha256": sha256, "refused": ["unreadable", type(err).__name__]})
    seen = json.dumps([row._asdict() for row in pages])
    return f'{{"sha256": "{sha256}", "pages": {seen}, "records": [{", ".join(records)}]}}'


def _lines(source: Source) -> Iterator[str]:
    """Every record as JSON, as long as all together are within the limit."""
    size = 0
    for number, found in enumerate(read_records(source), start=1):
        line = json.dumps(_plain(found, source.data, source.params))
        size += len(line) + 2
        limit("max_answer_bytes", size, source.params.limits.max_answer_bytes)
        if number % ALIVE_RECORDS == 0:
            source.alive()
        yield line


def _plain(found: Record | BadRecord, data: bytes, params: CurateExtract) -> dict[str, Any]:
    if isinstance(found, BadRecord):
        return {"locator": found.locator, "bad": found.evidence, "reason": found.reason}
    fields = found._asdict()
    raw = fields.pop("raw")
    language = language_of(found.text, params.language_chars, params.language_min_chars)
    return {"doc_id": document_id(data if raw is None else raw), "language": language, **fields}
