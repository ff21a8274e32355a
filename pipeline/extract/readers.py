"""One reader per type, and what every reader's result has to meet."""

import re
from collections.abc import Iterator

from pipeline.extract.docx import read_docx
from pipeline.extract.hive import read_parquet_in_partition
from pipeline.extract.html import read_html
from pipeline.extract.images import read_image
from pipeline.extract.pdf import read_pdf
from pipeline.extract.records import BadRecord, Reader, Record, Refusal, Source, limit
from pipeline.extract.rows import read_csv, read_json, read_jsonl
from pipeline.extract.sniff import DOCX, EMPTY
from pipeline.extract.text import CONTROL, read_text
from pipeline.extract.xml import read_xml

READERS: dict[str, Reader] = {
    "application/pdf": read_pdf,
    DOCX: read_docx,
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
    limit("max_file_bytes", len(source.data), source.params.limits.max_file_bytes)
    if source.mime == EMPTY:
        raise Refusal("unreadable", "zero bytes")
    reader = READERS.get(source.mime)
    if reader is None:
        raise Refusal("unsupported_type", source.mime)
    for found in reader(source):
        yield found if isinstance(found, BadRecord) else _tidied(found, source)


def _tidied(record: Record, source: Source) -> Record:
    limit("max_chars", len(record.text), source.params.limits.max_chars)
    text = tidy(record.text)
    published = record.published or _date_in(text[:DATED_WITHIN], source.params.published_patterns)
    title = " ".join(tidy(record.title).split()) if record.title else None
    return record._replace(text=text, title=title or None, published=published)


def tidy(text: str) -> str:
    """No control characters, no lone surrogates, no blanks at line ends, at most one blank line."""
    text = CONTROL.sub("", text).encode("utf-8", "replace").decode()
    text = re.sub(r"[ \t\xa0]+$", "", text, flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n ")


def _date_in(text: str, patterns: list[str]) -> str | None:
    return next((found[1] for pattern in patterns if (found := re.search(pattern, text))), None)
