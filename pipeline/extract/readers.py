"""One reader per type, and what every reader's result has to meet."""

import re
from collections.abc import Iterator
from datetime import date
from io import BytesIO

from pipeline.extract.archive import read_zip
from pipeline.extract.docx import read_docx
from pipeline.extract.epub import read_epub
from pipeline.extract.hive import read_parquet_in_partition
from pipeline.extract.html import read_html
from pipeline.extract.images import read_image
from pipeline.extract.mail import read_mailbox, read_message
from pipeline.extract.office import is_sealed
from pipeline.extract.pdf import read_pdf
from pipeline.extract.plain import read_text
from pipeline.extract.pptx import read_pptx
from pipeline.extract.records import BadRecord, Budget, Member, PageRow, Reader, Record, Refusal, Source, limit
from pipeline.extract.rows import read_csv, read_json, read_jsonl
from pipeline.extract.sniff import DOCX, EMPTY, EPUB, OLE, PPTX, XLSX, mime_of
from pipeline.extract.text import CONTROL
from pipeline.extract.xlsx import read_xlsx
from pipeline.extract.xml import read_xml

READERS: dict[str, Reader] = {
    "application/pdf": read_pdf,
    DOCX: read_docx,
    PPTX: read_pptx,
    XLSX: read_xlsx,
    EPUB: read_epub,
    "application/zip": read_zip,
    "message/rfc822": read_message,
    "application/mbox": read_mailbox,
    "text/html": read_html,
    "application/xhtml+xml": read_html,
    "application/xml": read_xml,
    "text/markdown": read_text,
    "text/plain": read_text,
    "application/json": read_json,
    "application/x-ndjson": read_jsonl,
    "text/csv": read_csv,
    "text/tab-separated-values": read_csv,
    "application/vnd.apache.parquet": read_parquet_in_partition,
    "image/png": read_image,
    "image/jpeg": read_image,
    "image/tiff": read_image,
}
DATED_WITHIN = 2000
"""Characters from the start in which a date of publication is looked for."""


def read_records(source: Source) -> Iterator[Record | BadRecord]:
    """Every record of a file, tidied.

    Raises:
        Refusal: the type has no reader, the file is over a limit, damaged or without text.
        Exception: whatever a parser throws at hostile bytes; the caller turns it into `unreadable`.
    """
    limits = source.params.limits
    limit("max_file_bytes", len(source.data), limits.max_file_bytes)
    if source.budget is None:
        source = source._replace(budget=Budget(limits.max_uncompressed_bytes))
    if source.mime == EMPTY:
        raise Refusal("unreadable", "zero bytes")
    reader = READERS.get(source.mime)
    if reader is None:
        if source.mime == OLE and is_sealed(source.data):
            raise Refusal("encrypted")
        raise Refusal("unsupported_type", source.mime)
    for found in reader(source):
        if isinstance(found, Member):
            yield from _packed(found, source)
        elif isinstance(found, BadRecord):
            yield found
        else:
            yield _tidied(found, source)


def _packed(member: Member, source: Source) -> list[Record | BadRecord]:
    """The records of a packed file; what is wrong with it is a row of its own and spoils no other."""
    deepest = source.params.limits.max_nesting
    if source.depth >= deepest:
        return [BadRecord(member.locator, f"max_nesting {deepest}", "limit_exceeded")]

    def page(row: PageRow) -> None:
        source.page(row._replace(locator=_within(member, row.locator)))

    inner = source._replace(name=member.name, data=member.data, mime=mime_of(member.name, BytesIO(member.data)),
                            depth=source.depth + 1, page=page)
    try:
        found = list(read_records(inner))
    except Refusal as verdict:
        return [BadRecord(member.locator, verdict.evidence, verdict.reason)]
    except MemoryError:  # a verdict on the whole file: the guard is on the process
        raise
    except Exception as err:  # hostile bytes make parsers throw anything, see `reader_process`
        return [BadRecord(member.locator, type(err).__name__, "unreadable")]
    source.alive()
    return [_placed(item, member) for item in found] or [BadRecord(member.locator, "", "no_text")]


def _placed(found: Record | BadRecord, member: Member) -> Record | BadRecord:
    """With its place in the outer file, and with the bytes it would be known by outside of it."""
    locator = _within(member, found.locator)
    if isinstance(found, BadRecord):
        return found._replace(locator=locator)
    return found._replace(locator=locator, raw=member.data if found.raw is None else found.raw)


def _within(member: Member, locator: str) -> str:
    return f"{member.locator}, {locator}" if locator else member.locator


def _tidied(record: Record, source: Source) -> Record:
    limit("max_chars", len(record.text), source.params.limits.max_chars)
    text = tidy(record.text)
    published = record.published or _date_in(text[:DATED_WITHIN], source.params.published_patterns)
    title = " ".join(tidy(record.title).split()) if record.title else None
    return record._replace(text=text, title=title or None, published=published)


def tidy(text: str) -> str:
    """No control characters, no lone surrogates, no blanks at line ends, at most one blank line."""
    text = CONTROL.sub("", text).encode("utf-8", "replace").decode()
    text = "\n".join(line.rstrip(" \t\xa0") for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n ")


def _date_in(text: str, patterns: list[str]) -> str | None:
    return next((found[1] for pattern in patterns for found in re.finditer(pattern, text) if _is_date(found[1])), None)


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:  # a month 13
        return False
    return True
