"""The authored text: documents with front matter, records, and the personal data marked in them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.extract.text import front_matter
from pipeline.schema.errors import BadInput

MARKUP = re.compile(r"\{\{([A-Z_]+)\|([^{}|]+)\}\}")
"""`{{TYPE|value}}`: personal data that the renderer plants and the truth table records."""

Pii = tuple[dict[str, str], ...]
"""{"type", "value"} in order of appearance."""


class Authored(NamedTuple):
    """One document as written."""

    ident: str
    source: str
    title: str
    owner: str
    version: str
    published: str
    body: str
    """Markdown, markup replaced by its values; begins with the title as heading."""
    pii: Pii


def plain_and_pii(text: str) -> tuple[str, Pii]:
    """`text` with each `{{TYPE|value}}` replaced by its value, and these values."""
    found = tuple({"type": match[1], "value": match[2]} for match in MARKUP.finditer(text))
    return MARKUP.sub(lambda match: match[2], text), found


def read_documents(folder: Path) -> dict[str, Authored]:
    """Every `<source>/<id>.md` below `folder`, by id, in the order of ids.

    Raises:
        BadInput: no document, a field of the front matter is missing, or an id is used twice.
    """
    found: dict[str, Authored] = {}
    for path in sorted(folder.glob("*/*.md")):
        document = _read(path)
        if document.ident in found:
            raise BadInput(str(path), f"id {document.ident} is used twice", do="give it an id of its own")
        found[document.ident] = document
    if not found:
        raise BadInput(str(folder), "no authored document", wanted="<source>/<id>.md")
    return dict(sorted(found.items()))


def _read(path: Path) -> Authored:
    meta, text = front_matter(path.read_text(encoding="utf-8"))
    missing = [name for name in ("id", "title", "owner", "version", "published") if name not in meta]
    if missing:
        raise BadInput(str(path), "front matter is incomplete", wanted=", ".join(missing), do="add them")
    body, pii = plain_and_pii(text.strip() + "\n")
    return Authored(str(meta["id"]), path.parent.name, str(meta["title"]), str(meta["owner"]), str(meta["version"]),
                    str(meta["published"]), body, pii)


class AuthoredRecord(NamedTuple):
    """One ticket or incident as written."""

    fields: dict[str, Any]
    pii: Pii


def read_lines(path: Path) -> Iterator[AuthoredRecord]:
    """The records of a JSONL file, in its order, markup replaced."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip():
            pii: list[dict[str, str]] = []
            fields = {}
            for name, value in json.loads(line).items():
                if isinstance(value, str):
                    value, found = plain_and_pii(value)
                    pii += found
                fields[name] = value
            yield AuthoredRecord(fields, tuple(pii))
