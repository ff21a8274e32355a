"""Which encoding bytes are in that are no UTF-8 and say nothing of themselves.

Western text in Windows-1252 is the rule there, and its letters beyond ASCII stand alone between others: "Prüfung".
Cyrillic and East Asian text is made of such bytes. An encoding is told when all bytes are valid in it and its letters
are those its language uses most; else none is, and the caller's rule for Western text holds.
"""

import re
from collections.abc import Callable
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
OFTEN_CYRILLIC = frozenset("оеаинтсрвлкмдпу")
"""Four of five letters of Russian, Ukrainian and Bulgarian prose."""


class Candidate(NamedTuple):
    """An encoding, and what its texts are made of."""

    encoding: str
    is_typical: Callable[[str], bool]
    """Of a letter beyond ASCII."""
    share: float
    """Of such letters, typical ones: at least this."""
    fewest: int = FEWEST_LETTERS
    """Letters that it takes to tell; a text of fewer that fits is in no encoding that can be told."""


def _area(encoding: str, first: int, last: int, trail: int) -> Callable[[str], bool]:
    """Whether a letter is a pair that begins with one of these bytes, the second byte from `trail` on."""
    def is_inside(letter: str) -> bool:
        pair = letter.encode(encoding)
        return len(pair) == 2 and first <= pair[0] <= last and pair[1] >= trail
    return is_inside


CANDIDATES = (
    Candidate("cp932", lambda letter: ord(letter) in KANA, 0.2),
    Candidate("euc_jp", lambda letter: ord(letter) in KANA, 0.2),
    # Hangul of KS X 1001; a short Chinese text may lie there by chance
    Candidate("cp949", _area("cp949", 0xB0, 0xC8, 0xA1), 0.95, 24),
    Candidate("big5", _area("big5", 0xA4, 0xC6, 0x40), 0.95),  # its 5,401 characters in common use
    Candidate("gb18030", _area("gb18030", 0xB0, 0xD7, 0xA1), 0.6),  # the 3,755 of level 1 of GB 2312
    Candidate("cp1251", OFTEN_CYRILLIC.__contains__, 0.7),
    Candidate("koi8_u", OFTEN_CYRILLIC.__contains__, 0.7),  # KOI8-R with the four letters that Ukrainian has beside
)
"""Japanese first, since only its texts have kana; then by how narrow the area is."""


def legacy_encoding(data: bytes) -> str | None:
    """The encoding of bytes that are no UTF-8; None when none is told. Looks at 20,000 bytes at most."""
    sample = _sample(data)
    if not _is_dense(sample) or _mostly_utf8(sample):
        return None
    for candidate in CANDIDATES:
        try:
            text = sample.decode(candidate.encoding)
        except UnicodeDecodeError:
            continue
        letters = [letter for letter in text if letter > "\x7f" and letter.isalpha()]
        if len(set(letters)) < FEWEST_DIFFERENT:
            continue
        if sum(map(candidate.is_typical, letters)) >= candidate.share * len(letters):
            return candidate.encoding if len(letters) >= candidate.fewest else None
    return None


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
