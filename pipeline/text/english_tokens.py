"""spaCy's English tokens of many texts: each distinct run of characters between blanks is split once.

spaCy's tokeniser cuts a text at white space and splits each run by rules that see that run alone, so the
tokens of a text are those of its runs, one run after the other; and most runs of a collection are repeats.

One pass of spaCy's looks across blanks: it puts the marks of an emoticon together again (`: )` stays two
tokens, but it can hide a shorter one beside it). Such a text may differ from spaCy's in a token.

Tokens that are white space are left out, as datatrove does.

Shape letters: T tokens of a text, R runs in it.
"""

import re
from collections.abc import Collection
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import spacy
from numpy.typing import NDArray

from pipeline.text.words import code_points, compiled

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]

MAX_RUNS = 200_000
"""Distinct runs remembered, about 100 MB with spaCy's own notes on them; then all are forgotten."""
GAP = re.compile(r"(\s+)")
NEW_SENTENCE = re.compile("e[ep]*w")
"""spaCy's sentencizer over marks: e ends a sentence, p is another punctuation mark, w is no punctuation."""
PLAIN = re.compile(r"""([(\["]?)([A-Za-z]+(?:-[A-Za-z]+)*|[0-9]+)([,;:!?)\]"]|(?<=[a-z0-9])\.|)""")
"""Opening mark, words with hyphens between them or a number, closing mark: two thirds of all different runs."""
HYPHEN = re.compile("(-)")
SENTENCE_ENDS, MARKS = frozenset(".!?"), frozenset("([\"-,;:)]")
REFUSED = "IS_ALPHA"
"""A name spaCy reserves, and fails on now and then. A run with it is one token here; datatrove takes it out when
spaCy fails."""


class Counts(NamedTuple):
    """Sums over the tokens of a text."""

    tokens: int
    spelled: int
    """Tokens that are not symbols alone."""
    spelled_chars: int
    """Characters of those."""
    alphabetic: int
    """Tokens with a letter."""
    stop_words: int
    """Distinct stop words among the tokens."""


class EnglishTokens:
    """Reads texts; remembers runs. What it remembers changes no answer."""

    def __init__(self, symbols: Collection[str], stop_words: Collection[str]) -> None:
        """Load spaCy's English rules.

        Args:
            symbols: characters that make no word.
            stop_words: at most 60, as written.
        """
        self._symbols, self._stop_words = frozenset(symbols), tuple(stop_words)
        self._known = KnownRuns(self._symbols, self._stop_words)

    def read(self, text: str) -> "Tokenised":
        """`text` with its tokens."""
        if len(self._known) > MAX_RUNS:
            self._known = KnownRuns(self._symbols, self._stop_words)
        return Tokenised(text, self._known)


class Tokenised:
    """A text whose tokens are found when first asked for."""

    def __init__(self, text: str, known: "KnownRuns") -> None:
        """`known` must outlive what is asked here."""
        self.text, self._known = text, known

    @cached_property
    def _run_numbers(self) -> I64:
        """(R,) the number of each run in `_known`."""
        runs = self.text.split()
        return np.fromiter(map(self._known.__getitem__, runs), np.int64, len(runs))

    @cached_property
    def counts(self) -> Counts:
        """Sums over the tokens."""
        runs = self._run_numbers
        tokens, spelled, chars, alphabetic = self._known.sums[runs].sum(axis=0, dtype=np.int64).tolist()
        stop_words = int(np.bitwise_or.reduce(self._known.stop_words[runs], initial=0)).bit_count()
        return Counts(tokens, spelled, chars, alphabetic, stop_words)

    @cached_property
    def lengths(self) -> I32:
        """(T,) characters of each token."""
        return _gather(self._run_numbers, self._known.starts, self._known.lengths)

    @cached_property
    def points(self) -> NDArray[np.uint8] | NDArray[np.uint32]:
        """The code points of all tokens, end to end: those of the text without its white space."""
        return code_points("".join(self.text.split()))

    def sentences(self, line: str) -> int:
        """Sentences of `line`, a part of the text, as spaCy's sentencizer counts them."""
        *pieces, last = GAP.split(line)
        marks = [self._known.marks_of(run) + ("" if gap == " " else "w")
                 for run, gap in zip(pieces[::2], pieces[1::2], strict=True)]
        whole = "".join(marks) + self._known.marks_of(last)
        return 1 + len(NEW_SENTENCE.findall(whole)) if whole else 0


class KnownRuns(dict[str, int]):
    """Run -> its number. A run asked for the first time is split by spaCy and noted."""

    def __init__(self, symbols: frozenset[str], stop_words: tuple[str, ...]) -> None:
        """No run is known yet."""
        super().__init__()
        self._symbols = symbols
        self._stop_bits = {word: 1 << place for place, word in enumerate(stop_words)}
        language: Any = spacy.blank("en")
        self._split, self._rules = language.tokenizer, language.tokenizer.rules
        self._ends = language.add_pipe("sentencizer").punct_chars
        self._marks = [""]
        self.sums = np.zeros((1, len(Counts._fields) - 1), np.int32)
        """(known, 4) the sums of `Counts` but stop words."""
        self.stop_words = np.zeros(1, np.uint64)
        self.starts = np.zeros(2, np.int64)
        self.lengths = np.zeros(1, np.int32)
        """Characters of the tokens of run r: `lengths[starts[r]:starts[r + 1]]`."""
        self[""] = 0

    def __missing__(self, run: str) -> int:
        """Note `run`."""
        number = self[run] = len(self)
        tokens = self._tokens(run)
        spelled = [token for token, _ in tokens if not self._symbols.issuperset(token)]
        self._make_room(number, len(tokens))
        self.sums[number] = (len(tokens), len(spelled), sum(map(len, spelled)),
                             sum(any(map(str.isalpha, token)) for token, _ in tokens))
        self.stop_words[number] = sum(self._stop_bits.get(token, 0) for token in {token for token, _ in tokens})
        start = self.starts[number]
        self.starts[number + 1] = start + len(tokens)
        self.lengths[start:start + len(tokens)] = [len(token) for token, _ in tokens]
        self._marks.append("".join(mark for _, mark in tokens))
        return number

    def marks_of(self, run: str) -> str:
        """A mark (see NEW_SENTENCE) for each token of `run`."""
        return self._marks[self[run]]

    def _tokens(self, run: str) -> list[tuple[str, str]]:
        """Tokens with their marks; plain runs without asking spaCy, whose rules leave one way to split them."""
        plain = PLAIN.fullmatch(run)
        if plain and self._rules.keys().isdisjoint((run, plain[2], plain[1] + plain[2], plain[2] + plain[3])):
            return [(token, "e" if token in SENTENCE_ENDS else "p" if token in MARKS else "w")
                    for token in (plain[1], *HYPHEN.split(plain[2]), plain[3]) if token]
        if REFUSED in run:
            return [(run, "w")]
        return [(token.text, "e" if token.text in self._ends else "p" if token.is_punct else "w")
                for token in self._split(run)]

    def _make_room(self, number: int, tokens: int) -> None:
        """Double the tables that are full."""
        if number >= len(self.sums):
            self.sums = np.concatenate([self.sums, np.zeros_like(self.sums)])
            self.stop_words = np.concatenate([self.stop_words, np.zeros_like(self.stop_words)])
            self.starts = np.concatenate([self.starts, np.zeros_like(self.starts)])
        needed = self.starts[number] + tokens
        while needed > len(self.lengths):
            self.lengths = np.concatenate([self.lengths, np.zeros_like(self.lengths)])


@compiled
def _gather(runs: I64, starts: I64, lengths: I32) -> I32:
    count = 0
    for run in runs:
        count += starts[run + 1] - starts[run]
    found = np.empty(count, np.int32)
    count = 0
    for run in runs:
        for place in range(starts[run], starts[run + 1]):
            found[count] = lengths[place]
            count += 1
    return found
