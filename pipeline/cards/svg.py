"""Small charts as inline SVG: no script, no fonts of their own, colours from the page's CSS variables.

Every chart has role=img with a title and a description that says in words what it shows. All text is
escaped here. Numbers in the markup are rounded, so equal data is equal bytes.
"""

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

WIDTH, HEIGHT = 360, 200
LEFT, RIGHT, TOP, BOTTOM = 44, 10, 24, 34
"""Margins around the plot, in pixels at scale 1."""
FOOT = HEIGHT - BOTTOM + 16
"""Base line of the labels below the plot."""


class Point(NamedTuple):
    """One checkpoint's value of one metric."""

    label: str
    value: float
    low: float
    high: float


class Band(NamedTuple):
    """One part of a stacked bar."""

    label: str
    size: int
    style: str
    """CSS class, with a fill and for print a pattern of its own."""


def image(title: str, description: str, width: float, height: float, body: str, key: str) -> Markup:
    """An accessible svg element around `body`, which is markup already; `key` is unique on the page."""
    return Markup(  # noqa: S704  # every text in it is escaped
        f'<svg role="img" aria-labelledby="{escape(key)}-t {escape(key)}-d" viewBox="0 0 {_n(width)} {_n(height)}" '
        f'width="{_n(width)}" height="{_n(height)}">'
        f'<title id="{escape(key)}-t">{escape(title)}</title>'
        f'<desc id="{escape(key)}-d">{escape(description)}</desc>{body}</svg>')


def scores(key: str, title: str, points: Sequence[Point], top: float | None) -> Markup:
    """A metric across checkpoints: dots with intervals, values printed, joined by a line.

    Args:
        top: upper end of the axis; None takes the largest interval end.
    """
    if not points:
        return Markup("")
    ceiling = top if top is not None else 1.08 * max(max(point.high, point.value) for point in points) or 1.0
    xs = [LEFT + (WIDTH - LEFT - RIGHT) * (index + 0.5) / len(points) for index in range(len(points))]
    ys = [_y(point.value, ceiling) for point in points]
    body = [axis(ceiling)]
    path = " ".join(f"{_n(x)},{_n(y)}" for x, y in zip(xs, ys, strict=True))
    body.append(f'<polyline class="line" points="{path}"/>')
    for x, y, point in zip(xs, ys, points, strict=True):
        body += [
            f'<line class="whisker" x1="{_n(x)}" x2="{_n(x)}" y1="{_n(_y(point.low, ceiling))}" '
            f'y2="{_n(_y(point.high, ceiling))}"/>',
            f'<circle class="dot" cx="{_n(x)}" cy="{_n(y)}" r="3.5"/>',
            f'<text class="value" x="{_n(x + 5)}" y="{_n(max(y - 6, 10))}">{escape(short(point.value))}</text>',
            text(x, FOOT, point.label, "middle"),
        ]
    return image(title, described(title, points), WIDTH, HEIGHT, "".join(body), key)


def curve(key: str, title: str, steps: Sequence[float], losses: Sequence[float]) -> Markup:
    """Loss over steps."""
    if not steps:
        return Markup("")
    ceiling, last = 1.08 * max(losses) or 1.0, max(steps) or 1
    path = " ".join(f"{_n(LEFT + (WIDTH - LEFT - RIGHT) * step / last)},{_n(_y(loss, ceiling))}"
                    for step, loss in zip(steps, losses, strict=True))
    body = (f'{axis(ceiling)}<polyline class="line" points="{path}"/>'
            f'{text(LEFT, FOOT, "0", "start")}{text(WIDTH - RIGHT, FOOT, f"step {_n(last)}", "end")}')
    said = f"{title}: loss {short(losses[0])} at step {_n(steps[0])}, {short(losses[-1])} at step {_n(steps[-1])}."
    return image(title, said, WIDTH, HEIGHT, body, key)


def reliability(key: str, title: str, points: Sequence[tuple[float, float, float]]) -> Markup:
    """Observed over predicted shares, with the diagonal on which a calibrated model lies.

    Args:
        points: (predicted, observed, weight), all in [0, 1], by predicted; a dot's area is in proportion to its weight.
    """
    if not points:
        return Markup("")
    places = [(_x(predicted), _y(observed, 1.0), weight) for predicted, observed, weight in points]
    path = " ".join(f"{_n(x)},{_n(y)}" for x, y, _ in places)
    body = [axis(1.0), f'<line class="ideal" x1="{_n(_x(0))}" y1="{_n(_y(0, 1.0))}" x2="{_n(_x(1))}" '
                       f'y2="{_n(_y(1, 1.0))}"/>', f'<polyline class="line" points="{path}"/>']
    body += [f'<circle class="dot" cx="{_n(x)}" cy="{_n(y)}" r="{_n(1.5 + 9 * weight ** 0.5)}"/>'
             for x, y, weight in places]
    body += [text(_x(share), FOOT, short(share), anchor)
             for share, anchor in ((0, "start"), (0.5, "middle"), (1, "end"))]
    body += [text(_x(0.25), FOOT, "predicted", "middle"), text(LEFT, TOP - 12, "observed", "start")]
    said = ", ".join(f"predicted {short(predicted)}, observed {short(observed)}" for predicted, observed, _ in points)
    return image(title, f"{title}: {said}. On the diagonal both are equal.", WIDTH, HEIGHT, "".join(body), key)


def stacked(key: str, title: str, bands: Sequence[Band], width: int = 640) -> Markup:
    """One horizontal bar cut in proportion; a part wide enough carries its number."""
    total = sum(band.size for band in bands)
    if not total:
        return Markup("")
    body, left = [], 0.0
    for band in bands:
        wide = width * band.size / total
        if band.size:
            body.append(f'<rect class="{escape(band.style)}" x="{_n(left)}" y="0" width="{_n(wide)}" height="22"/>')
        if wide > 34:  # room for four digits
            body.append(f'<text class="on" x="{_n(left + wide / 2)}" y="15" text-anchor="middle">{band.size}</text>')
        left += wide
    said = f"{title}: " + ", ".join(f"{band.size} {band.label}" for band in bands) + "."
    return image(title, said, width, 22, "".join(body), key)


def axis(ceiling: float) -> str:
    """Horizontal rules at zero, half and the top, with their values."""
    rules = []
    for share in (0, 0.5, 1):
        y = _y(ceiling * share, ceiling)
        rules.append(f'<line class="rule" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{_n(y)}" y2="{_n(y)}"/>'
                     f'{text(LEFT - 6, y + 4, short(ceiling * share), "end")}')
    return "".join(rules)


def text(x: float, y: float, words: str, anchor: str) -> str:
    """A label in small print."""
    return f'<text class="tick" x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}">{escape(words)}</text>'


def described(title: str, points: Sequence[Point]) -> str:
    """The chart in words: every value, then the range."""
    listed = ", ".join(f"{point.label} {short(point.value)}" for point in points)
    lowest, highest = min(points, key=lambda point: point.value), max(points, key=lambda point: point.value)
    return f"{title}: {listed}. Lowest at {lowest.label}, highest at {highest.label}."


def short(value: float) -> str:
    """At most three significant digits, without an exponent."""
    if abs(value) < 0.005:  # would read as 0.00 or -0.00
        return "0"
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def _x(share: float) -> float:
    """The place of a share in [0, 1] between the margins."""
    return LEFT + (WIDTH - LEFT - RIGHT) * min(max(share, 0.0), 1.0)


def _y(value: float, ceiling: float) -> float:
    inside = min(max(value, 0.0), ceiling)
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * inside / ceiling


def _n(value: float) -> str:
    """A coordinate: at most one decimal, no trailing zero."""
    return f"{value:.1f}".rstrip("0").rstrip(".")
