"""spaCy's English tokens of many texts: each distinct run of characters between blanks is split once.

spaCy's tokeniser cuts a text at white space and splits each run by rules that see that run alone, so the
tokens of a text are those of its runs, one run after the other; and most runs of a collection are repeats.

One pass of spaCy's looks across blanks: it puts the marks of an emoticon together again (`: )` stays two
tokens, but it can hide a shorter one beside it). Such a text may differ from spaCy's in a token.

Tokens that are white space are left out, as datatrove does.

Shape letters: T tokens of a text, R runs in it.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.stage.lean import without
from pipeline.text.arrays import grown
from pipeline.text.runs import UNKNOWN, RunNumbers, Runs, runs_of
from pipeline.text.words import batches, compiled

with without("torch"):
    import spacy
    from spacy.attrs import IDX
    from spacy.lang.lex_attrs import is_punct

I32 = NDArray[np.int32]
I64 = NDArray[np.int64]

MAX_RUNS = 200_000
"""Distinct runs remembered, about 100 MB with spaCy's own notes on them; then, before the next texts are read, all
are forgotten."""
BATCH_CHARS = 1 << 20
"""Characters of texts that are read at once: about 20 MB while they are."""
SEPARATOR = "\n"
"""Stands between the texts that are read at once."""
GAP = re.compile(r"(\s+)")
NEW_SENTENCE = re.compile("e[ep]*w")
"""spaCy's sentencizer over marks: e ends a sentence, p is another punctuation mark, w is no punctuation."""
WORDS = "[A-Za-z]+(?:[-/][A-Za-z]+)*(?:-[0-9]+)*"
FIGURES = "[0-9]+(?:[-.,:][0-9]+)*|[0-9]+(?:/[0-9]+)+|[0-9]+/[A-Za-z]+/[0-9]+(?::[0-9]+)*"
"""Numbers, dates, times and their ranges; not `8.8.8.8/4-2`, which spaCy takes for a web address."""
END = r"(?:(?<=[a-z0-9])\.|(?<=[A-Z]{2})\.|(?<=[0-9])%|['’]s|)"
"""What closes a word or figure before marks do: a full stop, per cent, the genitive."""
MARKS = """
, ; : ! ? ) ] " ” * ** ` _ … — ' ’ ), ); ). )” )** )] ], ]; ]. ]: ]) ", "; ". ") ”, ”; ”. ”) *, *; *. *) **, **; **. **)
,* ;* ,** ;** !** ?** ,” ," !” !" ?” ?" !) ?) `, `. `; `) _, _) ,_ ),** );** ).”
""".split()  # noqa: SIM905  # marks in quotation marks are hard to read
"""Closing marks, none of which makes an emoticon with what stands before it, as `):` and `._.` do."""
PLAIN = re.compile(rf"""([(\["“`_]|\*{{0,2}})({WORDS}|{FIGURES})({END}(?:{"|".join(map(re.escape, MARKS))}|))""")
"""Opening marks, words or figures, closing marks: three quarters of all different runs."""
CLOSING = re.compile("['’]s|.")
"""The tokens of closing marks."""
INFIX = re.compile("((?<=[A-Za-z])-(?=[A-Za-z])|/(?=[A-Za-z])|(?<=[0-9])-(?=[0-9]))")
"""Where spaCy cuts what stands between the marks of a PLAIN run."""
BETWEEN = "\n\n"
"""Stands between runs that spaCy splits in one call; a token of its own, so that no rule sees two runs."""
LONGEST_UNIT = 4
"""Of the units of measure that spaCy takes off a figure, in ASCII letters: `mbar`, `km/h`."""
NO_SUFFIX = re.compile("[A-Za-z]+|.*[0-9]", re.DOTALL)
"""The end of a run that none of spaCy's suffix rules takes: they take letters after a figure or an apostrophe, and
never a figure. To ask the rules is slow, and every run that spaCy splits ends with an answer of none."""
LONGEST_SUFFIX = 12
"""More than spaCy takes off at once, with what its rules look at before it: all but dots, of which it takes any
number. To search no more than this end of a run is quicker, above all for links."""
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
        return next(self.read_all([text]))

    def read_all(self, texts: Sequence[str]) -> Iterator["Tokenised"]:
        """Each of `texts` with its tokens, in order; quicker than one by one."""
        for _, batch in batches(texts, BATCH_CHARS):
            if len(self._known) > MAX_RUNS:
                self._known = KnownRuns(self._symbols, self._stop_words)
            yield from _tokenised(batch, self._known)


@dataclass(frozen=True)
class Tokenised:
    """A text and its tokens."""

    text: str
    counts: Counts
    """Sums over the tokens."""
    lengths: I32
    """(T,) characters of each token."""
    points: NDArray[np.uint32]
    """The code points of all tokens, end to end: those of the text without its white space."""
    known: "KnownRuns"

    def sentences(self, line: str) -> int:
        """Sentences of `line`, a part of the text, as spaCy's sentencizer counts them."""
        *pieces, last = GAP.split(line)
        marks = iter(self.known.marks_of(line))
        whole = "".join((next(marks) if run else "") + ("" if gap == " " else "w")
                        for run, gap in zip(pieces[::2], pieces[1::2], strict=True))
        whole += next(marks) if last else ""
        return 1 + len(NEW_SENTENCE.findall(whole)) if whole else 0


def _tokenised(texts: Sequence[str], known: "KnownRuns") -> Iterator[Tokenised]:
    """The texts with their tokens, found for all at once: for a short text calls cost more than their work."""
    whole = SEPARATOR.join(texts)
    runs = runs_of(whole)
    numbers = known.numbers(whole, runs)
    begins = np.cumsum([0, *(len(text) + len(SEPARATOR) for text in texts)])
    bounds = np.searchsorted(runs.starts, begins)
    tokens = _before(known.starts[numbers + 1] - known.starts[numbers])[bounds].tolist()
    points = _before(runs.ends - runs.starts)[bounds].tolist()
    lengths = _gather(numbers, known.starts, known.lengths)
    sums = _reduced(np.add, known.sums[numbers], bounds).tolist()
    stop_words = _reduced(np.bitwise_or, known.stop_words[numbers], bounds).tolist()
    for place, text in enumerate(texts):
        yield Tokenised(text, Counts._make((*sums[place], stop_words[place].bit_count())),
                        lengths[tokens[place]:tokens[place + 1]], runs.points[points[place]:points[place + 1]], known)


def _before(counts: I64) -> I64:
    """(n + 1,) the sum of all `counts` before each, and of all."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])


def _reduced(function: np.ufunc, rows: NDArray[Any], bounds: I64) -> NDArray[Any]:
    """`function` over `rows[bounds[n]:bounds[n + 1]]` for each n; 0 for no rows."""
    found: NDArray[Any] = function.reduceat(np.concatenate([rows, np.zeros_like(rows, shape=(1, *rows.shape[1:]))]),
                                            bounds[:-1])
    found[np.diff(bounds) == 0] = 0
    return found


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
    end = run[-LONGEST_SUFFIX:]
    return None if NO_SUFFIX.fullmatch(end[-LONGEST_UNIT - 1:]) else search(run if end.startswith(".") else end)


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
        self._slashed = re.compile("|".join(re.escape(rule) for rule in self._rules if "/" in rule))
        self._kinds: dict[str, Kind] = {}
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
        tokens = list(chain.from_iterable(split))
        place = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
        which = np.fromiter(map(place.__getitem__, tokens), np.int64, len(tokens))
        self._kinds |= {token: self._kind_of(token) for token in place.keys() - self._kinds.keys()}
        chars, spelled, alphabetic, stop_bits, marks = zip(*map(self._kinds.__getitem__, place), strict=True)
        lengths = np.array(chars, np.int32)
        kinds = np.stack([np.ones_like(lengths), spelled, lengths * spelled, alphabetic], axis=1)
        ends = np.cumsum(np.fromiter(map(len, split), np.int64, len(split)))
        starts = np.concatenate([np.zeros(1, np.int64), ends[:-1]])
        all_marks = "".join(map(marks.__getitem__, which.tolist()))
        self._marks += [all_marks[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
        self._append(np.add.reduceat(kinds[which], starts),
                     np.bitwise_or.reduceat(np.array(stop_bits, np.uint64)[which], starts), ends, lengths[which])

    def _append(self, sums: I64, stop_words: NDArray[np.uint64], ends: I64, lengths: I32) -> None:
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
        if plain:
            opening, core, closing = plain.groups()
            inner = [core] if core.isalnum() else INFIX.split(core)
            # the last word with its marks too: `a.` is an exception, also in `plan-a.`
            exceptions = [run, core, opening + core, *(part + closing[:end] for part in (core, inner[-1])
                                                       for end in range(1, len(closing) + 1))]
            if self._rules.keys().isdisjoint(exceptions) and not ("/" in core and self._slashed.search(core)):
                return [*opening, *inner, *CLOSING.findall(closing)]
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
