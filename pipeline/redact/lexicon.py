"""What is known of a word before it is read in its sentence: a listed name, a word of ordinary text.

A list knows few of the names there are, so the tagger must not lean on it. In training a fixed part of
every list is hidden (`partly_hidden`): those words are met as unknown, and have to be told by their
letters and their company. In use nothing is hidden.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

from pipeline.redact.words import fold
from pipeline.schema.errors import BadInput

LISTS = ("given", "surnames", "seen", "common")
"""Bit 0 .. 3 of a word's knowledge."""
NUM_KNOWN = 1 << len(LISTS)
SEEN, COMMON = 2, 20
"""Times a word stands in small letters in the general text."""
SMALL_WORD = re.compile(r"(?<![^\W\d_]['’])\b[a-z]{2,}\b")
FILE = "lexicon.json"


class Lexicon(NamedTuple):
    """Folded words of each list."""

    given: frozenset[str]
    surnames: frozenset[str]
    seen: frozenset[str]
    common: frozenset[str]

    def knows(self, word: str) -> int:
        """0 .. NUM_KNOWN - 1: a bit for each list that holds the word."""
        folded = fold(word)
        return sum(1 << bit for bit, words in enumerate(self) if folded in words)


NO_LEXICON = Lexicon(*(frozenset[str](),) * len(LISTS))


def make_lexicon(
    given: Iterable[str],
    surnames: Iterable[str],
    paragraphs: Iterable[str],
    words: Iterable[str],
    common: Iterable[str],
) -> Lexicon:
    """The lists as sets, and to the words those that `paragraphs` often have in small letters."""
    counts = Counter(word for paragraph in paragraphs for word in SMALL_WORD.findall(paragraph))
    seen, often = (frozenset(word for word, count in counts.items() if count >= least) for least in (SEEN, COMMON))
    return Lexicon(_names(given), _names(surnames), seen | frozenset(words), often | frozenset(common))


def partly_hidden(lexicon: Lexicon, hidden_names: float, hidden_words: float) -> Lexicon:
    """Without a share of its names, and of its words; which ones depends on the word alone."""
    given, surnames, seen, common = lexicon
    return Lexicon(
        _rest(given, hidden_names),
        _rest(surnames, hidden_names),
        _rest(seen, hidden_words),
        _rest(common, hidden_words),
    )


def save_lexicon(lexicon: Lexicon, folder: Path) -> None:
    """`lexicon.json` into an existing folder."""
    lists = {name: sorted(words) for name, words in zip(LISTS, lexicon, strict=True)}
    (folder / FILE).write_text(json.dumps(lists, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")


def load_lexicon(folder: Path) -> Lexicon:
    """The lexicon in `folder`.

    Raises:
        BadInput: there is none, or it lacks a list.
    """
    try:
        lists = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return Lexicon(*(frozenset(map(str, lists[name])) for name in LISTS))
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise BadInput(str(folder / FILE), f"not a lexicon ({err})", do="run the stage pii_model") from err


def _names(names: Iterable[str]) -> frozenset[str]:
    return frozenset(fold(part) for name in names for part in re.split(r"[\s-]", name) if len(part) > 1)


def _rest(words: frozenset[str], hidden: float) -> frozenset[str]:
    return frozenset(word for word in words if crc32(word.encode()) % 1000 >= 1000 * hidden)
