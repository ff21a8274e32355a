"""A Sankey diagram of curation as inline SVG: sources flow from stage to stage, what is lost falls out below.

Each stage is a bar. On its left arrive the sources; on its right leave what survived, by source, and under
it what was lost, by reason. Heights are proportional within one diagram. Colours are of the page's CSS.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

from pipeline.cards.flows import Flow
from pipeline.cards.svg import image

WIDTH, TRUNK = 1096, 300
"""Pixels: of the whole, and of the tallest bar."""
BAR, LANE, LINE, HEAD = 12, 24, 15, 34
"""Width of a bar, gap between trunk and losses, height of a line of text, room above for names."""
MAX_SOURCES = 10
"""More sources than this are drawn as "others"."""
OTHERS = "others"


class Column(NamedTuple):
    """One stage as it is drawn."""

    stage: str
    kept: list[tuple[str, float]]
    """(source, amount), in the order of drawing, which is that of every column."""
    lost: list[tuple[str, float]]
    """(reason, amount), largest first."""

    @property
    def total(self) -> float:
        """What came in."""
        return sum(amount for _, amount in self.kept) + sum(amount for _, amount in self.lost)


def sankey(key: str, title: str, flows: Sequence[Flow], unit: str) -> Markup:
    """The diagram; empty when there is nothing to draw.

    Args:
        unit: documents | tokens.
    """
    columns = columns_of(flows, unit)
    top = max((column.total for column in columns), default=0.0)
    if not top:
        return Markup("")
    scale = TRUNK / top
    step = (WIDTH - 150) / max(len(columns), 1)
    xs = [10 + step * index for index in range(len(columns) + 1)]
    body: list[str] = []
    for index, column in enumerate(columns):
        body += _ribbons(column, xs[index], xs[index + 1], scale)
        body += _bar(column, xs[index], scale, unit)
        body += _losses(column, xs[index], scale)
    body += _end(columns[-1], xs[-1], scale)
    deepest = max(len(column.lost) for column in columns)
    height = HEAD + TRUNK + LANE + LINE * deepest + 6
    return image(title, described(title, columns, unit), WIDTH, height, "".join(body), key)


def columns_of(flows: Sequence[Flow], unit: str) -> list[Column]:
    """Stages from the first that has something of this unit; small sources are drawn together."""
    sums: dict[str, float] = {}
    for flow in flows:
        for row in flow.amounts:
            sums[row.source] = max(sums.get(row.source, 0.0), getattr(row, unit))
    named = sorted(sums, key=lambda source: (-sums[source], source))
    shown = set(named if len(named) <= MAX_SOURCES + 1 else named[:MAX_SOURCES])
    columns: list[Column] = []
    for flow in flows:
        if unit == "tokens" and flow.total(None, unit) == flow.total("", unit) and not columns:
            continue  # the first stage reads files: it has no tokens to lose
        columns.append(_column(flow, unit, [name for name in named if name in shown], shown))
    return columns


def _column(flow: Flow, unit: str, order: list[str], shown: set[str]) -> Column:
    kept: dict[str, float] = dict.fromkeys([*order, OTHERS], 0.0)
    lost: dict[str, float] = {}
    for row in flow.amounts:
        amount = getattr(row, unit)
        if row.outcome:
            lost[row.outcome] = lost.get(row.outcome, 0.0) + amount
        else:
            kept[row.source if row.source in shown else OTHERS] += amount
    losses = sorted(((reason, amount) for reason, amount in lost.items() if amount), key=lambda row: (-row[1], row[0]))
    return Column(flow.stage, list(kept.items()), losses)


def _bar(column: Column, x: float, scale: float, unit: str) -> list[str]:
    name = column.stage.removeprefix("curate_")
    return [f'<rect class="box" x="{_n(x)}" y="{HEAD}" width="{BAR}" height="{_n(column.total * scale)}"/>',
            _label(x, HEAD - 18, name, "name"), _label(x, HEAD - 5, f"{_count(column.total)} {unit}", "tick")]


def _ribbons(column: Column, left: float, right: float, scale: float) -> list[str]:
    """Survivors by source, from this bar to the next: all of it enters there, stacked in the same order."""
    body, y = [], float(HEAD)
    for number, (source, amount) in enumerate(column.kept):
        thick = amount * scale
        if not amount:
            continue
        body.append(f'<path class="s{number % 12}" d="{_band(left + BAR, y, right, y, thick, thick)}">'
                    f'<title>{escape(source)}: {_count(amount)} after {escape(column.stage)}</title></path>')
        y += thick
    return body


def _losses(column: Column, x: float, scale: float) -> list[str]:
    """Each reason leaves under the survivors and ends in a block with its name below the trunk."""
    body = []
    leaves = HEAD + sum(amount for _, amount in column.kept) * scale
    y = HEAD + TRUNK + LANE
    for reason, amount in column.lost:
        thick = amount * scale
        style = "merged" if reason in ("near_duplicate", "same_bytes", "all_chunks_repeated") else "dropped"
        ribbon = _band(x + BAR, leaves, x + 44, y, thick, min(thick, LINE - 2))
        body.append(f'<path class="{style} loss" d="{ribbon}"/>')
        body.append(f'<rect class="{style}" x="{_n(x + 44)}" y="{_n(y)}" width="5" '
                    f'height="{_n(max(min(thick, LINE - 2), 1.5))}"/>')
        body.append(_label(x + 53, y + 9, f"{_count(amount)} {reason.replace('_', ' ')}", "tick"))
        leaves += thick
        y += LINE
    return body


def _end(column: Column, x: float, scale: float) -> list[str]:
    """The names of the sources where the trunk ends, apart enough to be read."""
    body, y, free = [], float(HEAD), 0.0
    for number, (source, amount) in enumerate(column.kept):
        thick = amount * scale
        if not amount:
            continue
        body.append(f'<rect class="s{number % 12}" x="{_n(x)}" y="{_n(y)}" width="{BAR}" '
                    f'height="{_n(max(thick, 1))}"/>')
        line = max(y + thick / 2 + 4, free)
        body.append(_label(x + BAR + 5, line, f"{source} {_count(amount)}", "tick"))
        free, y = line + 12, y + thick
    return body


def _band(x1: float, y1: float, x2: float, y2: float, thick1: float, thick2: float) -> str:
    """A ribbon between two vertical edges, by cubic curves."""
    middle = (x1 + x2) / 2
    return (f"M{_n(x1)} {_n(y1)}C{_n(middle)} {_n(y1)} {_n(middle)} {_n(y2)} {_n(x2)} {_n(y2)}"
            f"L{_n(x2)} {_n(y2 + thick2)}C{_n(middle)} {_n(y2 + thick2)} {_n(middle)} {_n(y1 + thick1)} "
            f"{_n(x1)} {_n(y1 + thick1)}Z")


def described(title: str, columns: Sequence[Column], unit: str) -> str:
    """The diagram in words."""
    parts = []
    for column in columns:
        lost = ", ".join(f"{_count(amount)} {reason}" for reason, amount in column.lost) or "nothing"
        parts.append(f"{column.stage}: {_count(column.total)} {unit} in; lost: {lost}.")
    return f"{title}. " + " ".join(parts)


def _label(x: float, y: float, words: str, style: str) -> str:
    return f'<text class="{style}" x="{_n(x)}" y="{_n(y)}">{escape(words)}</text>'


def _count(amount: float) -> str:
    """Whole numbers; from ten thousand on in thousands, from ten million in millions."""
    sizes: list[tuple[float, Callable[[float], str]]] = [
        (1e7, lambda n: f"{n / 1e6:.1f} M"), (1e4, lambda n: f"{n / 1e3:.1f} k"), (0, lambda n: f"{n:,.0f}")]
    return next(shown(amount) for least, shown in sizes if amount >= least)


def _n(value: float) -> str:
    """A coordinate: at most one decimal, no trailing zero."""
    return f"{value:.1f}".rstrip("0").rstrip(".")
