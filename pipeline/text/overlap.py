"""Word n-grams that documents share with evaluation items.

Hashes find candidates over whole collections; the words themselves decide, so no hash collision can
drop a document.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from pipeline.text.words import Ragged, ngram_hashes, word_hashes, words_of

Gram = tuple[str, ...]


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
            grams = list(_grams(words_of(text), size, min_words))
            for gram in grams:
                self.items[gram].add(item_id)
            seen.add(item_id)
            checked |= {item_id} if grams else set()
        self.unchecked = sorted(seen - checked)

    def overlaps(self, texts: list[str]) -> Iterator[Overlap]:
        """The documents among `texts` that share an n-gram with an item, in order."""
        words = word_hashes(texts)
        suspects: set[int] = set()
        for size in sorted({len(gram) for gram in self.items}):
            wanted = word_hashes([" ".join(gram) for gram in self.items if len(gram) == size])
            suspects |= _documents_with(words, ngram_hashes(wanted, size), size)
        for document in sorted(suspects):
            found = self._best(texts[document])
            if found:
                yield Overlap(document, *found)

    def _best(self, text: str) -> tuple[str, int] | None:
        words = words_of(text)
        shared: dict[str, int] = defaultdict(int)
        for size in {len(gram) for gram in self.items}:
            for gram in {tuple(words[start:start + size]) for start in range(len(words) - size + 1)}:
                for item_id in self.items.get(gram, ()):
                    shared[item_id] += 1
        return min(shared.items(), key=lambda pair: (-pair[1], pair[0]), default=None)


def _grams(words: list[str], size: int, min_words: int) -> Iterator[Gram]:
    if len(words) < size:
        if len(words) >= min_words:
            yield tuple(words)
        return
    for start in range(len(words) - size + 1):
        yield tuple(words[start:start + size])


def _documents_with(words: Ragged, wanted: Ragged, size: int) -> set[int]:
    """Documents that have one of the `wanted` n-gram hashes."""
    grams = ngram_hashes(words, size)
    places = np.flatnonzero(np.isin(grams.flat, wanted.flat))
    return set((np.searchsorted(grams.offsets, places, "right") - 1).tolist())
