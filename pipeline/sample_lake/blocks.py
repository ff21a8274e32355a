"""The Markdown our authors use, as blocks that every renderer understands."""

import re
from collections.abc import Iterator
from typing import NamedTuple


class Block(NamedTuple):
    """A heading, paragraph, list item, quotation or table."""

    kind: str
    """heading | paragraph | bullet | number | quote | table"""
    text: str
    """Inline Markdown; "" for a table."""
    level: int = 0
    """Of a heading."""
    cells: tuple[tuple[str, ...], ...] = ()
    """Of a table, header row first."""


class Span(NamedTuple):
    """A stretch of a line in one style."""

    text: str
    style: str
    """"" | bold | italic | code"""


LINE_KINDS = (
    ("bullet", re.compile(r"[-*] +(.*)")),
    ("number", re.compile(r"\d+\. +(.*)")),
    ("quote", re.compile(r"> ?(.*)")),
)
INLINE = re.compile(r"\*\*(?P<bold>[^*]+)\*\*|\*(?P<italic>[^*]+)\*|`(?P<code>[^`]+)`")


def parse(markdown: str) -> list[Block]:
    """Blocks in order; lines of a paragraph are kept apart by a line feed."""
    return [block for chunk in re.split(r"\n\s*\n", markdown.strip()) for block in _parse_chunk(chunk.split("\n"))]


def _parse_chunk(lines: list[str]) -> Iterator[Block]:
    paragraph: list[str] = []
    table = [line for line in lines if line.startswith("|")]
    for line in lines:
        block = _line_block(line)
        if block or line.startswith("|"):
            if paragraph:
                yield Block("paragraph", "\n".join(paragraph))
                paragraph = []
            if block:
                yield block
        else:
            paragraph.append(line)
    if paragraph:
        yield Block("paragraph", "\n".join(paragraph))
    if table:
        yield Block("table", "", cells=_cells(table))


def _line_block(line: str) -> Block | None:
    heading = re.fullmatch(r"(#{1,6}) +(.*)", line)
    if heading:
        return Block("heading", heading[2], len(heading[1]))
    for kind, pattern in LINE_KINDS:
        found = pattern.fullmatch(line)
        if found:
            return Block(kind, found[1])
    return None


def _cells(lines: list[str]) -> tuple[tuple[str, ...], ...]:
    rows = (tuple(cell.strip() for cell in line.strip().strip("|").split("|")) for line in lines)
    return tuple(row for row in rows if not all(re.fullmatch(r":?-+:?", cell) for cell in row))


def spans(text: str) -> Iterator[Span]:
    """Inline Markdown as styled stretches."""
    position = 0
    for found in INLINE.finditer(text):
        if found.start() > position:
            yield Span(text[position:found.start()], "")
        style = str(found.lastgroup)
        yield Span(found[style], style)
        position = found.end()
    if position < len(text):
        yield Span(text[position:], "")


def plain(text: str) -> str:
    """Inline Markdown without its marks."""
    return "".join(span.text for span in spans(text))
