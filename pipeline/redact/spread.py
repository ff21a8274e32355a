"""Carry a full name found once to every other mention of its parts in the same document."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping

from pipeline.redact.analyse import Found, united
from pipeline.redact.words import LINK

PART = re.compile(r"[^\W\d_][^\W\d_'’-]{2,}(?:['’-][^\W\d_]+)*")
WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
JOINT = re.compile(r"['’-]")
LINKED_TEXT = re.compile(LINK)
MOST_JOINTS = 8
"""Of a word that is looked at in runs of its pieces; a longer one is no name."""
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
    written = {word for field, text in fields.items() for word in re.findall(r"\w+", _apart(text, found[field]))}
    return {part for part in parts if part.lower() not in written}


def _apart(text: str, found: list[Found]) -> str:
    """`text` without its finds and links: an address in small letters does not make a name an ordinary word."""
    places = [0, *(place for find in found for place in (find.start, find.end)), len(text)]
    return LINKED_TEXT.sub(" ", " ".join(text[start:end] for start, end in zip(places[::2], places[1::2], strict=True)))


def spread(text: str, found: list[Found], parts: set[str]) -> list[Found]:
    """`found` and every mention of `parts` beside them, in order, never overlapping.

    Parts are looked for as they are written, and in capitals, so that "Grant" and "GRANT" are carried, not "grant".
    Linear in the text.
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
    """Where words of `text`, or the longest parts of a word with joints, are among `wanted`."""
    for word in WORD.finditer(text):
        joints = [joint.start() for joint in JOINT.finditer(word[0])]
        firsts, lasts = [0, *(joint + 1 for joint in joints)], [*joints, len(word[0])]
        at = 0
        while at < len(firsts):
            ends = range(len(lasts) - 1, at - 1, -1) if len(lasts) <= MOST_JOINTS else (at,)
            hit = next((end for end in ends if word[0][firsts[at]:lasts[end]] in wanted), None)
            if hit is not None:
                yield word.start() + firsts[at], word.start() + lasts[hit]
            at = at + 1 if hit is None else hit + 1


def _parts(name: str) -> list[str]:
    parts = [part for part in PART.findall(name) if part[0].isupper()]
    return parts if len(parts) > 1 else []
