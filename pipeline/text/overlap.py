"""Word n-grams that documents share with evaluation items.

Hashes find candidates over whole collections; the words themselves decide, so no hash collision can
drop a document.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.text.plain import as_read, readings
from pipeline.text.words import Ragged, batches, ngram_hashes, word_hashes, words_of

Gram = tuple[str, ...]

BATCH_CHARS = 2_000_000
WORD_CHARS = 32
"""Of a word with what stands behind it, generously: as far as an n-gram over a hyphen may reach on either side."""
MARK_BITS = 22
"""4 MB of marks: 100,000 n-grams set 2 % of them, so that 98 % of other n-grams cost one look."""


class Known(NamedTuple):
    """Hashes to be found again."""

    ordered: NDArray[np.uint64]
    """Ascending, without repeats."""
    marks: NDArray[np.bool_]
    """(2**MARK_BITS,) True where one of them has these upper bits."""


class Overlap(NamedTuple):
    """What one document shares with evaluation items."""

    document: int
    item_id: str
    """The item with most shared n-grams; the first by id among equals."""
    num_grams: int
    """Distinct n-grams shared with that item."""


class EvalGrams:
    """The n-grams of evaluation items, by length."""

    def __init__(self, fields: Iterable[tuple[str, str]], size: int, min_words: int) -> None:
        """Collect n-grams of `size` words; a shorter field counts as one n-gram of its own length.

        Args:
            fields: (item id, text of one of its fields); n-grams do not cross fields.
            min_words: shorter fields are left out: they occur anywhere.
        """
        self.items: dict[Gram, set[str]] = defaultdict(set)
        self.unchecked: list[str] = []
        checked: set[str] = set()
        seen: set[str] = set()
        for item_id, text in fields:
            grams = list(_grams(words_of(as_read(text)), size, min_words))
            for gram in grams:
                self.items[gram].add(item_id)
            seen.add(item_id)
            checked |= {item_id} if grams else set()
        self.unchecked = sorted(seen - checked)

    def overlaps(self, texts: Sequence[str]) -> Iterator[Overlap]:
        """The documents among `texts` that share an n-gram with an item, in order, in one of their `readings`."""
        wanted = self._wanted()
        for first, batch in batches(texts, BATCH_CHARS):
            read = [readings(text, max(wanted, default=0) * WORD_CHARS) for text in batch]
            place_of = [place for place, ways in enumerate(read) for _ in ways]
            words = word_hashes([way for ways in read for way in ways])
            suspects = {place_of[way] for size, known in wanted.items() for way in _documents_with(words, known, size)}
            for place in sorted(suspects):
                found = self._best(read[place])
                if found:
                    yield Overlap(first + place, *found)

    def _wanted(self) -> dict[int, Known]:
        """The hashes of the items' n-grams by their length."""
        by_size: dict[int, list[str]] = defaultdict(list)
        for gram in self.items:
            by_size[len(gram)].append(" ".join(gram))
        return {size: known(ngram_hashes(word_hashes(grams), size).flat) for size, grams in sorted(by_size.items())}

    def _best(self, ways: list[str]) -> tuple[str, int] | None:
        """(item id, n-grams) of the item that shares most with a text, read in any of `ways`."""
        read = [words_of(way) for way in ways]
        shared: dict[str, int] = defaultdict(int)
        for size in {len(gram) for gram in self.items}:
            grams = {tuple(words[start:start + size]) for words in read for start in range(len(words) - size + 1)}
            for gram in grams & self.items.keys():
                for item_id in self.items[gram]:
                    shared[item_id] += 1
        return min(shared.items(), key=lambda pair: (-pair[1], pair[0]), default=None)


def _grams(words: list[str], size: int, min_words: int) -> Iterator[Gram]:
    if len(words) < size:
        if len(words) >= min_words:
            yield tuple(words)
        return
    for start in range(len(words) - size + 1):
        yield tuple(words[start:start + size])


def known(hashes: NDArray[np.uint64]) -> Known:
    """`hashes` as a set to look many others up in."""
    ordered = np.unique(hashes)
    marks = np.zeros(1 << MARK_BITS, np.bool_)
    marks[ordered >> np.uint64(64 - MARK_BITS)] = True
    return Known(ordered, marks)


def _documents_with(words: Ragged, wanted: Known, size: int) -> list[int]:
    """Documents that have one of the `wanted` n-gram hashes."""
    grams = ngram_hashes(words, size)
    likely = np.flatnonzero(wanted.marks[grams.flat >> np.uint64(64 - MARK_BITS)])
    places = likely[np.isin(grams.flat[likely], wanted.ordered)]
    return np.unique(np.searchsorted(grams.offsets, places, "right") - 1).tolist()
