"""Carry a full name found once to every other mention of its parts in the same document."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping

from pipeline.redact.analyse import Found, united
from pipeline.redact.words import LINK

PART = re.compile(r"[^\W\d_][^\W\d_'’-]{2,}(?:['’-][^\W\d_]+)*")
WORD = re.compile(r"[^\W_]+")
LINKED_TEXT = re.compile(LINK)
FEW = 100
"""Parts of names that are looked for one by one; of more, first those whose words the text has."""
SURE = 0.9
"""Least score of a name that is carried: an error would be repeated all over the document."""


def names_in(fields: Mapping[str, str], found: Mapping[str, list[Found]]) -> set[str]:
    """Capitalised parts of the sure names in a document's fields that have two such parts or more.

    A part that the document also writes in small letters is an ordinary word too, and is left out.
    """
    parts = {
        part
        for field, finds in found.items()
        for find in finds
        if find.kind == "PERSON" and find.score >= SURE
        for part in _parts(fields[field][find.start : find.end])
    }
    if not parts:
        return parts
    return {part for part in parts
            if not any(_is_written(part.lower(), fields[field], finds) for field, finds in found.items())}


def _is_written(word: str, text: str, found: list[Found]) -> bool:
    """Whether `word` stands in `text` outside of finds and links."""
    return _stands_in(word, text) and _stands_in(word, _apart(text, found))


def _stands_in(word: str, text: str) -> bool:
    return any(True for _ in _places(text, word))


def _apart(text: str, found: list[Found]) -> str:
    """`text` without its finds and links: an address in small letters does not make a name an ordinary word."""
    places = [0, *(place for find in found for place in (find.start, find.end)), len(text)]
    return LINKED_TEXT.sub(" ", " ".join(text[start:end] for start, end in zip(places[::2], places[1::2], strict=True)))


def spread(text: str, found: list[Found], parts: set[str]) -> list[Found]:
    """`found` and every mention of `parts` beside them, in order, never overlapping.

    Parts are looked for as they are written, and in capitals, so that "Grant" and "GRANT" are carried, not "grant".
    Linear in the text for each part that is there.
    """
    if not parts:
        return found
    wanted = parts | {part.upper() for part in parts}
    starts = [find.start for find in found]
    more = []
    for start, end in _mentions(text, wanted):
        before = bisect_right(starts, start) - 1
        if before < 0 or found[before].end <= start:
            more.append(Found(start, end, "PERSON", "spread", SURE))
    return united([*found, *more])


def _mentions(text: str, wanted: set[str]) -> Iterator[tuple[int, int]]:
    """Where `wanted` stand in `text` as words or as parts of words with joints: of two that overlap the longer."""
    present = [part for part in wanted if part in text] if len(wanted) <= FEW else _present(text, wanted)
    end = 0
    for start, length in sorted((at, -len(part)) for part in present for at in _places(text, part)):
        if start >= end:
            end = start - length
            yield start, end


def _present(text: str, wanted: set[str]) -> list[str]:
    """Those that may be in `text`: all of their words are."""
    words = set(WORD.findall(text))
    return [part for part in wanted if words.issuperset(WORD.findall(part))]


def _places(text: str, part: str) -> Iterator[int]:
    """Where `part` stands between what is neither letter nor digit."""
    at = text.find(part)
    while at >= 0:
        end = at + len(part)
        if not text[at - 1:at].isalnum() and not text[end:end + 1].isalnum():
            yield at
        at = text.find(part, end)


def _parts(name: str) -> list[str]:
    parts = [part for part in PART.findall(name) if part[0].isupper()]
    return parts if len(parts) > 1 else []
