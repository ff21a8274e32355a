"""The `documents` table: the only shape in which text crosses a stage.

Key: `doc_id`. Order: by `doc_id`. No column is null except `published`, `language` and `title`.
"""

import hashlib

import polars as pl

DOCUMENTS: dict[str, pl.DataType] = {
    "doc_id": pl.String(),
    "text": pl.String(),
    "source": pl.String(),
    "path": pl.String(),
    "locator": pl.String(),
    "raw_sha256": pl.String(),
    "mime": pl.String(),
    "title": pl.String(),
    "licence": pl.String(),
    "rights_basis": pl.String(),
    "published": pl.String(),
    "language": pl.String(),
}
"""
doc_id        16 hex digits, from content alone (`document_id`); the same text at two paths is one id
text          Markdown: `#` headings, lists, tables; pages separated by a form feed (U+000C)
source        name of the source in lake.yaml
path          relative to the lake's root, POSIX
locator       "" for a whole file, "line 12" / "row 12" for a record inside one
raw_sha256    of the file
published     ISO date, null when unknown
language      ISO 639-1, null when undetermined
A stage may add columns after these; it never drops or retypes one.
"""


def document_id(record: bytes) -> str:
    """Content-derived, location-free id of a raw record (a file's bytes, or one line of it)."""
    return hashlib.sha256(record).hexdigest()[:16]
