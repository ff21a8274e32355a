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
OLE = "application/x-ole-storage"
"""A compound file: an old office document, a message of Outlook, or a new document under a password."""

SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"PAR1", "application/vnd.apache.parquet"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"GIF8", "image/gif"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLE),
    (b"{\\rtf", "application/rtf"),
    (b"\x1f\x8b", "application/gzip"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"\x7fELF", "application/x-executable"),
)
TEXT_NAMES: dict[str, str] = {
    ".md": "text/markdown", ".markdown": "text/markdown", ".mdx": "text/markdown",
    ".txt": "text/plain", ".text": "text/plain", ".rst": "text/plain",
    ".log": "text/plain", ".adoc": "text/plain", "": "text/plain",
    ".html": "text/html", ".htm": "text/html", ".xhtml": "application/xhtml+xml",
    ".xml": "application/xml", ".cnxml": "application/xml",
    ".json": "application/json", ".jsonl": "application/x-ndjson", ".ndjson": "application/x-ndjson",
    ".csv": "text/csv", ".tsv": "text/tab-separated-values",
    ".eml": "message/rfc822", ".mbox": "application/mbox", ".mbx": "application/mbox",
    ".dita": "application/xml", ".nxml": "application/xml", ".dbk": "application/xml",
}
"""Suffix -> type of a file whose content is text."""
TEMPLATES = frozenset({".tmpl", ".tpl", ".j2", ".jinja", ".jinja2", ".njk", ".liquid", ".mustache", ".hbs"})
"""Suffixes of a template engine; the one before says what is templated."""
MAY_BE_MAIL = frozenset({"", ".txt", ".text", ".msg", ".mail", ".mai"})
"""Suffixes under which mail is kept as often as under its own; others mean what they say."""
PARTS_OF_ZIP: tuple[tuple[str, str], ...] = (
    ("word/document.xml", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xl/workbook.xml", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("ppt/presentation.xml", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
    ("META-INF/container.xml", "application/epub+zip"),
)
COUNTED = re.compile(r"word/document\d+\.xml")
"""How some programs name the main part."""
CONTENT_TYPES = "[content_types].xml"
"""In small letters: names of parts have no case (ECMA-376 part 2, 6.2.2.3)."""
OFFICE_SUFFIXES = frozenset({".docx", ".docm", ".dotx", ".dotm", ".xlsx", ".xlsm", ".xltx", ".xltm", ".pptx", ".pptm",
                             ".potx", ".ppsx", ".ppsm"})
PACKAGE_FOLDERS = ("word/", "xl/", "ppt/", "docProps/", "customXml/", "_rels/")
"""Folders of a package; a file beside them makes an archive without a list of types one of any files."""
DOCX, XLSX, PPTX, EPUB = (mime for _, mime in PARTS_OF_ZIP)
BLANK = b" \t\r\n\f\x00\xef\xbb\xbf"
"""Blanks, and the mark of UTF-8."""
NO_TEXT = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]")
"""Control characters; a program for printers may have put its own before a PDF."""
MAIL = "message/rfc822"
MBOX = "application/mbox"

_MBOX = re.compile(rb"From \S[^\n]*\d\d:\d\d[^\n]*\n[!-9;-~]+:")
"""A separator line of a mailbox (RFC 4155, appendix A) and a header field below it."""
_MAIL = re.compile(
    rb"(?:Return-Path|Received|Delivered-To|Message-ID|DKIM-Signature|MIME-Version|X-[A-Za-z-]+|From|Date|"
    rb"Subject|To):[ \t]",
    re.IGNORECASE)
_HEADER = re.compile(rb"[!-9;-~]+:[^\n]*\n(?:[ \t][^\n]*\n)*")
"""A header field with its folded lines (RFC 5322, 2.2)."""
_FIELDS = (b"from:", b"date:")
"""The two fields that every message has (RFC 5322, 3.6)."""
_HTML = re.compile(rb"\s*(?:<!--(?:(?!-->).)*-->\s*)*(?:<!doctype\s+html|<html[\s>])", re.IGNORECASE | re.DOTALL)
"""A comment ends at its first `-->`: were it free to end at a later one, a page of comments took for ever."""
END_OF_ZIP = 22 + 0xFFFF
"""Most bytes of the end record with its comment."""
MOST_DIRECTORY = 16 << 20
"""Bytes of the directory of an archive that is looked at for its type: 200,000 entries and more."""


def mime_of(name: str, stream: BinaryIO) -> str:
    """The type of a file with this content; text is told apart by the suffix of `name`."""
    head = stream.read(HEAD_BYTES)
    if not head:
        return EMPTY
    for signature, mime in SIGNATURES:
        if head.startswith(signature):
            return mime
    suffix = PurePosixPath(name).suffix.lower()
    if _is_pdf(suffix, head):
        return "application/pdf"
    if head.startswith(b"PK\x03\x04"):
        return _zip_mime(stream, suffix)
    if suffix in TEMPLATES:  # policy.md.tmpl is Markdown with gaps in it
        suffix = PurePosixPath(PurePosixPath(name).stem).suffix.lower() or ".txt"
    return _text_mime(suffix, head)


def _is_pdf(suffix: str, head: bytes) -> bool:
    """Whether the header of a PDF is near the start, and not quoted by a text.

    Before it may stand blanks, in a file of that name anything, else bytes that no text has: then it begins a line, or
    comes after such a byte, and objects follow.
    """
    at = head[:1024].find(b"%PDF-")
    if at < 0:
        return False
    before = head[:at]
    begins = before[-1:] in (b"\n", b"\r") or NO_TEXT.match(before[-1:]) is not None
    return (suffix == ".pdf" or not before.strip(BLANK)
            or (begins and NO_TEXT.search(before) is not None and b" obj" in head[at:]))


def _zip_mime(stream: BinaryIO, suffix: str) -> str:
    """By the names in the directory of the archive; nothing is unpacked."""
    if _directory_bytes(stream) > MOST_DIRECTORY:
        return "application/zip"
    try:
        names = {COUNTED.sub("word/document.xml", name) for name in zipfile.ZipFile(stream).namelist()}
    except Exception:  # a hostile directory makes zipfile throw anything; the reader will say what is wrong
        return "application/zip"
    if "META-INF/container.xml" not in names and suffix not in OFFICE_SUFFIXES and not _is_package(names):
        return "application/zip"
    return next((mime for part, mime in PARTS_OF_ZIP if part in names), "application/zip")


def _is_package(names: set[str]) -> bool:
    """With the list of its types, as every package of Office has it (ECMA-376 part 2, 10.1.2); or a piece of one."""
    seen = [name for name in names if not PurePosixPath(name).name.startswith((".", "__MACOSX"))]
    return CONTENT_TYPES in map(str.lower, names) or all(name.startswith(PACKAGE_FOLDERS) for name in seen)


def _directory_bytes(stream: BinaryIO) -> int:
    """The size that the archive's end states of its directory (APPNOTE.TXT 4.3.16); 0 without an end."""
    size = stream.seek(0, 2)
    stream.seek(max(0, size - END_OF_ZIP))
    end = stream.read()
    at = end.rfind(b"PK\x05\x06")
    return int.from_bytes(end[at + 12:at + 16], "little") if at >= 0 else 0


def _text_mime(suffix: str, head: bytes) -> str:
    utf16 = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    if b"\x00" in head and not utf16:
        return UNKNOWN
    start = head.removeprefix(b"\xef\xbb\xbf")
    if start.startswith(b"<?xml"):
        return "application/xhtml+xml" if b"<html" in start else "application/xml"
    if _HTML.match(start):
        return "text/html"
    if suffix in MAY_BE_MAIL:
        lines = start.replace(b"\r\n", b"\n")
        if _MBOX.match(lines):
            return MBOX
        if _is_mail(lines):
            return MAIL
    return TEXT_NAMES.get(suffix, UNKNOWN)


def _is_mail(head: bytes) -> bool:
    """A block of header fields that names an author and a date."""
    if not _MAIL.match(head):
        return False
    position, fields = 0, []
    while found := _HEADER.match(head, position):
        fields.append(found[0].lower())
        position = found.end()
    return all(any(field.startswith(name) for field in fields) for name in _FIELDS)
