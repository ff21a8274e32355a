"""Exact repeated chunks: paragraphs that several documents carry word for word."""

import re
from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import xxhash
from numpy.typing import NDArray

BREAK = re.compile(r"(\n[ \t\f]*\n\s*|\f)")
"""Blank lines or a page break; kept when a text is split, so that joining gives it back."""
LOW_BITS = (1 << 64) - 1
HEADING = re.compile(r"(#{1,6})[ \t]+\S")


class Trimmed(NamedTuple):
    """A text after repeated chunks or lines were taken out."""

    text: str
    """Unchanged if nothing was removed; empty if nothing but headings would be left."""
    removed_share: float
    """Characters of what was repeated among all characters."""
    removed: int = 0
    """Chunks, or lines, that were repeated."""


def without_repeats(texts: Sequence[str], min_chars: int) -> Iterator[Trimmed]:
    """`texts`, given from best to worst, each without the chunks that an earlier one has.

    Chunks are compared with runs of white space made one blank; only those of at least `min_chars`
    characters count. A chunk repeated within one text stays.

    In memory: 8 bytes a chunk at first, then the keys of those that occur more than once.

    Args:
        texts: gone through twice, one at a time; they may lie on a disk.
    """
    likely = _likely_repeated(texts, min_chars)
    seen: set[int] = set()
    for place in range(len(texts)):
        text = texts[place]
        if not likely.texts[place]:
            yield Trimmed(text, 0.0)
            continue
        pieces = _pieces(text, min_chars)
        keys = [_key(chunk, min_chars) for chunk in pieces[::2]]
        repeated = [key is not None and key in seen for key in keys]
        seen.update(key for key in keys if key is not None and key & LOW_BITS in likely.lows)
        left = ["" if gone else chunk for chunk, gone in zip(pieces[::2], repeated, strict=True)]
        yield trimmed(text, pieces, left, sum(repeated)) if any(repeated) else Trimmed(text, 0.0)


class Likely(NamedTuple):
    """What may be repeated; by chance of another key too, which costs memory and time only."""

    lows: set[int]
    """The low bits of keys that occur more than once."""
    texts: NDArray[np.bool_]
    """Whether each text has one of them."""


def _likely_repeated(texts: Sequence[str], min_chars: int) -> Likely:
    lows, ends = array("Q"), array("Q")
    for place in range(len(texts)):
        lows.extend(key & LOW_BITS for chunk in _pieces(texts[place], min_chars)[::2]
                    if (key := _key(chunk, min_chars)) is not None)
        ends.append(len(lows))
    found = np.frombuffer(lows, np.uint64)
    ordered = np.sort(found)
    repeated = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    with_one = np.searchsorted(np.frombuffer(ends, np.uint64), np.flatnonzero(np.isin(found, repeated)), "right")
    marked = np.zeros(len(texts), np.bool_)
    marked[with_one] = True
    return Likely(set(repeated.tolist()), marked)


def _pieces(text: str, min_chars: int) -> list[str]:
    """Chunks at even places, the breaks after them at odd ones; a text too short for a chunk that counts is one."""
    return BREAK.split(text) if len(text) >= min_chars else [text]


def _key(chunk: str, min_chars: int) -> int | None:
    if len(chunk) < min_chars:  # and shorter still with its white space folded
        return None
    words = " ".join(chunk.split())
    return xxhash.xxh3_128_intdigest(words.encode("utf-8", "surrogatepass")) if len(words) >= min_chars else None


def trimmed(text: str, pieces: list[str], left: list[str], count: int) -> Trimmed:
    """`text` with less in its chunks; a heading that has nothing below it any more goes too.

    Args:
        pieces: chunks at even places, the breaks after them at odd ones.
        left: what stays of each chunk.
        count: of the repeated chunks or lines.
    """
    chunks = pieces[::2]
    removed = sum(map(len, chunks)) - sum(map(len, left))
    emptied = [bool(chunk.strip()) and not rest.strip() for chunk, rest in zip(chunks, left, strict=True)]
    bare_already = _bare_headings(chunks, [False] * len(chunks))
    gone = [out or (now and not already)
            for out, now, already in zip(emptied, _bare_headings(left, emptied), bare_already, strict=True)]
    kept = [(rest, after) for rest, after, out in zip(left, [*pieces[1::2], ""], gone, strict=True) if not out]
    if not any(rest.strip() and not _level(rest) for rest, _ in kept):
        return Trimmed("", removed / len(text), count)
    return Trimmed("".join(rest + after for rest, after in kept).strip(), removed / len(text), count)


def _bare_headings(chunks: list[str], gone: list[bool]) -> list[bool]:
    """Whether each chunk is a heading with nothing below it: next is a heading as high, or the end.

    From the end, so that a heading over bare headings only is bare too.
    """
    bare = [False] * len(chunks)
    next_level = 1
    for place in range(len(chunks) - 1, -1, -1):
        chunk = chunks[place].strip()
        if gone[place] or not chunk:
            continue
        level = _level(chunk)
        bare[place] = 0 < next_level <= level
        if not bare[place]:
            next_level = level
    return bare


def _level(chunk: str) -> int:
    """1 to 6 for a chunk that is a heading and nothing else, else 0."""
    mark = HEADING.match(chunk.strip())
    return len(mark[1]) if mark and "\n" not in chunk.strip() else 0
