"""What a reader sees of a text: no invisible characters, look-alike signs made plain for the patterns.

Two forms, because two readers want different things. The tagger gets the text without invisible
characters. Patterns also get full-width and look-alike letters, foreign digits, odd hyphens and hard
spaces as their ASCII twins: one character for one, so that places stay the same.
"""

import unicodedata
from typing import NamedTuple

from pipeline.text.plain import INVISIBLE, has_invisible

_TWINS = {
    "-": "\u2010\u2011\u2012\u2013\u2212\ufe63\u00b7",
    " ": "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u3000",
    ".": "\u2024\u3002\uff61",
    "@": "\ufe6b",
}
_LOOK_ALIKES = (
    ("АВСЕНІЈКМОРЅТХУԚԜΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABCEHIJKMOPSTXYQWABEZHIKMNOPTYX"),
    ("аеорсухіјѕԁһԛԝαορυι", "aeopcyxijsdhqwaopui"),
    # letters that a pattern without regard to capitals takes for these
    ("\u0130\u0131\u017f\u212a", "IisK"),
)
_FULL_WIDTH = range(0xFF01, 0xFF5F)
_DIGITS = (0x660, 0x6F0, 0x966, 0x9E6, 0xE50, 0x1D7CE)
"""First code points of digits: Arabic, Persian, Devanagari, Bengali, Thai, mathematical."""
ASCII_TWINS = {
    **{ord(odd): plain for plain, odds in _TWINS.items() for odd in odds},
    **{ord(odd): plain for odds, plains in _LOOK_ALIKES for odd, plain in zip(odds, plains, strict=True)},
    **{code: unicodedata.normalize("NFKC", chr(code)) for code in _FULL_WIDTH},
    **{first + digit: str(digit) for first in _DIGITS for digit in range(10)},
}


class _Shapes(dict[int, str]):
    """Shape of a character by its code point."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        other = letter if letter.isascii() else "?"
        self[code] = "a" if letter.isalpha() else "0" if letter.isdecimal() else " " if letter.isspace() else other
        return self[code]


_SHAPES = _Shapes()


class Visible(NamedTuple):
    """A text without invisible characters."""

    text: str
    places: list[int] | None
    """Place in the original of each character, and of the end; None where nothing was left out."""

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Where a span that is not empty lies in the original; what is invisible inside belongs to it."""
        if self.places is None:
            return start, end
        return self.places[start], self.places[end - 1] + 1


def visible(text: str) -> Visible:
    """`text` as it is seen."""
    if not has_invisible(text):
        return Visible(text, None)
    places = [place for place, letter in enumerate(text) if not INVISIBLE.match(letter)]
    return Visible("".join(text[place] for place in places), places)


def plain(text: str) -> str:
    """`text` with ASCII twins; as long as before."""
    return text if text.isascii() else text.translate(ASCII_TWINS)


def shape(text: str) -> str:
    """`text` with every letter an "a", every digit a "0", every blank a space; as long as before."""
    return text.translate(_SHAPES)
