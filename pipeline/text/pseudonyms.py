"""Pseudonyms in redacted text: what `pipeline.redact.pseudonyms` puts in the place of personal data."""

import re

PSEUDONYM = re.compile(r"<[A-Z][A-Z_]*(?:_[0-9a-f]{6,64}|[A-Z_])>")
"""`<PERSON_04b523ae19>`, and `<PERSON>` where pseudonyms tell the type alone. A form's own `<NAME>` looks the same;
`<T>` is left to programmers."""
WORD = re.compile(r"\S+\s*|\s+")
"""A word with the blanks behind it; blanks at the beginning of a text stand alone."""


def without_pseudonyms(text: str) -> tuple[str, int]:
    """The text without the words that hold a pseudonym, and how many these are.

    A word is a run without blanks: punctuation that touches a pseudonym goes with it, and the blanks behind it too.
    """
    if "<" not in text:
        return text, 0
    words = WORD.findall(text)
    kept = [word for word in words if not PSEUDONYM.search(word)]
    return "".join(kept), len(words) - len(kept)
