"""Pages of blocks to Markdown: running heads out, headings by size, a form feed between pages."""

import re
from collections import Counter
from typing import NamedTuple

from pipeline.extract.page import Block, Piece, rows, table_rows
from pipeline.schema.curate_extract import Layout

PAGE_BREAK = "\f"
MOST_LEVELS = 4
"""Sizes of heading told apart."""
LONGEST_HEADING = 160
"""Characters; a longer block in large type is a paragraph in large type."""
NUMBERED = re.compile(r"(?:\d+|[A-Z])(?:\.\d+)*\.?\s+\S")
MIN_PAGES = 2
"""Pages a line must return on to count as repeated."""
SAME_COLUMN = 4.0
"""Points by which the columns of one table may differ from page to page."""
SAME_LEVEL = 0.88
"""Sizes down to this share of a level's largest belong to the level: recognised sizes are rough."""


def without_running_heads(pages: list[list[Piece]], heights: list[float], layout: Layout) -> list[list[Piece]]:
    """Drop margin lines that return on most pages; page numbers differ only in digits."""
    if len(pages) < MIN_PAGES:
        return pages
    marks = [_margin_lines(pieces, height, layout) for pieces, height in zip(pages, heights, strict=True)]
    counts = Counter(mark for page in marks for mark in set(page.values()))
    often = {mark for mark, count in counts.items() if count >= max(MIN_PAGES, layout.repeated_share * len(pages))}
    return [[piece for piece in pieces if page.get(piece) not in often]
            for pieces, page in zip(pages, marks, strict=True)]


def _margin_lines(pieces: list[Piece], height: float, layout: Layout) -> dict[Piece, str]:
    """Piece in a margin -> its whole line, digits as 0."""
    top, bottom = layout.margin_share * height, (1 - layout.margin_share) * height
    margin = [piece for piece in pieces if piece.bottom < top or piece.top > bottom]
    return {piece: re.sub(r"\d+", "0", " ".join(part.text.strip() for part in row))
            for row in rows(margin) for piece in [*row, *(p for p in margin if p.top == row[0].top)]}


class Levels(NamedTuple):
    """Which size is which level of heading in one document."""

    body: float
    sizes: list[float]
    """Largest size of each level, level 1 first."""
    numbered: int
    """Level of a numbered line that is bold and not larger: that of the larger numbered lines."""


def to_markdown(pages: list[list[Block]], layout: Layout) -> str:
    """The document's text: blocks apart by a blank line, list items by a line, pages by a form feed.

    A table that goes on after a page break stays one table: the form feed ends the page's last row.
    """
    levels = _levels([block for page in pages for block in page], layout)
    headers = _open_headers(pages)
    text = ""
    for page, header, below in zip(pages, headers, [*headers[1:], None], strict=True):
        body = _page_text(page, levels, layout, header, below is not None)
        text += ("" if header is None else "\n") + body + PAGE_BREAK
    return text.removesuffix(PAGE_BREAK)


def _open_headers(pages: list[list[Block]]) -> list[list[str] | None]:
    """For each page the header of the table that goes on at its top; None where none does."""
    found: list[list[str] | None] = []
    table: Block | None = None
    header: list[str] | None = None
    for page in pages:
        goes_on = table is not None and bool(page) and _continues(table, page[0])
        found.append(header if goes_on else None)
        table = page[-1] if page and page[-1].cells else None
        if table is not None and not (goes_on and len(page) == 1):
            header = (table.cells or [[]])[0]
    return found


def _continues(above: Block, below: Block) -> bool:
    """Whether two tables have their columns at the same places."""
    if above.kind != "table" or below.kind != "table" or len(above.starts) != len(below.starts):
        return False
    return len((above.cells or [[]])[0]) == len((below.cells or [[]])[0]) and all(
        abs(one - other) <= SAME_COLUMN for one, other in zip(above.starts, below.starts, strict=True))


def _levels(found: list[Block], layout: Layout) -> Levels:
    body = _body_size(found)
    larger = [block for block in found if _is_larger(block, body, layout)]
    sizes: list[float] = []
    for size in sorted({block.size for block in larger}, reverse=True):
        if not sizes or size < SAME_LEVEL * sizes[-1]:
            sizes.append(size)
    numbered = Counter(_level(block.size, sizes) for block in larger if NUMBERED.match(block.text))
    usual = max(numbered.items(), key=lambda item: (item[1], item[0]))[0] if numbered else len(sizes) + 1
    return Levels(body, sizes, usual)


def _level(size: float, sizes: list[float]) -> int:
    return min(sum(size < SAME_LEVEL * largest for largest in sizes) + 1, MOST_LEVELS)


def _page_text(page: list[Block], levels: Levels, layout: Layout, header: list[str] | None, is_open: bool) -> str:
    """One page.

    Args:
        header: of the table the page goes on with; None when it begins with something else.
        is_open: its last table goes on after it.
    """
    text, before = "", ""
    for number, block in enumerate(page):
        line = _heading(block, levels, layout) or _block_text(
            block, header if not number else None, is_open and number == len(page) - 1)
        gap = "\n" if block.kind == before == "item" else "\n\n"
        text += (gap if text else "") + line
        before = block.kind
    return text


def _block_text(block: Block, header: list[str] | None, is_open: bool) -> str:
    """A table that goes on gives rows alone, without its header again; one row in a box is no table."""
    if block.cells is None:
        return block.text
    if header is not None:
        again = block.cells[0] == header
        return "\n".join(table_rows(block.cells)[again:])
    if len(block.cells) == 1 and not is_open:
        return "\n\n".join(cell for cell in block.cells[0] if cell)
    return block.text


def _heading(block: Block, levels: Levels, layout: Layout) -> str:
    """The block as a heading, or "" when it is none."""
    if _is_larger(block, levels.body, layout):
        return "#" * _level(block.size, levels.sizes) + " " + block.text
    if block.kind == "paragraph" and block.bold and len(block.text) <= LONGEST_HEADING and NUMBERED.match(block.text):
        return "#" * min(levels.numbered, MOST_LEVELS + 1) + " " + block.text
    return ""


def _is_larger(block: Block, body: float, layout: Layout) -> bool:
    return (block.kind == "paragraph" and len(block.text) <= LONGEST_HEADING
            and block.size >= layout.heading_ratio * body and any(letter.isalpha() for letter in block.text))


def _body_size(found: list[Block]) -> float:
    """The size most characters are set in."""
    weights: Counter[float] = Counter()
    for block in found:
        weights[round(block.size * 2) / 2] += len(block.text)
    return max(weights.items(), key=lambda item: (item[1], -item[0]))[0] if weights else 0.0
