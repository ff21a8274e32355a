"""From pieces of text on a page to reading order: columns, rows, tables, paragraphs.

Units are points, y grows downwards. PDF and OCR both end here.
"""

import math
import re
from collections.abc import Sequence
from itertools import accumulate, pairwise
from statistics import median
from typing import NamedTuple


class Piece(NamedTuple):
    """A run of text without a wide gap in it."""

    x0: float
    top: float
    x1: float
    bottom: float
    size: float
    bold: bool
    text: str


class Block(NamedTuple):
    """A paragraph, a list item, a table, a heading to be, or Markdown from an engine that sees layout."""

    kind: str
    """paragraph | item | table | markdown"""
    text: str
    size: float
    bold: bool
    cells: list[list[str]] | None = None
    """Of a table."""
    starts: tuple[float, ...] = ()
    """Where a table's columns begin: a table that goes on over a page break has the same there."""


Row = list[Piece]

READY = "\x00"
"""Begins the text of a piece that stands for a row of a ready block, whose number follows."""

GUTTER_ZONE = (0.25, 0.75)
"""A gutter between two columns lies in this part of the page's width."""
WHOLE_PAGE = 0.7
"""Share of the page's width from which text is taken to fill it; what is narrower is one side of a gutter."""
COLUMN_LINES = 4
"""Lines on each side that make a column; a table seldom has as many that are as full as `COLUMN_FILL`."""
COLUMN_FILL = 0.6
"""Median share of a column's width that its lines fill; and share of lines that are one piece."""
COLUMN_WIDTH = 0.15
"""Least share of the page's width that a column takes."""
COLUMN_LEADING = 1.5
"""Most heights of a line from one to the next in running text; the rows of an open table stand farther apart."""
PARAGRAPH_GAP = 1.35
"""A distance of baselines over this multiple of the page's usual one starts a paragraph."""
INDENT = 1.0
"""A first line indented by this many ems starts a paragraph."""
TABLE_GAP = 2.0
"""Most ems of white between two rows of a table."""
WRAP_GAP = 0.6
"""Most ems of white above the next line of a wrapped cell."""
WRAP_PITCH = 0.9
"""Most of the distance between rows at which a line goes on with the cells above: where all lines stand alike, as on
a receipt, each is a row."""
VALUE_DIGITS = 0.5
"""Share of digits among letters and digits over which a cell is a value."""
SAME_ROW = 0.5
"""Share of the lower piece's height by which two pieces of one row overlap."""

BULLET = re.compile(r"[•‣▪●○◦·–\-*o§]|\(?[0-9]{1,3}[.)]|\(?[a-zA-Z][.)]|\(?[ivxIVX]{1,5}[.)]|[0-9]+(\.[0-9]+)+\.?")
"""A mark that stands before the text it belongs to."""
ITEM = re.compile(r"(?:[•‣▪●○◦·–\-*]|o(?= [A-Z]))\s+(?=\S)")


def blocks(pieces: list[Piece], width: float, ready: Sequence[Block] = ()) -> list[Block]:
    """The page's blocks in reading order; pieces that stand for one of the `ready` blocks give it once."""
    found: list[Block] = []
    for part in columns([piece for piece in pieces if piece.text.strip()], width):
        loose: list[Row] = []
        for row in rows(part):
            marked = next((piece for piece in row if piece.text.startswith(READY)), None)
            beside = [piece for piece in row if not piece.text.startswith(READY)]
            if marked is not None:
                found += _blocks_of_rows(loose)
                loose = []
                block = ready[int(marked.text[len(READY):])]
                found += [block] if block not in found else []
            loose += [beside] if beside else []
        found += _blocks_of_rows(loose)
    return found


def columns(pieces: list[Piece], width: float, depth: int = 2) -> list[list[Piece]]:
    """Groups in reading order: a band with a gutter gives its left part, then its right part.

    Pieces that cross the gutter (titles, full-width paragraphs) separate the bands.
    """
    gutter = _gutter(pieces, width) if depth else None
    if gutter is None:
        return [pieces]
    groups: list[list[Piece]] = []
    plain: list[Piece] = []
    for band, crosses in _bands(pieces, gutter):
        left = [piece for piece in band if piece.x1 <= gutter]
        right = [piece for piece in band if piece.x0 >= gutter]
        sides = [] if crosses else [columns(side, width, depth - 1) for side in (left, right)]
        if crosses or not all(len(side) > 1 or (side and _is_column(side[0], width)) for side in sides):
            plain += band
            continue
        groups += [plain, *sides[0], *sides[1]]
        plain = []
    return [group for group in [*groups, plain] if group]


def _gutter(pieces: list[Piece], width: float) -> float | None:
    """The middle of the emptiest vertical strip in the gutter zone."""
    if len(pieces) < 2 * COLUMN_LINES:
        return None
    low, high = _zone(pieces, width)
    if low >= high:
        return None
    covered = _covered(pieces, low, high)
    least = min(covered)
    runs, start = [], None
    for offset, count in enumerate([*covered, least + 1]):
        if count == least and start is None:
            start = offset
        elif count != least and start is not None:
            runs.append((offset - start, low + (start + offset) / 2))
            start = None
    return max(runs)[1]


def _covered(pieces: list[Piece], low: int, high: int) -> list[int]:
    """For each whole x from `low` to before `high` the number of pieces that lie over it."""
    steps = [0] * (high - low + 1)
    for piece in pieces:
        start, end = max(math.floor(piece.x0) + 1, low), min(math.ceil(piece.x1), high)
        if start < end:
            steps[start - low] += 1
            steps[end - low] -= 1
    return list(accumulate(steps[:-1]))


def _zone(pieces: list[Piece], width: float) -> tuple[int, int]:
    """Where a gutter may lie: the middle of the page, or of a part of it that is no wider than a side."""
    left, right = min(piece.x0 for piece in pieces), max(piece.x1 for piece in pieces)
    if right - left > WHOLE_PAGE * width:
        left, right = 0.0, width
    return int(left + (right - left) * GUTTER_ZONE[0]), int(left + (right - left) * GUTTER_ZONE[1])


def _bands(pieces: list[Piece], gutter: float) -> list[tuple[list[Piece], bool]]:
    """Runs of pieces from the top that cross the gutter (True) or do not."""
    bands: list[tuple[list[Piece], bool]] = []
    for piece in sorted(pieces, key=lambda piece: (piece.top, piece.x0)):
        crosses = piece.x0 < gutter < piece.x1
        if not bands or bands[-1][1] != crosses:
            bands.append(([], crosses))
        bands[-1][0].append(piece)
    return bands


def _is_column(pieces: list[Piece], page_width: float) -> bool:
    """Enough lines, most of them whole and full: running text, and not a column of a table."""
    lines = rows(pieces)
    if len(lines) < COLUMN_LINES:
        return False
    width = max(piece.x1 for piece in pieces) - min(piece.x0 for piece in pieces)
    whole = [row[0].x1 - row[0].x0 for row in lines if len(row) == 1]
    leading = median((below[0].bottom - above[0].bottom) / max(below[0].bottom - below[0].top, 1.0)
                     for above, below in pairwise(lines))
    return (width >= COLUMN_WIDTH * page_width and len(whole) >= COLUMN_FILL * len(lines)
            and median(whole) >= COLUMN_FILL * width and leading <= COLUMN_LEADING)


def rows(pieces: list[Piece]) -> list[Row]:
    """Pieces grouped by height on the page, from the top, each row from the left."""
    found: list[Row] = []
    for piece in sorted(pieces, key=lambda piece: (piece.top + piece.bottom, piece.x0)):
        if found and _overlap(found[-1][0], piece) >= SAME_ROW:
            found[-1].append(piece)
        else:
            found.append([piece])
    return [_joined_bullet(sorted(row, key=lambda piece: piece.x0)) for row in found]


def _overlap(one: Piece, other: Piece) -> float:
    shared = min(one.bottom, other.bottom) - max(one.top, other.top)
    return shared / max(min(one.bottom - one.top, other.bottom - other.top), 0.1)


def _joined_bullet(row: Row) -> Row:
    """A bullet or a number and what follows it are one piece, however wide the gap."""
    if len(row) < 2 or not BULLET.fullmatch(row[0].text.strip()):
        return row
    first, second = row[:2]
    return [second._replace(x0=first.x0, text=f"{first.text.strip()} {second.text}"), *row[2:]]


def _blocks_of_rows(lines: list[Row]) -> list[Block]:
    usual = _usual_distance(lines)
    found: list[Block] = []
    position = 0
    while position < len(lines):
        length = _table_length(lines[position:])
        if length:
            table = lines[position:position + length]
            found.append(_table(table))
            position += length
            continue
        end = position + 1
        while end < len(lines) and not _starts_block(lines[position], lines[end - 1], lines[end], usual) \
                and not _table_length(lines[end:]):
            end += 1
        found.append(_paragraph(lines[position:end]))
        position = end
    return found


def _usual_distance(lines: list[Row]) -> float:
    """Between lines of one paragraph: a low one of all distances, since gaps only widen them."""
    distances = sorted(below[0].bottom - above[0].bottom for above, below in pairwise(lines))
    sound = [distance for distance in distances if distance > 0]
    return sound[len(sound) // 5] if sound else 0.0


def _starts_block(first: Row, above: Row, below: Row, usual: float) -> bool:
    """Whether line `below` does not go on with the block of line `first` that ends in line `above`."""
    line, upper = below[0], above[0]
    leading = min(usual, 1.5 * line.size) if usual else 1.5 * line.size
    in_item = ITEM.match(first[0].text) is not None
    return bool(
        line.bottom - upper.bottom > PARAGRAPH_GAP * leading
        or abs(line.size - upper.size) > 0.1 * upper.size
        or (line.bold != upper.bold and len(above) == 1 and _is_short(above, below))
        or ITEM.match(line.text)
        or (in_item and line.x0 < first[0].x0 + 0.3 * line.size)
        or _starts_numbered(line, upper)
        or (not in_item and not _is_numbered(first[0]) and line.x0 - upper.x0 > INDENT * line.size))


def _starts_numbered(line: Piece, upper: Piece) -> bool:
    """A number opens a block only where the line above may end: "up to / 50. I add" goes on."""
    return _is_numbered(line) and upper.text.rstrip()[-1:] in ".:;?!"


def _is_numbered(line: Piece) -> bool:
    mark = line.text.split(" ", 1)[0]
    return BULLET.fullmatch(mark) is not None and mark not in ("o", "a", "A", "I")


def _is_short(above: Row, below: Row) -> bool:
    """A bold line that stops early is a heading of its own; a bold phrase inside a paragraph is not."""
    return above[-1].x1 - above[0].x0 < 0.8 * (below[-1].x1 - below[0].x0) or above[0].bold != below[0].bold


def _paragraph(lines: list[Row]) -> Block:
    text = ""
    for row in lines:
        text = joined(text, " ".join(piece.text.strip() for piece in row))
    pieces = [piece for row in lines for piece in row]
    size = median(piece.size for piece in pieces)
    bold = all(piece.bold for piece in pieces)
    item = ITEM.match(text)
    if item:
        return Block("item", "- " + text[item.end():], size, bold)
    return Block("paragraph", text, size, bold)


SOFT_HYPHENS = ("\u00ad", "\x02", "\ufffe")
"""How PDFium marks a hyphen that the typesetter added at a line's end."""


def joined(text: str, line: str) -> str:
    """`text` and the line after it; a hyphen the typesetter put in goes."""
    if text.endswith(SOFT_HYPHENS):
        return text[:-1] + line
    if re.search(r"\w-$", text) and line[:1].islower():
        return text + line  # "long-" + "term": a hyphen that may be the word's own stays
    return f"{text} {line}" if text else line


def _table_length(lines: list[Row]) -> int:
    """How many of the first rows make a table; 0 when they are no table.

    A table begins with a row of several pieces and goes on with such rows, and with single pieces
    that are a wrapped cell: close below, of the same size and within the width of their column.
    """
    length = 0
    while length < len(lines) and _continues_table(lines, length):
        length += 1
    while length and _may_follow_table(lines, length - 1):
        length -= 1
    many = [row for row in lines[:length] if len(row) > 1]
    return length if len(many) > 1 and _aligned(many) else 0


def _may_follow_table(lines: list[Row], position: int) -> bool:
    """A line under the first column, a little apart, is rather the paragraph after the table."""
    line, above = lines[position][0], lines[max(position - 1, 0)][0]
    under_first = line.x0 <= lines[0][0].x0 + lines[0][0].size
    return len(lines[position]) == 1 and under_first and line.top - above.bottom > 0.25 * line.size


def _continues_table(lines: list[Row], position: int) -> bool:
    row = lines[position]
    if position == 0:
        return len(row) > 1
    gap = row[0].top - lines[position - 1][0].bottom
    if len(row) > 1:
        return gap < TABLE_GAP * row[0].size
    widest = max(lines[:position], key=len)
    column = max((index for index, piece in enumerate(widest) if piece.x0 <= row[0].x0 + row[0].size), default=0)
    end = widest[column + 1].x0 if column + 1 < len(widest) else float("inf")
    same_size = abs(row[0].size - widest[column].size) < 0.05 * row[0].size
    return gap < WRAP_GAP * row[0].size and same_size and row[0].x1 < end


def _aligned(many: list[Row]) -> bool:
    """Whether most pieces begin, end or centre where a piece of the fullest row does."""
    widest = max(many, key=len)
    fits = [any(abs(piece.x0 - cell.x0) < piece.size or abs(piece.x1 - cell.x1) < piece.size
                or abs(piece.x0 + piece.x1 - cell.x0 - cell.x1) < 2 * piece.size for cell in widest)
            for row in many for piece in row]
    return sum(fits) >= 0.7 * len(fits)


def _table(lines: list[Row]) -> Block:
    """The rows as a table, the first one its header."""
    widest = max(lines, key=len)
    starts = [piece.x0 for piece in widest]
    cells = [_cells(row, starts) for row in lines]
    pitch = _row_pitch(lines, cells)
    merged = [cells[0]]
    for (above, below), row in zip(pairwise(lines), cells[1:], strict=True):
        if _wraps(above, below, row, pitch) and _is_rest(row, merged[-1]):
            merged[-1] = [joined(old, new) if new else old for old, new in zip(merged[-1], row, strict=True)]
        else:
            merged.append(row)
    return Block("table", markdown_table(merged), median(row[0].size for row in lines), False, merged, tuple(starts))


def _row_pitch(lines: list[Row], cells: list[list[str]]) -> float:
    """Usual distance from a line to the next row of the table: to rows without an empty cell, where it has such."""
    distances = [(below[0].bottom - above[0].bottom, all(row))
                 for (above, below), row in zip(pairwise(lines), cells[1:], strict=True)]
    full = [distance for distance, is_full in distances if is_full]
    return median(full) if full else max(distance for distance, _ in distances)


def _wraps(above: Row, below: Row, row: list[str], pitch: float) -> bool:
    """Whether a line stands close enough to go on with the row above: closer than rows do, if it has a first cell."""
    gap, distance = below[0].top - above[0].bottom, below[0].bottom - above[0].bottom
    if not row[0]:
        return gap < WRAP_GAP * below[0].size
    return gap < WRAP_GAP / 2 * below[0].size and distance < WRAP_PITCH * pitch


def _is_rest(cells: list[str], row: list[str]) -> bool:
    """Whether a line's cells can be the rest of a row's: fewer, none where it has nothing, no value after a value."""
    beside = [(new, old) for new, old in zip(cells, row, strict=True) if new]
    return len(beside) < sum(map(bool, row)) and all(
        old and not (_is_value(new) and _is_value(old)) for new, old in beside)


def _is_value(cell: str) -> bool:
    """An amount, a date, a number of something: not the end of a sentence."""
    marks = [letter.isdigit() for letter in cell if letter.isalnum()]
    return sum(marks) > VALUE_DIGITS * len(marks)


def _cells(row: Row, starts: list[float]) -> list[str]:
    cells = [""] * len(starts)
    for piece in row:
        middle = (piece.x0 + min(piece.x1, piece.x0 + 4 * piece.size)) / 2
        column = max((index for index, start in enumerate(starts) if start <= middle), default=0)
        cells[column] = f"{cells[column]} {piece.text.strip()}".strip()
    return cells


def run_in(label: str) -> str:
    """Bold text as Markdown when it is a label ("**Owner:**"); other bold is dress and is dropped."""
    bare = label.strip()
    if not bare.endswith(":") or "\n" in bare or "\x00" in bare:
        return label
    return label.replace(bare, f"**{bare}**", 1)


def markdown_table(cells: list[list[str]]) -> str:
    """Rows as a Markdown table, the first one its header; short rows are filled up."""
    lines = table_rows(cells)
    return "\n".join([lines[0], "|" + "---|" * max(len(row) for row in cells), *lines[1:]])


def table_rows(cells: list[list[str]]) -> list[str]:
    """Each row as a line of a Markdown table, without a rule under the header; short rows are filled up."""
    width = max(len(row) for row in cells)
    safe = [[" ".join(cell.split()).replace("|", "\\|") for cell in row] + [""] * (width - len(row)) for row in cells]
    return [f"| {' | '.join(row)} |" for row in safe]
