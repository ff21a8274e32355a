"""Draw a graph of stages from top to bottom: layers, crossings lowered, long edges led around boxes.

The method is Sugiyama's (Sugiyama, Tagawa and Toda 1981, doi:10.1109/TSMC.1981.4308636), in the
least form that reads well for some thirty stages. Ties are broken by name: equal graphs, equal bytes.
"""

from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

from markupsafe import Markup, escape

from pipeline.cards.svg import image

BOX_WIDTH, BOX_HEIGHT = 168, 40
GAP_X, GAP_Y = 18, 26
BEND_WIDTH = 10
"""Room that an edge takes in a layer it only passes through."""
SWEEPS = 12
"""Passes of the barycentre heuristic; more change nothing at this size."""

Graph = Mapping[str, frozenset[str]]
"""Node -> the nodes it needs."""


class Drawn(NamedTuple):
    """A node, or a bend of a long edge, with its place."""

    x: float
    y: float
    width: float


def reduced(graph: Graph) -> dict[str, frozenset[str]]:
    """`graph` without edges that a longer way implies."""
    reach: dict[str, frozenset[str]] = {}
    for node in ordered(graph):
        reach[node] = graph[node].union(*(reach[need] for need in graph[node]))
    return {node: frozenset(need for need in needs if not any(need in reach[other] for other in needs - {need}))
            for node, needs in graph.items()}


def ordered(graph: Graph) -> list[str]:
    """Nodes, needs before users, ties by name. The graph has no circle (`lineage.chain` refuses one)."""
    done: list[str] = []
    todo = sorted(graph)
    while todo:
        ready = [node for node in todo if graph[node] <= set(done)]
        done += ready
        todo = [node for node in todo if node not in ready]
    return done


def layers_of(graph: Graph) -> dict[str, int]:
    """Node -> row: as low as its users allow, so that what is needed late is drawn late."""
    users: dict[str, list[str]] = {node: [] for node in graph}
    for node, needs in graph.items():
        for need in needs:
            users[need].append(node)
    earliest: dict[str, int] = {}
    for node in ordered(graph):
        earliest[node] = max((earliest[need] + 1 for need in graph[node]), default=0)
    row: dict[str, int] = {}
    for node in reversed(ordered(graph)):
        row[node] = min((row[user] - 1 for user in users[node]), default=earliest[node])
    return row


def draw(graph: Graph, captions: Mapping[str, str], title: str, key: str) -> Markup:
    """The graph as one svg; `captions` is a second, smaller line in a node's box."""
    lean = reduced(graph)
    rows, links = with_bends(lean, layers_of(lean))
    placed = place(rows, links)
    width = max(spot.x + spot.width / 2 for spot in placed.values()) + GAP_X
    height = len(rows) * (BOX_HEIGHT + GAP_Y)
    body = [edge(placed[upper], placed[lower], bend_start="|" in upper, bend_end="|" in lower)
            for upper, lower in links]
    body += [box(node, captions.get(node, ""), placed[node]) for node in sorted(graph)]
    said = " ".join(f"{node} needs {', '.join(sorted(needs))}." for node, needs in sorted(lean.items()) if needs)
    return image(title, said, width, height, "".join(body), key)


def with_bends(graph: Graph, row: Mapping[str, int]) -> tuple[list[list[str]], list[tuple[str, str]]]:
    """Nodes and bends by row, and links between neighbouring rows. A bend is named "upper|lower|row"."""
    rows: list[list[str]] = [[] for _ in range(max(row.values(), default=0) + 1)]
    links = []
    for node in sorted(graph):
        rows[row[node]].append(node)
        for need in sorted(graph[node]):
            between = [f"{need}|{node}|{level}" for level in range(row[need] + 1, row[node])]
            for level, bend in enumerate(between, start=row[need] + 1):
                rows[level].append(bend)
            way = [need, *between, node]
            links += list(pairwise(way))
    return rows, links


def place(rows: list[list[str]], links: list[tuple[str, str]]) -> dict[str, Drawn]:
    """Order each row by the mean place of its neighbours, then lay it out, centred."""
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for upper, lower in links:
        above.setdefault(lower, []).append(upper)
        below.setdefault(upper, []).append(lower)
    at: dict[str, float] = {name: float(index) for row in rows for index, name in enumerate(sorted(row))}
    for sweep in range(SWEEPS):
        neighbours, order = (above, rows) if sweep % 2 == 0 else (below, rows[::-1])
        for row in order:
            pull = {name: _mean([at[other] for other in neighbours.get(name, [])], at[name]) for name in row}
            row.sort(key=lambda name: (pull[name], name))
            at |= _spread(row)
    left = min((x - _width(name) / 2 for name, x in at.items()), default=0.0)
    return {name: Drawn(at[name] - left + GAP_X, level * (BOX_HEIGHT + GAP_Y) + GAP_Y / 2, _width(name))
            for level, row in enumerate(rows) for name in row}


def edge(upper: Drawn, lower: Drawn, *, bend_start: bool, bend_end: bool) -> str:
    """A curve from the foot of one box to the head of the next; bends are passed straight through."""
    tail = f"M{upper.x:.1f} {upper.y:.1f}V{upper.y + BOX_HEIGHT:.1f}" if bend_start else \
        f"M{upper.x:.1f} {upper.y + BOX_HEIGHT:.1f}"
    start, end = upper.y + BOX_HEIGHT, lower.y
    middle = (start + end) / 2
    head = "" if bend_end else ' marker-end="url(#arrow)"'
    return (f'<path class="edge" d="{tail}C{upper.x:.1f} {middle:.1f} {lower.x:.1f} {middle:.1f} '
            f'{lower.x:.1f} {end:.1f}"{head}/>')


def box(name: str, caption: str, spot: Drawn) -> str:
    """A node with its name and caption."""
    shift = -3 if caption else 5
    middle = spot.y + BOX_HEIGHT / 2
    second = (f'<text class="caption" x="{spot.x:.1f}" y="{middle + 13:.1f}" text-anchor="middle">{escape(caption)}'
              '</text>' if caption else "")
    return (f'<rect class="box" x="{spot.x - BOX_WIDTH / 2:.1f}" y="{spot.y:.1f}" width="{BOX_WIDTH}" '
            f'height="{BOX_HEIGHT}" rx="6"/><text class="name" x="{spot.x:.1f}" y="{middle + shift:.1f}" '
            f'text-anchor="middle">{escape(name)}</text>{second}')


def _spread(row: list[str]) -> dict[str, float]:
    """Centres of a row laid side by side, the row's middle at 0."""
    total = sum(_width(name) for name in row) + GAP_X * (len(row) - 1)
    spots, left = {}, -total / 2
    for name in row:
        spots[name] = left + _width(name) / 2
        left += _width(name) + GAP_X
    return spots


def _width(name: str) -> int:
    return BEND_WIDTH if "|" in name else BOX_WIDTH


def _mean(values: list[float], default: float) -> float:
    return sum(values) / len(values) if values else default
