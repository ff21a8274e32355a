"""A document as a tree of headed parts, and its Markdown. JSON documents and OSCAL end here."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

DEEPEST_HEADING = 6


@dataclass
class Node:
    """A part of a document. Every field may be empty."""

    number: str = ""
    """As the source has it: "AC-1", "a.", "II"."""
    kind: str = ""
    """What the source calls it: "chapter", "guidance"."""
    title: str = ""
    text: list[str] = field(default_factory=list)
    """Paragraphs."""
    fields: list[tuple[str, str]] = field(default_factory=list)
    """What is neither title nor text: label and value."""
    children: list["Node"] = field(default_factory=list)


def markdown(root: Node) -> str:
    """The tree's text: titles are headings, numbered parts without a title are items of a list."""
    return "\n\n".join(_blocks(root, 1))


def _blocks(node: Node, level: int) -> Iterator[str]:
    if node.title:
        yield f"{'#' * min(level, DEEPEST_HEADING)} {_heading(node)}"
    elif _is_item(node):
        yield "\n".join(_lines(node, 0))
        return
    elif node.kind and (node.text or node.children):
        yield from _named(node, level)
        return
    yield from (f"**{label}:** {value}" for label, value in node.fields)
    yield from node.text
    yield from _children(node, level + bool(node.title))


def _children(node: Node, level: int) -> Iterator[str]:
    """Blocks of the parts below; neighbouring items are one list."""
    items: list[str] = []
    for child in node.children:
        if _is_item(child):
            items += _lines(child, 0)
            continue
        if items:
            yield "\n".join(items)
        items = []
        yield from _blocks(child, level)
    if items:
        yield "\n".join(items)


def _named(node: Node, level: int) -> Iterator[str]:
    """A part with a name and no title: its name leads its first paragraph ("**Guidance:** ...")."""
    lead, rest = f"**{label(node.kind)}:**", list(node.text)
    yield f"{lead} {rest.pop(0)}" if rest else lead
    yield from (f"**{name}:** {value}" for name, value in node.fields)
    yield from rest
    yield from _children(node, level)


def _is_item(node: Node) -> bool:
    """Numbered, without a title here or below."""
    return bool(node.number) and not _is_titled(node)


def _is_titled(node: Node) -> bool:
    return bool(node.title) or any(_is_titled(child) for child in node.children)


def _lines(node: Node, depth: int) -> Iterator[str]:
    """An item and the items in it, a level of indent for each depth."""
    indent = "  " * depth
    lead = _mark(node.number) if node.number else "-"
    text = "\n".join([*node.text, *(f"{name}: {value}" for name, value in node.fields)])
    yield f"{indent}{lead} {text}".rstrip().replace("\n", f"\n{indent}  ")
    for child in node.children:
        yield from _lines(child, depth + 1)


def _heading(node: Node) -> str:
    """Number and title; a bare number takes the kind before it: `Chapter II Principles`."""
    if node.title.startswith(node.number):
        return " ".join(node.title.split())
    bare = re.fullmatch(r"[0-9]+[a-z]?|[IVXLC]+|[A-Z]", node.number) is not None
    kind = label(node.kind) if bare and node.kind else ""
    return " ".join(f"{kind} {node.number} {node.title}".split())


def _mark(number: str) -> str:
    """`1` -> `1.`, `a` -> `(a)`; a number with punctuation of its own stays."""
    if re.fullmatch(r"[0-9]+", number):
        return f"{number}."
    return f"({number})" if re.fullmatch(r"[a-z]{1,4}|[A-Z]", number) else number


def label(name: str) -> str:
    """A field's name for a reader: `first_reply`, `firstReply` -> `First reply`."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name) if re.fullmatch(r"[a-z]+(?:[A-Z][a-z]+)+", name) else name
    words = re.sub(r"[_\-\s]+", " ", spaced).strip()
    if spaced is not name:
        words = words.lower()
    return words[:1].upper() + words[1:]
