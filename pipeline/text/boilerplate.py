"""Boilerplate lines: footers, disclaimers and the like that stand in a large share of a source's documents.

A kernel finds the lines that may count and hashes them (64 bits); what is removed is decided by the line itself
(128 bits of it), so that a chance hit removes nothing. Only whole sentences or paragraphs go: of text that is broken
into lines of one width, the common lines of a sentence go together or stay.

Shape letters: L lines of a text.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import xxhash
from numpy.typing import NDArray

from pipeline.schema.curate_dedup import Boilerplate
from pipeline.text.chunks import BREAK, Trimmed, trimmed
from pipeline.text.unicode_classes import code_point_table
from pipeline.text.words import FNV_OFFSET, FNV_PRIME, code_points, compiled, mix

U64 = NDArray[np.uint64]
I64 = NDArray[np.int64]
OTHER, BLANK, LETTER, MARK = 0, 1, 2, 3
"""Classes of characters; a mark of emphasis is no part of a line."""
MARKS = re.compile(r"[*_]+")
LINE_FEED, FORM_FEED, HASH, BAR, COLON, BACKTICK, TILDE, STAR, EQUALS, HYPHEN = map(ord, "\n\f#|:`~*=-")
Span = tuple[int, int]
FIELD_CHARS = 40
EDGE_CHARS = 200
"""Looked at before and behind a line, to see whether a sentence goes on over its edge."""
LINE_BREAK = re.compile(r"[^\S\n\f]*\n[^\S\n\f]*")
PARAGRAPH_BEFORE = re.compile(r"(?:\A|\n[^\S\n]*\n|\f)\s*\Z")
PARAGRAPH_AFTER = re.compile(r"[^\S\n]*(?:\Z|\n[^\S\n]*(?:\n|\Z)|\f)")
SENTENCE_END = re.compile(r"[.!?:;|][\"'”’)\]*_]*\s*\Z")


class Lines(NamedTuple):
    """The lines of a text that may be boilerplate, in order."""

    hashes: U64
    """(L,) of their characters without marks, white space made one blank."""
    starts: I64
    ends: I64
    """(L,) of their first character that is no blank, and behind their last one."""


def lines_of(text: str, min_letters: int) -> Lines:
    """Lines with so many letters, but for headings, labels, fields, rows of tables and code.

    A heading starts with `#`, stands wholly in bold or is underlined, a label ends with a colon, a field has one among
    its first FIELD_CHARS characters, a row starts with `|`, code stands between fences: they repeat because documents
    are of one kind.
    """
    return Lines(*_lines(code_points(text), _classes(), min_letters))


def boilerplate(texts: Sequence[str], sources: Sequence[str], common: Boilerplate) -> dict[str, U64]:
    """Source -> hashes of its boilerplate lines, ascending; sources without any are left out.

    In memory: 8 bytes a line that may count.
    """
    found: dict[str, list[U64]] = {}
    documents: dict[str, int] = {}
    for place, source in enumerate(sources):
        documents[source] = documents.get(source, 0) + 1
        found.setdefault(source, []).append(np.unique(lines_of(texts[place], common.min_letters).hashes))
    known = {source: _frequent(np.concatenate(hashes), max(common.min_documents, common.min_share * documents[source]))
             for source, hashes in found.items()}
    return {source: hashes for source, hashes in known.items() if len(hashes)}


def _frequent(hashes: U64, count: float) -> U64:
    values, counts = np.unique(hashes, return_counts=True)
    return values[counts >= count]


class BoilerplateRemover:
    """Leaves each boilerplate line of a source in the first document that has it, and takes it out of the others."""

    def __init__(self, known: Mapping[str, U64], min_letters: int) -> None:
        """`known`: source -> hashes of its lines, ascending."""
        self.known, self.min_letters = known, min_letters
        self.seen: set[tuple[str, bytes]] = set()

    def trimmed(self, text: str, source: str) -> Trimmed:
        """`text` without what earlier texts of `source` had; a line repeated within the text is one line."""
        if source not in self.known:
            return Trimmed(text, 0.0)
        lines = lines_of(text, self.min_letters)
        likely = np.flatnonzero(np.isin(lines.hashes, self.known[source]))
        keys = [(source, _key(text[lines.starts[at]:lines.ends[at]])) for at in likely]
        known = [(int(lines.starts[at]), int(lines.ends[at])) for at, key in zip(likely, keys, strict=True)
                 if key in self.seen]
        self.seen.update(keys)
        gone = [start for run in _runs(text, known) if _is_whole(text, run[0][0], run[-1][1]) for start, _ in run]
        return _without(text, gone) if gone else Trimmed(text, 0.0)


def _runs(text: str, lines: list[Span]) -> list[list[Span]]:
    """Lines that follow each other, together."""
    runs: list[list[Span]] = []
    for line in lines:
        if runs and LINE_BREAK.fullmatch(text, runs[-1][-1][1], line[0]):
            runs[-1].append(line)
        else:
            runs.append([line])
    return runs


def _is_whole(text: str, start: int, end: int) -> bool:
    """Whether no sentence goes on over the edges of a span of lines.

    Before it stands a blank line or the end of a sentence; behind it a blank line, or it ends a sentence, or the next
    line does not begin with a small letter.
    """
    before, after = text[max(0, start - EDGE_CHARS):start], text[end:end + EDGE_CHARS]
    begins = PARAGRAPH_BEFORE.search(before) or SENTENCE_END.search(before)
    ends = PARAGRAPH_AFTER.match(after) or SENTENCE_END.search(text[start:end])
    return bool(begins and (ends or not after.lstrip()[:1].islower()))


def _key(line: str) -> bytes:
    words = " ".join(MARKS.sub("", line).split())
    return xxhash.xxh3_128_digest(words.encode("utf-8", "surrogatepass"))


def _without(text: str, gone: Iterable[int]) -> Trimmed:
    """`text` without the lines whose first character that is no blank is at one of these places."""
    left, place, starts = [], 0, set(gone)
    pieces = BREAK.split(text)
    for number, piece in enumerate(pieces):
        if number % 2 == 0:
            left.append(_kept_lines(piece, place, starts))
        place += len(piece)
    return trimmed(text, pieces, left, len(starts))


def _kept_lines(chunk: str, place: int, gone: set[int]) -> str:
    """The lines of `chunk`, which begins at `place` of the text, that do not start at one of `gone`."""
    kept = []
    for line in chunk.split("\n"):
        if place + len(line) - len(line.lstrip()) not in gone:
            kept.append(line)
        place += len(line) + 1
    return "\n".join(kept)


@cache
def _classes() -> NDArray[np.uint8]:
    return code_point_table([r"\s", r"[^\W\d_]", r"[*_]"], OTHER, BLANK)


@compiled
def _lines(points: NDArray[np.uint32], classes: NDArray[np.uint8], min_letters: int) -> tuple[U64, I64, I64]:
    most = len(points) // max(min_letters, 1) + 1
    hashes, starts, ends = np.empty(most, np.uint64), np.empty(most, np.int64), np.empty(most, np.int64)
    count, fenced = 0, False
    begin = 0
    while begin < len(points):
        stop = begin
        while stop < len(points) and points[stop] != LINE_FEED and points[stop] != FORM_FEED:
            stop += 1
        first, last = begin, stop
        while first < last and classes[points[first]] == BLANK:
            first += 1
        while last > first and classes[points[last - 1]] == BLANK:
            last -= 1
        if _is_fence(points, first, last):
            fenced = not fenced
        elif (not fenced and last - first >= min_letters and not _is_kept(points, classes, first, last)
              and not _is_underlined(points, stop + 1)):
            hashed, letters = _hashed(points[first:last], classes)
            if letters >= min_letters:
                hashes[count], starts[count], ends[count] = hashed, first, last
                count += 1
        begin = stop + 1
    return hashes[:count], starts[:count], ends[:count]


@compiled
def _is_fence(points: NDArray[np.uint32], first: int, last: int) -> bool:
    return last - first >= 3 and (points[first] == BACKTICK or points[first] == TILDE) and (
        points[first] == points[first + 1] == points[first + 2])


@compiled
def _is_kept(points: NDArray[np.uint32], classes: NDArray[np.uint8], first: int, last: int) -> bool:
    """A heading, a row of a table, a label, a field, or all in bold."""
    if points[last - 1] == STAR and points[first] == STAR and points[first + 1] == STAR and points[last - 2] == STAR:
        return True
    for place in range(first, min(first + FIELD_CHARS, last)):
        if points[place] == COLON and (place + 1 == last or classes[points[place + 1]] in (BLANK, MARK)):
            return True
    while last > first and classes[points[last - 1]] == MARK:
        last -= 1
    return points[first] == HASH or points[first] == BAR or points[last - 1] == COLON


@compiled
def _is_underlined(points: NDArray[np.uint32], below: int) -> bool:
    """Whether the line that begins at `below` is of three signs or more of an underline."""
    if below + 2 >= len(points) or not points[below] == points[below + 1] == points[below + 2]:
        return False
    return points[below] == EQUALS or points[below] == HYPHEN or points[below] == TILDE


@compiled
def _hashed(points: NDArray[np.uint32], classes: NDArray[np.uint8]) -> tuple[np.uint64, int]:
    """(hash, letters) of a line; marks do not count, white space is one blank."""
    state, letters, blank = FNV_OFFSET, 0, False
    for point in points:
        kind = classes[point]
        if kind == BLANK:
            blank = True
        elif kind != MARK:
            if blank:
                state = (state ^ np.uint64(32)) * FNV_PRIME
                blank = False
            state = (state ^ np.uint64(point)) * FNV_PRIME
            letters += kind == LETTER
    return mix(state), letters
