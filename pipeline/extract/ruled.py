"""Tables by their drawn lines: which cells a grid has, which of them are merged, what stands in each.

Units are points, y grows downwards. A grid needs lines in both directions; tables with open sides, or
with lines under the header alone, are found by the alignment of their text (`pipeline.extract.page`).
"""

from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from pipeline.extract.page import READY, Block, Piece, joined, markdown_table, rows

SNAP = 2.5
"""Lines nearer than this lie at one place: borders of neighbouring cells are often drawn twice."""
TOUCH = 3.0
"""Lines meet when the gap between them is not larger."""
LEAST_CELL = 5.0
"""An edge farther than this outside the outermost line closes an open side."""
MOST_LINES = 600
"""Lines of a page in one direction; more are a drawing."""
MOST_COLUMNS = 40
LEAST_COLUMNS = 2
INSIDE = 1.5
"""Points by which text may reach over the border of its table."""


class Line(NamedTuple):
    """A straight line along one axis."""

    at: float
    """Its place on the other axis."""
    start: float
    end: float


class Grid(NamedTuple):
    """Cells between lines."""

    xs: list[float]
    ys: list[float]
    owner: dict[tuple[int, int], tuple[int, int]]
    """(row, column) -> the top left cell of the merged one it belongs to; itself when it is not merged."""


def tables(pieces: list[Piece], across: list[Line], down: list[Line]) -> tuple[list[Block], list[Piece]]:
    """The page's ruled tables, and the pieces outside them with a mark for every row of a table.

    A mark's text is `READY` and the table's number: the layout takes it for a line and puts the table there.
    """
    found: list[Block] = []
    left = pieces
    for grid in grids(across, down):
        inside = [piece for piece in left if _is_inside(piece, grid)]
        cells = _cells(grid, inside)
        if len(cells) and sum(any(row[column] for row in cells) for column in range(len(cells[0]))) >= LEAST_COLUMNS:
            cells = _without_empty(cells)
            size = median(piece.size for piece in inside)
            left = [piece for piece in left if piece not in inside] + _marks(grid, len(found), size)
            found.append(Block("table", markdown_table(cells), size, False, cells, tuple(grid.xs)))
    return found, left


def grids(across: list[Line], down: list[Line]) -> list[Grid]:
    """Every grid of at least two columns, from the top."""
    if max(len(across), len(down)) > MOST_LINES:
        return []
    levels, walls = _merged(across), _merged(down)
    found = [_grid(*group) for group in _groups(levels, walls)]
    return sorted((grid for grid in found if grid is not None), key=lambda grid: (grid.ys[0], grid.xs[0]))


def _merged(lines: Iterable[Line]) -> list[Line]:
    """Lines at one place that touch, as one."""
    found: list[Line] = []
    for line in sorted(lines):
        fits = next((index for index, other in enumerate(found)
                     if abs(other.at - line.at) <= SNAP and line.start <= other.end + TOUCH
                     and other.start <= line.end + TOUCH), None)
        if fits is None:
            found.append(line)
        else:
            other = found[fits]
            found[fits] = Line(other.at, min(other.start, line.start), max(other.end, line.end))
    return found


def _groups(levels: list[Line], walls: list[Line]) -> list[tuple[list[Line], list[Line]]]:
    """Lines that hang together through crossings."""
    parent = list(range(len(levels) + len(walls)))

    def root(index: int) -> int:
        while parent[index] != index:
            index = parent[index]
        return index

    for one, level in enumerate(levels):
        for other, wall in enumerate(walls, len(levels)):
            if _meet(level, wall):
                parent[root(one)] = root(other)
    groups: dict[int, tuple[list[Line], list[Line]]] = defaultdict(lambda: ([], []))
    for index, line in enumerate([*levels, *walls]):
        groups[root(index)][index >= len(levels)].append(line)
    return list(groups.values())


def _meet(level: Line, wall: Line) -> bool:
    return (level.start - TOUCH <= wall.at <= level.end + TOUCH
            and wall.start - TOUCH <= level.at <= wall.end + TOUCH)


def _grid(levels: list[Line], walls: list[Line]) -> Grid | None:
    """The cells between lines that hang together; None when there are too few or too many."""
    if not levels or not walls:
        return None
    xs = _places(walls, min(line.start for line in levels), max(line.end for line in levels))
    ys = _places(levels, min(line.start for line in walls), max(line.end for line in walls))
    if not LEAST_COLUMNS < len(xs) <= MOST_COLUMNS + 1 or len(ys) < 2:
        return None
    return Grid(xs, ys, _owners(xs, ys, levels, walls))


def _places(lines: list[Line], low: float, high: float) -> list[float]:
    """Where lines stand, each place once, and the ends of the crossing lines where a side is open."""
    found: list[float] = []
    for at in sorted(line.at for line in lines):
        if not found or at - found[-1] > SNAP:
            found.append(at)
    before = [low] if low < found[0] - LEAST_CELL else []
    after = [high] if high > found[-1] + LEAST_CELL else []
    return [*before, *found, *after]


def _owners(xs: list[float], ys: list[float], levels: list[Line],
            walls: list[Line]) -> dict[tuple[int, int], tuple[int, int]]:
    """Cells with no line between them belong to the first of them."""
    owner = {(row, column): (row, column) for row in range(len(ys) - 1) for column in range(len(xs) - 1)}

    def join(one: tuple[int, int], other: tuple[int, int]) -> None:
        first, second = sorted((owner[one], owner[other]))
        for cell, held in owner.items():
            if held == second:
                owner[cell] = first

    for row, column in list(owner):
        middle_y, middle_x = (ys[row] + ys[row + 1]) / 2, (xs[column] + xs[column + 1]) / 2
        if (row, column + 1) in owner and not _drawn(walls, xs[column + 1], middle_y):
            join((row, column), (row, column + 1))
        if (row + 1, column) in owner and not _drawn(levels, ys[row + 1], middle_x):
            join((row, column), (row + 1, column))
    return owner


def _drawn(lines: list[Line], at: float, through: float) -> bool:
    return any(abs(line.at - at) <= SNAP and line.start <= through <= line.end for line in lines)


def _is_inside(piece: Piece, grid: Grid) -> bool:
    middle_x, middle_y = _anchor(piece), (piece.top + piece.bottom) / 2
    return (grid.xs[0] - INSIDE <= middle_x <= grid.xs[-1] + INSIDE
            and grid.ys[0] - INSIDE <= middle_y <= grid.ys[-1] + INSIDE)


def _anchor(piece: Piece) -> float:
    """Near the piece's beginning: text that is too long for its cell runs out at the right."""
    return piece.x0 + min((piece.x1 - piece.x0) / 2, piece.size)


def _cells(grid: Grid, inside: list[Piece]) -> list[list[str]]:
    """Text by row and column; a merged cell's text stands in its first."""
    held: dict[tuple[int, int], list[Piece]] = defaultdict(list)
    for piece in inside:
        row = _between(grid.ys, (piece.top + piece.bottom) / 2)
        held[grid.owner[row, _between(grid.xs, _anchor(piece))]].append(piece)
    return [[_text(held.get((row, column), [])) for column in range(len(grid.xs) - 1)]
            for row in range(len(grid.ys) - 1)]


def _between(edges: list[float], value: float) -> int:
    """Number of the interval that holds `value`; the first or the last one for what lies outside."""
    inner = sum(edge <= value for edge in edges[1:-1])
    return min(inner, len(edges) - 2)


def _text(pieces: list[Piece]) -> str:
    text = ""
    for row in rows(pieces):
        text = joined(text, " ".join(piece.text.strip() for piece in row))
    return text


def _without_empty(cells: list[list[str]]) -> list[list[str]]:
    """Rows and columns with text: spacers and doubled borders leave empty ones."""
    used = [column for column in range(len(cells[0])) if any(row[column] for row in cells)]
    return [[row[column] for column in used] for row in cells if any(row)]


def _marks(grid: Grid, number: int, size: float) -> list[Piece]:
    return [Piece(grid.xs[0], top, grid.xs[-1], bottom, size, False, f"{READY}{number}")
            for top, bottom in pairwise(grid.ys)]
