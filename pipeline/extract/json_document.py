"""JSON that is a document, not a list of records: catalogues, regulations, exports of articles.

Which keys name a part, number it or hold its prose is told by their names; what only serves machines
(identifiers, hashes, addresses) is left out. Order is the file's.
"""

import re
from typing import Any

from pipeline.extract.outline import Node, label
from pipeline.extract.records import limit

TITLES = ("title", "heading", "headline", "subject", "name", "caption")
NUMBERS = ("number", "num", "marker", "ordinal", "enum", "section_number", "label")
KINDS = ("type", "kind")
PROSE = frozenset({
    "text", "prose", "body", "content", "contents", "description", "summary", "statement", "remarks", "paragraph",
    "about", "abstract", "definition", "value", "html", "markdown"})
"""Keys whose string stands as a paragraph without a label."""
PARTS = frozenset({
    "contents", "content", "children", "items", "parts", "sections", "subsections", "chapters", "articles", "points",
    "subpoints", "paragraphs", "subparagraphs", "groups", "controls", "nodes", "elements", "body", "data", "entries",
    "blocks", "documents", "pages", "guidelines"})
"""Keys that only hold the parts of what is around them: no heading of their own."""
MACHINE = re.compile(
    r"(?:.*[_-])?(?:uuid|guid|id|ids|href|url|uri|ref|refs|hash|sha256|md5|checksum|slug|rel|media-type|class|sort-id|"
    r"schema|xmlns|ns|format|canary)|\$.*|@.*|identifier|uuids|links?|rlinks", re.IGNORECASE)
"""Keys for machines."""
UNREADABLE = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[0-9a-f]{32,}|https?://\S+|#\S*")
"""Values for machines: UUIDs, hashes, bare addresses."""
NAMELESS = frozenset({"item", "point", "subpoint", "paragraph", "subparagraph", "statement", "text"})
"""Kinds of part that are not called by their kind."""
SPEAKER = ("role", "speaker", "author", "from", "sender", "name")
SAID = ("content", "text", "utterance", "message", "value", "body")
MOST_INLINE = 200
"""Characters up to which a list of short values stands in one line."""


def document(value: Any, deepest: int) -> Node:
    """The tree of a parsed JSON document.

    Raises:
        Refusal: nested deeper than `deepest`.
    """
    return _node(value, deepest)


def _node(value: Any, left: int) -> Node:
    limit("max_depth", -left, -1)
    if isinstance(value, dict):
        return _of_dict(value, left - 1)
    if isinstance(value, list):
        return Node(children=_of_list(value, left - 1))
    return Node(text=[text] if (text := scalar(value)) else [])


def _of_dict(value: dict[str, Any], left: int) -> Node:
    if len(value) == 1:  # a wrapper: {"catalog": {...}}
        (inner,) = value.values()
        if isinstance(inner, dict):
            return _node(inner, left)
    said = turn(value)
    if said:
        return Node(text=[said])
    rest = dict(value)
    node = Node(title=_taken(rest, TITLES), number=_number(rest), kind=_taken(rest, KINDS))
    if node.title and ("prose" in value or "parts" in value) and "title" not in value:
        node.kind, node.title = node.title, ""  # OSCAL: `name` says what kind of part it is
    if node.number and not node.title and re.fullmatch(r"[A-Za-z]{4,}.*", node.number):
        node.title, node.number = node.number, ""
    if node.kind in NAMELESS:
        node.kind = ""
    for key, item in rest.items():
        _add(node, str(key), item, left)
    return node


def _add(node: Node, key: str, item: Any, left: int) -> None:
    """What stands under `key`, in its place."""
    if MACHINE.fullmatch(key) and not (isinstance(item, list | dict) and key in PARTS):
        return
    item = _unwrapped(item)
    if isinstance(item, dict | list):
        inner = _node(_listed(item), left)
        if not (inner.title or inner.text or inner.fields or inner.children):
            return
        if key in PARTS or _is_flat(inner):
            node.children += inner.children or [inner]
            return
        values = _short_values(item)
        if values:
            node.fields.append((label(key), values))
        else:
            inner.title = inner.title or label(key)
            node.children.append(inner)
    elif text := scalar(item):
        if key.lower() in PROSE:
            node.text.append(text)
        elif not UNREADABLE.fullmatch(text):
            node.fields.append((label(key), text))


def _unwrapped(item: Any) -> Any:
    """`{"text": "..."}` is its text."""
    if isinstance(item, dict) and len(item) == 1:
        ((key, value),) = item.items()
        if str(key).lower() in PROSE and isinstance(value, str):
            return value
    return item


def _is_flat(node: Node) -> bool:
    """A list of titled parts needs no heading above it."""
    return not node.title and bool(node.children) and all(child.title for child in node.children)


def _listed(item: Any) -> Any:
    """An object whose keys only count is a list."""
    if isinstance(item, dict) and item and all(str(key).isdigit() for key in item):
        return list(item.values())
    return item


def _of_list(value: list[Any], left: int) -> list[Node]:
    found = []
    for item in value:
        node = _node(item, left)
        if isinstance(item, str | int | float) and node.text:
            node = Node(text=[f"- {node.text[0]}"])
        if node.title or node.text or node.children or node.fields:
            found.append(node)
    if all(isinstance(item, str | int | float) for item in value) and found:
        return [Node(text=["\n".join(child.text[0] for child in found)])]
    return found


def _short_values(item: Any) -> str:
    """A list of short plain values in one line, "" when it is none."""
    if not isinstance(item, list) or not all(isinstance(value, str | int | float) for value in item):
        return ""
    line = ", ".join(text for value in item if (text := scalar(value)) and not UNREADABLE.fullmatch(text))
    return line if len(line) <= MOST_INLINE and "\n" not in line else ""


def _taken(rest: dict[str, Any], names: tuple[str, ...]) -> str:
    """The first of these keys that holds one line of text; it is removed."""
    for name in names:
        text = scalar(rest.get(name)) if not isinstance(rest.get(name), list | dict) else ""
        if text and "\n" not in text and not UNREADABLE.fullmatch(text):
            del rest[name]
            return text
    return ""


def _number(rest: dict[str, Any]) -> str:
    """The part's number; in OSCAL it is the property `label`."""
    props = rest.get("props")
    if isinstance(props, list) and all(isinstance(prop, dict) and "value" in prop for prop in props):
        del rest["props"]
        labels = [prop for prop in props if prop.get("name") == "label"]
        plain = [prop for prop in labels if prop.get("class") in (None, "sp800-53")] or labels
        if plain:
            return scalar(plain[0]["value"])
    return _taken(rest, NUMBERS)


def turn(value: dict[str, Any]) -> str:
    """What is said in one turn of a dialogue ("**User:** ..."), "" when the object is no turn."""
    speaker = next((name for name in SPEAKER if isinstance(value.get(name), str)), "")
    said = next((name for name in SAID if name != speaker and isinstance(value.get(name), str)), "")
    if not speaker or not said or len(value) > 2:
        return ""
    return f"**{label(value[speaker].strip())}:** {scalar(value[said])}" if value[speaker].strip() else ""


def scalar(value: Any) -> str:
    """A plain value as text; "" for null and for nothing."""
    return "" if value is None else str(value).replace("\r\n", "\n").strip()
