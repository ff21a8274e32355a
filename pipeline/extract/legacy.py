"""Which encoding bytes are in that are no UTF-8 and say nothing of themselves.

Western text in Windows-1252 is the rule there, and its letters beyond ASCII stand alone between others: "Prüfung".
Cyrillic and East Asian text is made of such bytes. An encoding is told when all bytes are valid in it and its letters
are those its language uses most, be they small or capital; else none is, and the caller's rule for Western text holds.
"""

import re
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

JUDGED_BYTES = 20_000
"""Bytes that are looked at, of the lines that have others than ASCII."""
RUN = re.compile(rb"[\x80-\xff]{2,}")
LAST_SINGLE = re.compile(rb".*[\x00-\x2f]", re.DOTALL)
"""Up to the last byte that is in no encoding below the second of a pair, or the fourth of four."""
BEYOND_ASCII = re.compile(rb"[\x80-\xff]+")
MOST_IN_RUNS = 0.6
"""Share of the bytes beyond ASCII with another beside them, from which a text is not taken for Western."""
FEWEST_LETTERS = 10
FEWEST_DIFFERENT = 8
"""Letters below which nothing is told. Lines that programs for DOS drew are one letter many times."""
KANA = range(0x3041, 0x30FF)
OFTEN_CYRILLIC = frozenset("оеаинтсрвлкмдпуія")
"""Four of five letters of Russian, Ukrainian and Bulgarian prose."""
MOST_OF_ONE = 0.25
"""Share of the letters that one of them has at most: in a drawn table of DOS the line across is read as a letter."""
MOST_FLIPS = 0.05
"""Share of the letters that may be capitals after small ones: "дОГОВОР" is another encoding's "Договор"."""
CYRILLIC_WORD = re.compile(r"[^\W\d_A-Za-z]{2,}")
FEWEST_HANJA = 0.15
"""Share of the letters, in Chinese characters that a Korean text mixes in, that are too rare in a Chinese one."""


class Candidate(NamedTuple):
    """An encoding, and what its texts are made of."""

    encoding: str
    is_typical: Callable[[str], bool]
    """Of a letter beyond ASCII."""
    share: float
    """Of such letters, typical ones: at least this."""
    fewest: int = FEWEST_LETTERS
    """Letters that it takes to tell; a text of fewer that fits is in no encoding that can be told."""
    is_language: Callable[[str], bool] = bool
    """Of the whole text."""


def _area(encoding: str, first: int, last: int, trail: int) -> Callable[[str], bool]:
    """Whether a letter is a pair that begins with one of these bytes, the second byte from `trail` on."""
    def is_inside(letter: str) -> bool:
        pair = letter.encode(encoding)
        return len(pair) == 2 and first <= pair[0] <= last and pair[1] >= trail
    return is_inside


_is_hanja = _area("cp949", 0xD8, 0xFD, 0xA1)


def _is_mixed_korean(text: str) -> bool:
    letters = _letters(text)
    return sum(map(_is_hanja, letters)) >= FEWEST_HANJA * len(letters)


def _is_cyrillic(text: str) -> bool:
    """No single letter stands out, and no capitals are inside of words in small letters."""
    letters = _letters(text)
    pairs = [pair for word in CYRILLIC_WORD.findall(text) for pair in pairwise(word)]
    flips = sum(first.islower() and second.isupper() for first, second in pairs)
    return (flips <= MOST_FLIPS * len(letters)
            and Counter(map(str.lower, letters)).most_common(1)[0][1] <= MOST_OF_ONE * len(letters))


def _letters(text: str) -> list[str]:
    return [letter for letter in text if letter > "\x7f" and letter.isalpha()]


def _is_often_cyrillic(letter: str) -> bool:
    return letter.lower() in OFTEN_CYRILLIC


CANDIDATES = (
    Candidate("cp932", lambda letter: ord(letter) in KANA, 0.2),
    Candidate("euc_jp", lambda letter: ord(letter) in KANA, 0.2),
    # Hangul of KS X 1001; a short Chinese text may lie there by chance
    Candidate("cp949", _area("cp949", 0xB0, 0xC8, 0xA1), 0.95, 24),
    Candidate("big5", _area("big5", 0xA4, 0xC6, 0x40), 0.95),  # its 5,401 characters in common use
    # with Chinese characters among the Hangul
    Candidate("cp949", _area("cp949", 0xB0, 0xC8, 0xA1), 0.35, is_language=_is_mixed_korean),
    Candidate("gb18030", _area("gb18030", 0xB0, 0xD7, 0xA1), 0.6),  # the 3,755 of level 1 of GB 2312
)
"""Japanese first, since only its texts have kana; then by how narrow the area is."""
CYRILLIC = (
    Candidate("cp1251", _is_often_cyrillic, 0.75, is_language=_is_cyrillic),
    Candidate("koi8_u", _is_often_cyrillic, 0.75, is_language=_is_cyrillic),  # KOI8-R and four letters of Ukrainian
)
"""Both may fit: the one with the greater share of typical letters is told."""


def legacy_encoding(data: bytes) -> str | None:
    """The encoding of bytes that are no UTF-8; None when none is told. Looks at 20,000 bytes at most."""
    sample = _sample(data)
    if not _is_dense(sample) or _mostly_utf8(sample):
        return None
    for candidate in CANDIDATES:
        fit = _fit(sample, candidate)
        if fit is not None:
            return candidate.encoding if fit.num_letters >= candidate.fewest else None
    fits = [(fit.share, candidate.encoding) for candidate in CYRILLIC if (fit := _fit(sample, candidate))
            and fit.num_letters >= candidate.fewest]
    return max(fits)[1] if fits else None


class _Fit(NamedTuple):
    """How a text fits an encoding."""

    num_letters: int
    share: float
    """Of typical ones."""


def _fit(sample: bytes, candidate: Candidate) -> _Fit | None:
    try:
        text = sample.decode(candidate.encoding)
    except UnicodeDecodeError:
        return None
    letters = _letters(text)
    if len(set(letters)) < FEWEST_DIFFERENT:
        return None
    share = sum(map(candidate.is_typical, letters)) / len(letters)
    return _Fit(len(letters), share) if share >= candidate.share and candidate.is_language(text) else None


def _is_dense(sample: bytes) -> bool:
    beyond = len(sample) - len(BEYOND_ASCII.sub(b"", sample))
    return beyond > 0 and sum(map(len, RUN.findall(sample))) >= MOST_IN_RUNS * beyond


def is_damaged_utf8(data: bytes) -> bool:
    """Whether bytes that are no UTF-8 are mostly that all the same, judged as by `legacy_encoding`."""
    sample = _sample(data)
    return not sample.isascii() and _mostly_utf8(sample)


def _mostly_utf8(sample: bytes) -> bool:
    """Most letters beyond ASCII are valid: the bytes of other encodings seldom are."""
    letters = [letter for letter in sample.decode("utf-8", "replace") if letter > "\x7f"]
    return letters.count("\ufffd") < len(letters) / 2


def _sample(data: bytes) -> bytes:
    """The first lines that have bytes beyond ASCII; a line that is cut ends before a byte that is no part of a pair."""
    lines, size = [], 0
    for line in data.split(b"\n"):
        if not line.isascii():
            lines.append(line)
            size += len(line) + 1
        if size > JUDGED_BYTES:
            break
    sample = b"\n".join(lines)[:JUDGED_BYTES]
    end = LAST_SINGLE.match(sample) if size > JUDGED_BYTES else None
    return end[0] if end else sample
