"""XML of any vocabulary: the text of its elements, titles as headings.

Parsed without external entities, DTD loading or network; entity expansion is off, so a document that
leans on it is refused instead of unfolding.
"""

from collections.abc import Iterator
from typing import Any

from lxml import etree

from pipeline.extract.records import Record, Source, limit

TITLES = frozenset({"title", "heading", "head", "subject", "header", "caption"})
"""Local names of elements that name the element around them."""
INLINE = frozenset({
    "emphasis", "em", "i", "b", "strong", "sub", "sup", "ref", "link", "a", "span", "term", "code", "q",
    "superscript", "subscript", "dash", "insert", "param", "def"})
"""Local names of elements inside a sentence."""
DEEPEST_HEADING = 6


def parse_xml(data: bytes, max_depth: int) -> Any:
    """The root element.

    Raises:
        Refusal: nested deeper than `max_depth`.
        etree.XMLSyntaxError: not well-formed.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
                             remove_comments=True, remove_pis=True)
    root = etree.fromstring(data, parser)
    limit("max_depth", depth_of(root), max_depth)
    etree.strip_tags(root, etree.Entity)  # references that were not resolved; the text around them stays
    return root


def depth_of(root: Any) -> int:
    """Levels of elements below and with `root`, without recursion."""
    depth = deepest = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        deepest = max(deepest, depth)
    return deepest


def read_xml(source: Source) -> Iterator[Record]:
    """The file as one record: paragraphs in document order, titles as headings by depth."""
    root = parse_xml(source.data, source.params.limits.max_depth)
    found = list(_blocks(root, 0))
    title = next((text.lstrip("# ") for text in found if text.startswith("#")), None)
    yield Record("\n\n".join(found), title, None, "", None)


def _blocks(element: Any, titles_above: int) -> Iterator[str]:
    """Text below `element`; a title inside counts one level below the titles around it."""
    children = [child for child in element if isinstance(child.tag, str)]
    if all(_name(child) in INLINE for child in children):
        text = " ".join("".join(element.itertext()).split())
        if text:
            level = min(titles_above, DEEPEST_HEADING)
            yield f"{'#' * max(level, 1)} {text}" if _name(element) in TITLES else text
        return
    level = titles_above + any(_name(child) in TITLES for child in children)
    loose = " ".join((element.text or "").split())
    if loose:
        yield loose
    for child in children:
        yield from _blocks(child, level)
        tail = " ".join((child.tail or "").split())
        if tail:
            yield tail


def _name(element: Any) -> str:
    return str(element.tag).rsplit("}", 1)[-1].lower()
