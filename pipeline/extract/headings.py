"""Pages of blocks to Markdown: running heads out, headings by size, a form feed between pages."""

import re
from collections import Counter
from typing import NamedTuple

from pipeline.extract.page import Block, Piece, rows
from pipeline.schema.curate_extract import Layout

PAGE_BREAK = "\f"
MOST_LEVELS = 4
"""Sizes of heading told apart."""
LONGEST_HEADING = 160
"""Characters; a longer block in large type is a paragraph in large type."""
NUMBERED = re.compile(r"(?:\d+|[A-Z])(?:\.\d+)*\.?\s+\S")
MIN_PAGES = 2
"""Pages a line must return on to count as repeated."""
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
    """The document's text: blocks apart by a blank line, list items by a line, pages by a form feed."""
    levels = _levels([block for page in pages for block in page], layout)
    return PAGE_BREAK.join(_page_text(page, levels, layout) for page in pages)


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


def _page_text(page: list[Block], levels: Levels, layout: Layout) -> str:
    text, before = "", ""
    for block in page:
        line = _heading(block, levels, layout) or block.text
        gap = "\n" if block.kind == before == "item" else "\n\n"
        text += (gap if text else "") + line
        before = block.kind
    return text


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
