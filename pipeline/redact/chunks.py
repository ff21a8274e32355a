"""Cut documents into chunks, analyse each different chunk once, put the finds back in their places."""

import hashlib
import re
from collections.abc import Iterator
from typing import NamedTuple

from pipeline.redact.analyse import Found

BLANK_LINE = r"\n[^\S\n]*\n\s*"
BLANK, BLANK_OR_PAGE = re.compile(BLANK_LINE), re.compile(rf"{BLANK_LINE}|\f")
"""The second is several times as slow: it does not begin with a certain character."""
LONGEST = 4000
"""Characters of a chunk; a longer paragraph is cut at the last line end or blank before it."""


class Chunk(NamedTuple):
    """A paragraph of a document."""

    start: int
    text: str


def chunks(text: str) -> Iterator[Chunk]:
    """Paragraphs in order; what lies between two is blank. Nothing personal is looked for across it."""
    at = 0
    for gap in [*(BLANK_OR_PAGE if "\f" in text else BLANK).finditer(text), None]:
        end = gap.start() if gap else len(text)
        yield from _cut(text, at, end)
        at = gap.end() if gap else end


def chunk_key(text: str) -> bytes:
    """Name of a chunk in the cache: 32 bytes."""
    return hashlib.sha256(text.encode()).digest()


def placed(chunk: Chunk, found: list[Found]) -> list[Found]:
    """Finds of a chunk in characters of its document."""
    return [find._replace(start=find.start + chunk.start, end=find.end + chunk.start) for find in found]


def _cut(text: str, start: int, end: int) -> Iterator[Chunk]:
    while end - start > LONGEST:
        window = text[start : start + LONGEST]
        # a cut at the very start would not move on
        size = max(window.rfind("\n"), window.rfind(" ")) + 1 or LONGEST
        yield Chunk(start, text[start : start + size])
        start += size
    part = text[start:end]
    if part and not part.isspace():
        yield Chunk(start, part)
