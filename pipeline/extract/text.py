"""Text: its encoding, its front matter, its first heading."""

import re
from datetime import date

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipeline.extract.records import Refusal

FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?\n)---[ \t]*(?:\n|\Z)", re.DOTALL)
MOST_FRONT_MATTER = 20_000
"""Characters of front matter; more is not front matter."""
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
DATE_KEYS = ("published", "date", "last_updated", "effective_date", "lastupdated", "updated")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
"""Characters that no text means: all C0 controls but tab, line feed, form feed."""


def decoded(data: bytes, named: tuple[str, ...] = ()) -> str:
    """The text in `data`: UTF-8, UTF-16 with a mark, else as `named`, else Windows-1252; newlines as `\\n`.

    Raises:
        Refusal: not text in any of these.
    """
    has_mark = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    encodings = ["utf-16"] if has_mark else ["utf-8-sig", *named, "cp1252"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except (UnicodeDecodeError, LookupError):  # LookupError: a codec that is not for text
            continue
        return CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    raise Refusal("unreadable", "UnicodeDecodeError")


def front_matter(text: str) -> tuple[dict[object, object], str]:
    """The YAML mapping at the top and the text after it; text that only looks like it stays text."""
    found = FRONT_MATTER.match(text)
    if not found or len(found[1]) > MOST_FRONT_MATTER:
        return {}, text
    try:
        meta = YAML(typ="safe", pure=True).load(found[1])
    except (YAMLError, ValueError, RecursionError):
        # half-written front matter is common; it is no prose either way
        return _loose_pairs(found[1]), text[found.end():]
    return (meta, text[found.end():]) if isinstance(meta, dict) else ({}, text)


def _loose_pairs(block: str) -> dict[object, object]:
    pairs = (line.split(":", 1) for line in block.splitlines() if re.match(r"[A-Za-z_-]+:", line))
    return {key: value.strip().strip("\"'") for key, value in pairs}


def first_heading(text: str) -> str | None:
    """The first Markdown heading."""
    # the end is cut off afterwards: a pattern for it takes the square of the length of a line of number signs
    found = re.search(r"^#{1,6}[ \t]+(\S.*)$", text, re.MULTILINE)
    return (found[1].rstrip(" \t").rstrip("#").rstrip(" \t") or found[1]) if found else None


def date_of(meta: dict[object, object]) -> str | None:
    """The date that front matter names."""
    for key in DATE_KEYS:
        value = meta.get(key, "")
        # not of a list or a mapping: YAML's aliases can make one that is endless when written out
        found = DATE.match(str(value)) if isinstance(value, str | date) else None
        if found:
            return found[0]
    return None
