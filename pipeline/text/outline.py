"""The outline of a Markdown text: sections under headings, and sentences, all as character spans.

Every span is into the text it came from: `text[span.start:span.end]` is the thing itself, so a
citation built from spans can be checked by anyone who holds the document.
"""

import html
import re
from typing import NamedTuple

_HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t]*#*$", re.MULTILINE)
_NUMBERING = re.compile(r"^(?:(?:section|article|part|annex)\s+)?[A-Z]?\d+(?:\.\d+)*[.):]?\s+|^[A-Z]\.\s+",
                        re.IGNORECASE)
_MARKUP = re.compile(r"\*\*|__|`|\{[:.#][^}]*\}|\[([^\]]*)\]\([^)\s]*\)|</?[a-zA-Z][^>]*>")
"""Emphasis, code marks, attribute lists, links (kept: their text) and HTML tags."""

_LABEL = re.compile(r"^\*\*([^*\n]+?)(?::\*\*|\*\*:)", re.MULTILINE)
"""`**Label:**` or `**Label**:` at the start of a line."""

_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[A-Z0-9\"'(\[*])|\n\s*\n|\n(?=[ \t]*(?:[-*|#>]|\d+[.)] ))")
_ABBREVIATED = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|cf|no|nos|art|sec|para|vs|dr|mr|mrs|ms|st|approx|u\.s)|\b[A-Z])\.$",
    re.IGNORECASE)
_LIST_NUMBER = re.compile(r"\s*\d+\.")
_ABBREVIATION_CHARS = 10
"""No abbreviation in `_ABBREVIATED` is longer, so only the end of a sentence is looked at."""


class Span(NamedTuple):
    """A half-open range of characters."""

    start: int
    end: int


class Section(NamedTuple):
    """A heading with the text up to the next heading of any level."""

    heading: str
    """Without numbering and markup; empty for text before the first heading."""
    level: int
    """1 to 6; 0 for text before the first heading."""
    body: Span
    """Trimmed: neither end is white space."""


def sections(text: str) -> list[Section]:
    """All sections with a non-empty body, in document order. Headings inside fenced code are not known apart."""
    marks = list(_HEADING.finditer(text))
    edges = [(0, 0, "")] + [(mark.end(), len(mark[1]), clean_heading(mark[2])) for mark in marks]
    ends = [mark.start() for mark in marks] + [len(text)]
    found = [Section(heading, level, trimmed(text, Span(start, end)))
             for (start, level, heading), end in zip(edges, ends, strict=True)]
    return [section for section in found if section.body.start < section.body.end]


def title_of(text: str) -> str:
    """The first level-1 heading, or nothing: a lower heading names a part."""
    top = next((mark for mark in _HEADING.finditer(text) if mark[1] == "#"), None)
    return clean_heading(top[2]) if top else ""


def plain(text: str) -> str:
    """`text` on one line without Markdown emphasis, links (kept: their text), code marks and HTML tags."""
    return " ".join(html.unescape(_MARKUP.sub(lambda mark: mark[1] or "", text)).split())


def clean_heading(heading: str) -> str:
    """`heading` without its number and markup: "3.1 **Where** it goes" -> "Where it goes"."""
    whole = plain(heading)
    return _NUMBERING.sub("", whole).strip(" .:") or whole


def sentences(text: str, within: Span) -> list[Span]:
    """The sentences and list items of a span, trimmed, in order; a table row is one item.

    A full stop after an abbreviation, a single letter or a list number does not end a sentence. This is a rule of
    thumb for English: an unusual abbreviation cuts a sentence short, never joins two.
    """
    found: list[Span] = []
    start = within.start
    for mark in _SENTENCE_END.finditer(text, within.start, within.end):
        if "\n" not in mark.group() and _goes_on(text, start, mark.start()):
            continue
        found.append(trimmed(text, Span(start, mark.end())))
        start = mark.end()
    found.append(trimmed(text, Span(start, within.end)))
    return [span for span in found if span.start < span.end]


def _goes_on(text: str, start: int, stop: int) -> bool:
    """Whether the full stop before `stop` ends an abbreviation or a list number, not a sentence."""
    return bool(_ABBREVIATED.search(text[max(start, stop - _ABBREVIATION_CHARS):stop])
                or _LIST_NUMBER.fullmatch(text, start, stop))


def labelled(text: str, within: Span, labels: tuple[str, ...]) -> dict[str, Span]:
    """What follows each `**Label:**` up to the next such label; a label that is absent or empty is left out."""
    marks = list(_LABEL.finditer(text, within.start, within.end))
    ends = [mark.start() for mark in marks[1:]] + [within.end]
    spans = {mark[1].lower(): trimmed(text, Span(mark.end(), end)) for mark, end in zip(marks, ends, strict=False)}
    return {label: spans[label.lower()] for label in labels
            if label.lower() in spans and spans[label.lower()].start < spans[label.lower()].end}


def trimmed(text: str, span: Span) -> Span:
    """`span` without white space at its ends (empty, at its start, when there is nothing else)."""
    inside = text[span.start:span.end]
    left = span.start + len(inside) - len(inside.lstrip())
    return Span(left, max(left, span.end - (len(inside) - len(inside.rstrip()))))
