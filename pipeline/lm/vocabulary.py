"""How well a tokenizer fits text, and which pieces it should learn next.

Fertility is tokens per word (Rust et al. 2021, doi:10.18653/v1/2021.acl-long.243), a word being a run
without blanks. New pieces are found by going on with byte-pair merges where the tokenizer stopped
(Sennrich et al. 2016, doi:10.18653/v1/P16-1162): the pair of tokens that stands together most often
inside words becomes one, again and again. A merge saves exactly as many tokens as the pair occurs.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from transformers import PreTrainedTokenizerBase

Units = tuple[int, ...]
"""Token ids of a word; ids from the size of the vocabulary up are proposed pieces."""
Pair = tuple[int, int]


class Fit(NamedTuple):
    """Counts of a text under a tokenizer; they add up."""

    tokens: int
    words: int
    num_bytes: int

    @property
    def fertility(self) -> float:
        """Tokens per word."""
        return self.tokens / max(1, self.words)

    @property
    def bytes_per_token(self) -> float:
        """UTF-8 bytes a token stands for."""
        return self.num_bytes / max(1, self.tokens)


class Piece(NamedTuple):
    """A proposed entry of the vocabulary."""

    pair: Pair
    saved: int
    """Tokens it saves of the text it was found in, given the pieces before it."""


def fit(counts: Counter[Units], texts: Iterable[str]) -> Fit:
    """The counts of texts whose words are `counts`."""
    texts = list(texts)
    return Fit(sum(len(units) * count for units, count in counts.items()), sum(len(text.split()) for text in texts),
               sum(len(text.encode()) for text in texts))


def word_units(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]) -> Counter[Units]:
    """How often each word occurs, as the tokenizer cuts it.

    Words are what the tokenizer itself keeps apart; one that cuts none (SentencePiece without
    pre-tokenizer) is cut where a token starts with a blank.
    """
    counts: Counter[Units] = Counter()
    if not texts:
        return counts
    encoded = tokenizer(list(texts), add_special_tokens=False, verbose=False)
    starts: dict[int, bool] = {}
    for number, ids in enumerate(encoded["input_ids"]):
        words = encoded.encodings[number].word_ids
        unit: list[int] = []
        for place, token in enumerate(ids):
            if place and (words[place] != words[place - 1] or _starts_word(tokenizer, token, starts)):
                counts[tuple(unit)] += 1
                unit = []
            unit.append(token)
        if unit:
            counts[tuple(unit)] += 1
    return counts


def new_pieces(counts: Counter[Units], first_id: int, most: int, min_saved: int,
               allowed: Iterable[int]) -> list[Piece]:
    """The next merges, best first; ties go to the lower ids, so the same text gives the same list.

    Args:
        first_id: id of the first new piece; piece number n has `first_id + n`.
        allowed: tokens that may be part of a piece (not special ones).
    """
    plain = set(allowed)
    words, often = [list(units) for units in counts], list(counts.values())
    found: Counter[Pair] = Counter()
    where: defaultdict[Pair, set[int]] = defaultdict(set)
    for index, word in enumerate(words):
        for pair in _pairs(word, plain):
            found[pair] += often[index]
            where[pair].add(index)
    # counts change as pieces are made: an entry that no longer holds is passed over when it comes up
    heap = [(-count, pair) for pair, count in found.items()]
    heapq.heapify(heap)
    pieces: list[Piece] = []
    while heap and len(pieces) < most:
        count, pair = heapq.heappop(heap)
        if found[pair] != -count:
            continue
        if -count < min_saved:
            break
        new = first_id + len(pieces)
        pieces.append(Piece(pair, -count))
        plain.add(new)
        changed: set[Pair] = set()
        for index in sorted(where[pair]):
            before = _pairs(words[index], plain)
            words[index] = merged(words[index], pair, new)
            after = _pairs(words[index], plain)
            for old in before:
                found[old] -= often[index]
            for fresh in after:
                found[fresh] += often[index]
                where[fresh].add(index)
            changed.update(before, after)
        for each in changed:
            if found[each] > 0:
                heapq.heappush(heap, (-found[each], each))
    return pieces


def with_pieces(counts: Counter[Units], pieces: Sequence[Piece], first_id: int) -> Counter[Units]:
    """The words as they are cut once the vocabulary has `pieces`."""
    place = {piece.pair: number for number, piece in enumerate(pieces)}
    cut: Counter[Units] = Counter()
    for units, count in counts.items():
        word = list(units)
        while nexts := [place[pair] for pair in pairwise(word) if pair in place]:
            word = merged(word, pieces[min(nexts)].pair, first_id + min(nexts))
        cut[tuple(word)] += count
    return cut


def merged(word: Sequence[int], pair: Pair, new: int) -> list[int]:
    """`word` with every `pair`, from the left, as `new`."""
    out: list[int] = []
    place = 0
    while place < len(word):
        if tuple(word[place:place + 2]) == pair:
            out.append(new)
            place += 2
        else:
            out.append(word[place])
            place += 1
    return out


def parts_of_pieces(pieces: Sequence[Piece], first_id: int) -> list[list[int]]:
    """The tokens of the present vocabulary that each piece stands for."""
    parts: dict[int, list[int]] = {}
    for number, (left, right) in enumerate(piece.pair for piece in pieces):
        parts[first_id + number] = [*parts.get(left, [left]), *parts.get(right, [right])]
    return list(parts.values())


def _pairs(word: Sequence[int], plain: set[int]) -> list[Pair]:
    """Neighbours that may be joined; of `a a a` only the pairs that a merge from the left would join."""
    found: list[Pair] = []
    place = 0
    while place < len(word) - 1:
        pair = (word[place], word[place + 1])
        joined = word[place] in plain and word[place + 1] in plain
        if joined:
            found.append(pair)
        overlap = joined and pair[0] == pair[1] and place + 2 < len(word) and word[place + 2] == pair[0]
        place += 2 if overlap else 1
    return found


def _starts_word(tokenizer: PreTrainedTokenizerBase, token: int, known: dict[int, bool]) -> bool:
    if token not in known:
        known[token] = str(tokenizer.convert_ids_to_tokens(token)).startswith("\u2581")
    return known[token]
