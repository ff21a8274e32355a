"""Front matter: `key: value` lines between two `---` lines at the top of a text file."""

import re
from typing import NamedTuple

BLOCK = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
LINE = re.compile(r"^([A-Za-z_][A-Za-z0-9_-]*):[ \t]*(.*?)[ \t]*$", re.MULTILINE)


class FrontMatter(NamedTuple):
    """A text file in two parts."""

    fields: dict[str, str]
    """Scalar fields, quotes taken off; nested YAML is not read."""
    body: str
    """What follows, without leading blank lines."""


def split_front_matter(text: str) -> FrontMatter:
    """Both parts of `text`; a text without front matter has no fields and is all body."""
    block = BLOCK.match(text)
    if block is None:
        return FrontMatter({}, text)
    fields = {key: value.strip("\"'") for key, value in LINE.findall(block[1])}
    return FrontMatter(fields, text[block.end():].lstrip("\n"))
