"""spaCy's English tokens of many texts: each distinct run of characters between blanks is split once.

spaCy's tokeniser cuts a text at white space and splits each run by rules that see that run alone, so the
tokens of a text are those of its runs, one run after the other; and most runs of a collection are repeats.

One pass of spaCy's looks across blanks: it puts the marks of an emoticon together again (`: )` stays two
tokens, but it can hide a shorter one beside it). Such a text may differ from spaCy's in a token.

Tokens that are white space are left out, as datatrove does.

Shape letters: T tokens of a text, R runs in it.
"""

import re
from collections.abc import Callable, Collection, Sequence
from functools import cache, cached_property, partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import spacy
from numpy.typing import NDArray
from spacy.attrs import IDX
from spacy.lang.lex_attrs import is_punct

from pipeline.text.runs import UNKNOWN, RunNumbers, Runs, grown, runs_of
from pipeline.text.words import compiled

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
BETWEEN = "\n\n"
"""Stands between runs that spaCy splits in one call; a token of its own, so that no rule sees two runs."""
LONGEST_UNIT = 4
"""Of the units of measure that spaCy takes off a figure, in ASCII letters: `mbar`, `km/h`."""
NO_SUFFIX = re.compile("[A-Za-z]+|.*[0-9]", re.DOTALL)
"""The end of a run that none of spaCy's suffix rules takes: they take letters after a figure or an apostrophe, and
never a figure. To ask the rules is slow, and every run that spaCy splits ends with an answer of none."""
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
    def _runs(self) -> Runs:
        """What stands between blanks."""
        return runs_of(self.text)

    @cached_property
    def _run_numbers(self) -> I64:
        """(R,) the number of each run in `_known`."""
        return self._known.numbers(self.text, self._runs)

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
    def points(self) -> NDArray[np.uint32]:
        """The code points of all tokens, end to end: those of the text without its white space."""
        return self._runs.points

    def sentences(self, line: str) -> int:
        """Sentences of `line`, a part of the text, as spaCy's sentencizer counts them."""
        *pieces, last = GAP.split(line)
        marks = iter(self._known.marks_of(line))
        whole = "".join((next(marks) if run else "") + ("" if gap == " " else "w")
                        for run, gap in zip(pieces[::2], pieces[1::2], strict=True))
        whole += next(marks) if last else ""
        return 1 + len(NEW_SENTENCE.findall(whole)) if whole else 0


class Kind(NamedTuple):
    """What of a token is counted."""

    chars: int
    spelled: bool
    alphabetic: bool
    stop_bit: int
    mark: str
    """See NEW_SENTENCE."""


def _suffix(search: Callable[[str], re.Match[str] | None], run: str) -> re.Match[str] | None:
    """What `search`, spaCy's rules, finds at the end of `run`."""
    return None if NO_SUFFIX.fullmatch(run[-LONGEST_UNIT - 1:]) else search(run)


def _english() -> tuple[Any, frozenset[str]]:
    """spaCy's tokenizer, made quick, and the marks that end a sentence."""
    language: Any = spacy.blank("en")
    language.vocab.lex_attr_getters = {}  # shape, norm and the like of every new token: a third of the time
    language.tokenizer.suffix_search = partial(_suffix, language.tokenizer.suffix_search)
    return language.tokenizer, frozenset(language.add_pipe("sentencizer").punct_chars)


class KnownRuns:
    """Runs by number, and what their tokens add up to. Runs asked for the first time are split by spaCy and noted."""

    def __init__(self, symbols: frozenset[str], stop_words: tuple[str, ...]) -> None:
        """No run is known yet."""
        self._numbers = RunNumbers()
        self._symbols = symbols
        self._stop_bits = {word: 1 << place for place, word in enumerate(stop_words)}
        self._split, self._ends = _english()
        self._rules = self._split.rules
        self._kind = cache(self._kind_of)
        self._marks: list[str] = []
        self.sums = np.zeros((1, len(Counts._fields) - 1), np.int32)
        """(known, 4) the sums of `Counts` but stop words."""
        self.stop_words = np.zeros(1, np.uint64)
        self.starts = np.zeros(2, np.int64)
        self.lengths = np.zeros(1, np.int32)
        """Characters of the tokens of run r: `lengths[starts[r]:starts[r + 1]]`."""

    def __len__(self) -> int:
        return len(self._numbers)

    def numbers(self, text: str, runs: Runs) -> I64:
        """(R,) the number of each of the `runs` of `text`."""
        found = self._numbers.of(runs.hashes)
        unknown = np.flatnonzero(found == UNKNOWN)
        if len(unknown):
            new = unknown[np.unique(runs.hashes[unknown], return_index=True)[1]]
            self._note([text[start:end] for start, end in zip(runs.starts[new], runs.ends[new], strict=True)])
            self._numbers.add(runs.hashes[new])
            found = self._numbers.of(runs.hashes)
        return found

    def marks_of(self, line: str) -> list[str]:
        """For each run of `line` the marks (see NEW_SENTENCE) of its tokens."""
        return [self._marks[number] for number in self.numbers(line, runs_of(line))]

    def _note(self, runs: Sequence[str]) -> None:
        """Split `runs`, the next to be numbered, and sum up their tokens."""
        split = self._tokens(runs)
        chars, spelled, alphabetic, stop_bits, marks = zip(*(self._kind(token) for tokens in split for token in tokens),
                                                           strict=True)
        ends = np.cumsum([len(tokens) for tokens in split])
        starts = np.concatenate([np.zeros(1, np.int64), ends[:-1]])
        sums = np.add.reduceat(np.stack([np.ones(len(chars), np.int64), spelled, np.multiply(chars, spelled),
                                         alphabetic], axis=1), starts)
        all_marks = "".join(marks)
        self._marks += [all_marks[start:end] for start, end in zip(starts, ends, strict=True)]
        self._append(sums, np.bitwise_or.reduceat(np.array(stop_bits, np.uint64), starts), ends, chars)

    def _append(self, sums: I64, stop_words: NDArray[np.uint64], ends: I64, lengths: Sequence[int]) -> None:
        """Rows of the next runs; `ends`: of the tokens of each in `lengths`."""
        first, last, begin = len(self), len(self) + len(sums), self.starts[len(self)]
        self.sums, self.stop_words = grown(self.sums, last), grown(self.stop_words, last)
        self.starts, self.lengths = grown(self.starts, last + 1), grown(self.lengths, begin + len(lengths))
        self.sums[first:last], self.stop_words[first:last] = sums, stop_words
        self.starts[first + 1:last + 1] = begin + ends
        self.lengths[begin:begin + len(lengths)] = lengths

    def _kind_of(self, token: str) -> Kind:
        return Kind(len(token), not self._symbols.issuperset(token), any(map(str.isalpha, token)),
                    self._stop_bits.get(token, 0), "e" if token in self._ends else "p" if is_punct(token) else "w")

    def _tokens(self, runs: Sequence[str]) -> list[list[str]]:
        """The tokens of each run, plain ones without asking spaCy."""
        split = [self._plain(run) for run in runs]
        asked = [place for place, tokens in enumerate(split) if not tokens]
        for place, tokens in zip(asked, self._by_spacy([runs[place] for place in asked]), strict=True):
            split[place] = tokens
        return split

    def _plain(self, run: str) -> list[str]:
        """Tokens of a run that spaCy's rules leave one way to split; none for others."""
        plain = PLAIN.fullmatch(run)
        # the last word with its mark too: `a.` is an exception, also in `plan-a.`
        if plain and self._rules.keys().isdisjoint((run, plain[2], plain[1] + plain[2], plain[2] + plain[3],
                                                    plain[2].rpartition("-")[2] + plain[3])):
            return [token for token in (plain[1], *HYPHEN.split(plain[2]), plain[3]) if token]
        return [run] if REFUSED in run else []

    def _by_spacy(self, runs: Sequence[str]) -> list[list[str]]:
        """The tokens of each run, in one call."""
        text = BETWEEN.join(runs)
        starts = self._split(text).to_array([IDX]).tolist()
        split: list[list[str]] = [[] for _ in runs]
        place = 0
        for start, end in pairwise([*starts, len(text)]):
            token = text[start:end]
            if token == BETWEEN:
                place += 1
            else:
                split[place].append(token)
        return split


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
