"""Carry a full name found once to every other mention of its parts in the same document."""

import re
from collections.abc import Mapping

from pipeline.redact.analyse import Found, united

PART = re.compile(r"[^\W\d_][^\W\d_'’-]{2,}(?:['’-][^\W\d_]+)*")
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
    written = {word for text in fields.values() for word in re.findall(r"\w+", text)}
    return {part for part in parts if part.lower() not in written}


def spread(text: str, found: list[Found], parts: set[str]) -> list[Found]:
    """`found` and every mention of `parts` beside them, in order, never overlapping.

    Parts are looked for as they are written, so that "Grant" is carried and "grant" is not.
    """
    if not parts:
        return found
    mention = re.compile(rf"\b(?:{'|'.join(sorted(map(re.escape, parts)))})\b")
    more = [
        Found(match.start(), match.end(), "PERSON", "spread", SURE)
        for match in mention.finditer(text)
        if not any(find.start <= match.start() < find.end for find in found)
    ]
    return united([*found, *more])


def _parts(name: str) -> list[str]:
    parts = [part for part in PART.findall(name) if part[0].isupper()]
    return parts if len(parts) > 1 else []
