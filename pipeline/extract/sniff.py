"""What kind of file this is: by content first, then by name."""

import re
import zipfile
from pathlib import PurePosixPath
from typing import BinaryIO

HEAD_BYTES = 4096
"""Enough for every signature below; the PDF header may start within the first 1024 bytes (ISO 32000-1, 7.5.2
and note 13 of its Annex H)."""
EMPTY = "application/x-empty"
UNKNOWN = "application/octet-stream"

SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"PAR1", "application/vnd.apache.parquet"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"GIF8", "image/gif"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (b"{\\rtf", "application/rtf"),
    (b"\x1f\x8b", "application/gzip"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"\x7fELF", "application/x-executable"),
)
TEXT_NAMES: dict[str, str] = {
    ".md": "text/markdown", ".markdown": "text/markdown", ".mdx": "text/markdown",
    ".txt": "text/plain", ".text": "text/plain", ".tmpl": "text/plain", ".rst": "text/plain",
    ".log": "text/plain", ".adoc": "text/plain", "": "text/plain",
    ".html": "text/html", ".htm": "text/html", ".xhtml": "application/xhtml+xml",
    ".xml": "application/xml", ".cnxml": "application/xml",
    ".json": "application/json", ".jsonl": "application/x-ndjson", ".ndjson": "application/x-ndjson",
    ".csv": "text/csv", ".tsv": "text/tab-separated-values",
}
"""Suffix -> type of a file whose content is text."""
PARTS_OF_ZIP: tuple[tuple[str, str], ...] = (
    ("word/document.xml", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xl/workbook.xml", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("ppt/presentation.xml", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("META-INF/container.xml", "application/epub+zip"),
)
DOCX = PARTS_OF_ZIP[0][1]

_HTML = re.compile(rb"\s*(<!--.*?-->\s*)*(<!doctype\s+html|<html[\s>])", re.IGNORECASE | re.DOTALL)


def mime_of(name: str, stream: BinaryIO) -> str:
    """The type of a file with this content; text is told apart by the suffix of `name`."""
    head = stream.read(HEAD_BYTES)
    if not head:
        return EMPTY
    for signature, mime in SIGNATURES:
        if head.startswith(signature):
            return mime
    if b"%PDF-" in head[:1024]:
        return "application/pdf"
    if head.startswith(b"PK\x03\x04"):
        return _zip_mime(stream)
    return _text_mime(PurePosixPath(name).suffix.lower(), head)


def _zip_mime(stream: BinaryIO) -> str:
    """By the names in the directory of the archive; nothing is unpacked."""
    try:
        names = set(zipfile.ZipFile(stream).namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return "application/zip"
    return next((mime for part, mime in PARTS_OF_ZIP if part in names), "application/zip")


def _text_mime(suffix: str, head: bytes) -> str:
    utf16 = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    if b"\x00" in head and not utf16:
        return UNKNOWN
    start = head.removeprefix(b"\xef\xbb\xbf")
    if start.startswith(b"<?xml"):
        return "application/xhtml+xml" if b"<html" in start else "application/xml"
    if _HTML.match(start):
        return "text/html"
    return TEXT_NAMES.get(suffix, UNKNOWN)
