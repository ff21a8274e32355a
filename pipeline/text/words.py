"""Words and word n-grams as 64-bit hashes, for whole collections of texts at once.

A word is a maximal run of letters, digits and underscores of the lower-cased text, as
`re.findall(r"\\w+", text.lower())` finds them; an ideograph or kana is a word by itself, because
those scripts write no blanks between words. Hashes are ours and fixed: nothing stored depends on a
library's `hash()`.

Two texts share an n-gram when its hashes are equal; among a million n-grams the chance of one false
match is about 10**-8 (64 bits, birthday bound).

Shape letters: D documents, W words in all of them.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from pipeline.text.unicode_classes import DOTTED_I, IDEOGRAPHIC, SIGMA, character_classes, small_letters

F = TypeVar("F", bound=Callable[..., Any])
U64 = NDArray[np.uint64]
I64 = NDArray[np.int64]

FNV_OFFSET, FNV_PRIME = np.uint64(0xCBF29CE484222325), np.uint64(0x100000001B3)
"""FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/"""
MIX_1, MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
"""SplitMix64's finaliser: Steele, Lea, Flood 2014, doi:10.1145/2660193.2660195"""
GRAM_BASE = np.uint64(0x9E3779B97F4A7C15)
"""Odd multiplier of the polynomial over word hashes (2**64 over the golden ratio)."""

_IDEOGRAPHS = "".join(f"{chr(first)}-{chr(last)}" for first, last in IDEOGRAPHIC)
WORD = re.compile(rf"(?=\w)[{_IDEOGRAPHS}]|(?:(?![{_IDEOGRAPHS}])\w)+")


class Ragged(NamedTuple):
    """Hashes of many documents end to end; document d has `flat[offsets[d]:offsets[d + 1]]`."""

    flat: U64
    offsets: I64
    """(D + 1,)"""

    def of(self, document: int) -> U64:
        """The hashes of one document, in text order."""
        return self.flat[self.offsets[document]:self.offsets[document + 1]]


def words_of(text: str) -> list[str]:
    """The words themselves, as `word_hashes` sees them; the slow way, for evidence."""
    return WORD.findall(text.lower())


def word_hashes(texts: Sequence[str]) -> Ragged:
    """The hash of every word of every text."""
    return joined([_hashes_of(text) for text in texts])


def ngram_set(text: str, size: int) -> U64:
    """The distinct n-gram hashes of one text, ascending."""
    words = _hashes_of(text)
    count = max(len(words) - size + 1, 0)
    grams = _ngrams(words, np.array([0, len(words)], np.int64), np.array([0, count], np.int64), size)
    grams.sort()
    return _distinct(grams)


def batches(texts: Sequence[str], max_chars: int) -> Iterator[tuple[int, list[str]]]:
    """(place of the first, texts): consecutive texts of at most `max_chars` together, or one longer text.

    So that what is computed for all of them never has to be in memory for all at once. `texts` is read once,
    in order, one text at a time: it may lie on a disk.
    """
    first, batch, chars = 0, list[str](), 0
    for place in range(len(texts)):
        text = texts[place]
        if batch and chars + len(text) > max_chars:
            yield first, batch
            first, batch, chars = place, [], 0
        batch.append(text)
        chars += len(text)
    if batch:
        yield first, batch


def code_points(text: str) -> NDArray[np.uint32]:
    """The code points of `text`; of one type whatever they are, so that a kernel is compiled once."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def small_code_points(text: str) -> NDArray[np.uint32]:
    """The code points of `text.lower()`, which itself takes three times as long where a text is not ASCII."""
    if DOTTED_I in text or SIGMA in text:
        return code_points(text.lower())
    return _looked_up(code_points(text), small_letters())


def _hashes_of(text: str) -> U64:
    return _words(small_code_points(text), character_classes())


def joined(parts: Sequence[U64]) -> Ragged:
    """One `Ragged` out of the hashes of each document."""
    offsets = np.zeros(len(parts) + 1, np.int64)
    np.cumsum([len(part) for part in parts], out=offsets[1:])
    return Ragged(np.concatenate([np.empty(0, np.uint64), *parts]), offsets)


def ngram_hashes(words: Ragged, size: int) -> Ragged:
    """The hash of every run of `size` words within a document; shorter documents have none."""
    counts = np.maximum(np.diff(words.offsets) - (size - 1), 0)
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    return Ragged(_ngrams(words.flat, words.offsets, offsets, size), offsets)


def compiled(kernel: F) -> F:
    """`kernel` compiled by numba when it is first called (about half a second each, kept in memory only)."""
    return cast(F, numba.njit(kernel))


@compiled
def mix(value: np.uint64) -> np.uint64:
    """Spread every input bit over all 64 output bits."""
    value = (value ^ (value >> np.uint64(30))) * MIX_1
    value = (value ^ (value >> np.uint64(27))) * MIX_2
    return value ^ (value >> np.uint64(31))


@compiled
def free_or_equal(keys: U64, wanted: np.uint64) -> np.uint64:
    """Where `wanted` is in the open table `keys`, or the free place for it. The table is never full; 0 is free."""
    mask = np.uint64(len(keys) - 1)
    slot = wanted & mask
    while keys[slot] != 0 and keys[slot] != wanted:
        slot = (slot + np.uint64(1)) & mask
    return slot


@compiled
def _looked_up(points: NDArray[np.uint32], table: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """`table[points]`, without numpy's copy of `points` as another type."""
    found = np.empty(len(points), np.uint32)
    for place in range(len(points)):
        found[place] = table[points[place]]
    return found


@compiled
def table_size(entries: int) -> int:
    """Of an open table for so many: a power of two, at most two thirds full."""
    size = 8
    while size * 2 < entries * 3:
        size *= 2
    return size


@compiled
def _words(points: NDArray[np.uint32], classes: NDArray[np.uint8]) -> U64:
    """Word hashes of one text given as code points. classes: 0 between words, 1 in a word, 2 a word itself."""
    found = np.empty(len(points), np.uint64)
    count = 0
    state = FNV_OFFSET
    inside = False
    for point in points:
        kind = classes[point]
        if inside and kind != 1:
            found[count] = mix(state)
            count += 1
            inside = False
        if kind != 0:
            state = ((state if inside else FNV_OFFSET) ^ np.uint64(point)) * FNV_PRIME
            inside = kind == 1
            if kind == 2:
                found[count] = mix(state)
                count += 1
    if inside:
        found[count] = mix(state)
        count += 1
    return found[:count].copy()


@compiled
def _ngrams(flat: U64, starts: I64, targets: I64, size: int) -> U64:
    """mix(size * B**size + w[0] * B**(size - 1) + ... + w[size - 1]), the sum rolled from word to word."""
    found = np.empty(targets[-1], np.uint64)
    power = np.uint64(1)
    for _ in range(size):
        power *= GRAM_BASE
    for document in range(len(starts) - 1):
        start, target = starts[document], targets[document]
        value = np.uint64(0)
        for word in range(starts[document + 1] - start):
            value = value * GRAM_BASE + flat[start + word]
            if word >= size:
                value -= flat[start + word - size] * power
            if word >= size - 1:
                found[target + word - size + 1] = mix(value + np.uint64(size) * power)
    return found


@compiled
def _distinct(ascending: U64) -> U64:
    """Without repeats; in place."""
    count = 0
    for value in ascending:
        if count == 0 or ascending[count - 1] != value:
            ascending[count] = value
            count += 1
    return ascending[:count]
