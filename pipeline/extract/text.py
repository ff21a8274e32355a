"""Text: its encoding, its front matter, its first heading."""

import codecs
import re
from collections.abc import Iterator
from datetime import date

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipeline.extract.legacy import is_damaged_utf8, legacy_encoding
from pipeline.extract.records import Refusal

FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?\n)---[ \t]*(?:\n|\Z)", re.DOTALL)
MOST_FRONT_MATTER = 20_000
"""Characters of front matter; more is not front matter."""
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
DATE_KEYS = ("published", "date", "last_updated", "effective_date", "lastupdated", "updated")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
"""Characters that no text means: all C0 controls but tab, line feed, form feed."""

STANDS_FOR = {"iso8859-1": "cp1252", "ascii": "cp1252", "gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932",
              "euc_kr": "cp949"}
"""What pages and messages are in that name an encoding (Encoding Standard, 4.2); keys as `codecs` calls them."""

STRAY = "stray_windows_1252"
"""Name of the error handler that reads what is no UTF-8 as Windows-1252."""
SEVEN_BITS = ("iso2022", "hz", "utf-7")
"""Their texts are valid ASCII too, so the name goes before the look at the bytes."""


BEYOND_ASCII = bytes(range(0x80, 0x100))
UNDEFINED = bytes((0x81, 0x8D, 0x8F, 0x90, 0x9D))
"""Of Windows-1252; where they stand in a text by chance, they say nothing."""
FEW_UNDEFINED = 4
MOST_UNDEFINED = 0.1
"""Number of such bytes, and share of the bytes beyond ASCII, above which they are letters of another encoding."""


def decoded(data: bytes, named: tuple[str, ...] = ()) -> str:
    """The text in `data`: UTF-8, UTF-16 with a mark, else as `named`, else by its bytes; newlines as `\\n`.

    By its bytes it is in an encoding of East Asia or of Cyrillic where that is told (`legacy`), else Windows-1252.
    Where UTF-8 is broken in places only, the bytes there are read as Windows-1252: files are put together of pieces.

    Raises:
        Refusal: not text in any of these.
    """
    has_mark = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding, errors in (("utf-16", "strict"),) if has_mark else _encodings(data, named):
        try:
            text = data.decode(encoding, errors)
        except (UnicodeError, LookupError):  # a codec that is not for text, or for none, as `undefined`
            continue
        return CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    raise Refusal("unreadable", "UnicodeDecodeError")


def encodings_named(name: str) -> tuple[str, ...]:
    """What to try for an encoding that a page or a message names; nothing for a name that is none."""
    try:
        own = codecs.lookup(name).name
    except LookupError:
        return ()
    return (STANDS_FOR[own], own) if own in STANDS_FOR else (own,)


def _encodings(data: bytes, named: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """(encoding, what to do where bytes are not valid in it), in the order in which to try them."""
    seven_bits = [name for name in named if name.startswith(SEVEN_BITS)]
    yield from ((name, "strict") for name in (*seven_bits, "utf-8-sig", *named))
    if told := legacy_encoding(data):
        yield told, "strict"
    if is_damaged_utf8(data):
        yield "utf-8-sig", STRAY
    yield "cp1252", "strict" if _has_other_letters(data) else "ignore"


def _has_other_letters(data: bytes) -> bool:
    beyond = len(data) - len(data.translate(None, BEYOND_ASCII))
    undefined = len(data) - len(data.translate(None, UNDEFINED))
    return undefined > max(FEW_UNDEFINED, MOST_UNDEFINED * beyond)


def _as_western(err: UnicodeError) -> tuple[str, int]:
    assert isinstance(err, UnicodeDecodeError)  # registered for decoding alone
    return err.object[err.start:err.end].decode("cp1252", "replace"), err.end


codecs.register_error(STRAY, _as_western)


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
