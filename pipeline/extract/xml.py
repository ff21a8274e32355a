"""XML of any vocabulary: titles as headings, lists, tables and footnotes as Markdown.

RegML (eRegulations), CNXML, DocBook, JATS, DITA and the bulk data of the CFR share a few names for titles,
lists and tables; OSCAL has a shape of its own (`oscal`). Parsed without external entities, DTD loading or
network; entities of the file's own stand for plain text, and one that holds others is refused instead of unfolding.
"""

from collections.abc import Iterator
from typing import Any

from lxml import etree

from pipeline.extract import oscal
from pipeline.extract.json_document import document
from pipeline.extract.outline import markdown
from pipeline.extract.page import markdown_table
from pipeline.extract.records import Record, Refusal, Source, limit
from pipeline.extract.regml import REGML, front
from pipeline.extract.text import DATE

TITLES = frozenset({
    "title", "heading", "head", "subject", "header", "caption", "appendixtitle", "subparttitle", "interptitle", "hd"})
"""Local names of elements that name the element around them."""
SUBTITLES = frozenset({"caption"})
"""Titles of figures and tables: a paragraph, not a heading."""
INLINE = frozenset({
    "emphasis", "em", "i", "b", "strong", "sub", "sup", "ref", "link", "a", "span", "term", "code", "q", "e", "su",
    "superscript", "subscript", "dash", "insert", "param", "def", "xref", "ext-link", "italic", "bold", "ph",
    "uicontrol", "footnote", "fn", "foreign", "cite", "newline", "quote-inline", "literal", "phrase", "math", "mi",
    "mo", "mn", "mrow", "msqrt"})
"""Local names of elements inside a sentence."""
BLOCKS = frozenset({
    "p", "para", "list", "ul", "ol", "item", "li", "itemizedlist", "orderedlist", "listitem", "table", "figure", "note",
    "section", "exercise", "problem", "solution", "quote", "blockquote", "glossary", "definition", "media", "equation",
    "paragraph", "title", "informaltable", "sl", "dl", "code-block", "preformat", "graphic"})
"""Local names that begin a block wherever they stand."""
LISTS = frozenset({"list", "ul", "ol", "itemizedlist", "orderedlist", "sl", "steps"})
NUMBERED = frozenset({"ol", "orderedlist", "steps"})
ITEMS = frozenset({"item", "li", "listitem", "list-item", "sli", "step"})
TABLES = frozenset({"table", "informaltable", "tgroup", "gpotable"})
ROWS = frozenset({"row", "tr", "columnheaderrow", "strow"})
CELLS = frozenset({"entry", "td", "th", "cell", "column", "stentry", "ent", "ched"})
FOOTNOTES = frozenset({"footnote", "fn"})
DROPPED = frozenset({
    "tableofcontents", "toc", "fdsys", "metadata", "prolog", "colspec", "iframe", "script", "style", "image", "img",
    "video", "audio", "flash", "object", "embed", "processing-meta", "permissions", "del", "strike"})
"""Navigation, data about the file, pictures, and what its authors deleted."""
WITHOUT_ALT = frozenset({"graphic", "media"})
"""Pictures: of what is in them only a caption and a description count."""
GLOSSARY = frozenset({"definition", "varlistentry", "dlentry"})
DEEPEST_HEADING = 6
MOST_UNFOLDED = 100_000
"""Characters that references to entities may bring into a file."""
MARK_END = "\x00"
"""Stands for a line break while blanks collapse."""


def parse_xml(data: bytes, max_depth: int) -> Any:
    """The root element.

    Raises:
        Refusal: nested deeper than `max_depth`; entities of entities, or that unfold to more than 100,000 characters.
        etree.XMLSyntaxError: not well-formed.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False,
                             remove_comments=True, remove_pis=True)
    root = etree.fromstring(data, parser)
    limit("max_depth", depth_of(root), max_depth)
    _unfold(root)
    return root


def _unfold(root: Any) -> None:
    """Put the text in place of references to entities of the file's own; those that point out of it go."""
    declared = root.getroottree().docinfo.internalDTD
    texts = {} if declared is None else {entity.name: entity.content for entity in declared.iterentities()}
    left = MOST_UNFOLDED
    for reference in list(root.iter(etree.Entity)):
        text = texts.get(reference.name) or ""
        left -= len(text)
        if "&" in text or "<" in text or left < 0:
            raise Refusal("unreadable", "entity of entities" if left >= 0 else "entities unfold too far")
        reference.tail = text + (reference.tail or "")
    etree.strip_tags(root, etree.Entity)


def depth_of(root: Any) -> int:
    """Levels of elements below and with `root`, without recursion."""
    depth = deepest = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        deepest = max(deepest, depth)
    return deepest


def read_xml(source: Source) -> Iterator[Record]:
    """The file as one record."""
    limits = source.params.limits
    root = parse_xml(source.data, limits.max_depth)
    if etree.QName(root).namespace == oscal.NAMESPACE:
        simple, published = oscal.simplified(oscal.as_json(root))
        tree = document(simple, limits.max_depth)
        yield Record(markdown(tree), tree.title or None, _iso(published), "", None)
        return
    walk = Walk()
    above, published = front(root) if etree.QName(root).namespace == REGML else ([], None)
    found = [*above, *walk.blocks(root, 1 if above else 0), *walk.footnotes()]
    title = next((text.lstrip("# ") for text in found if text.startswith("#")), None)
    yield Record("\n\n".join(found), title, _iso(published), "", None)


def _iso(text: str | None) -> str | None:
    found = DATE.match(text or "")
    return found[0] if found else None


class Walk:
    """One pass over a document; it numbers footnotes and figures as it meets them."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def footnotes(self) -> Iterator[str]:
        """The footnotes that the text refers to."""
        yield from (f"[^{number}]: {text}" for number, text in enumerate(self.notes, start=1))

    def blocks(self, element: Any, level: int) -> Iterator[str]:
        """Text below `element`; a title inside counts one level below the titles around it."""
        children = [child for child in element if isinstance(child.tag, str) and not _is_dropped(child)]
        level += any(_is_title(child) for child in children)
        mixed = bool((element.text or "").strip()) or any((child.tail or "").strip() for child in element)
        loose = [element.text or ""]
        for child in element:
            if isinstance(child.tag, str) and not _is_dropped(child):
                if _is_inline(child, mixed):
                    loose.append(self.inline(child))
                else:
                    yield from _flushed(loose)
                    yield from self.block(child, level)
            loose.append(child.tail or "")
        yield from _flushed(loose)

    def block(self, element: Any, level: int) -> Iterator[str]:
        """The blocks of an element that is a block itself."""
        name = local(element)
        if _is_title(element):
            yield from self.title(element, level)
        elif name in TABLES and _rows(element):
            yield from self.table(element, level)
        elif name in LISTS and _items(element):
            yield from self.list_title(element)
            yield "\n".join(self.items(element, 0))
        elif name in GLOSSARY:
            yield self.definition(element)
        elif name in WITHOUT_ALT:
            yield from self.picture(element, level)
        elif _lead(element):
            yield from self.marked(element, level)
        else:
            yield from self.blocks(element, level)

    def title(self, element: Any, level: int) -> Iterator[str]:
        """A heading; the caption of a figure or a table is a paragraph."""
        text = self.line(element)
        if text:
            parent = element.getparent()
            is_sub = local(element) in SUBTITLES or local(parent) in TABLES or local(parent) in LISTS
            yield text if is_sub else f"{'#' * min(max(level, 1), DEEPEST_HEADING)} {text}"

    def marked(self, element: Any, level: int) -> Iterator[str]:
        """A numbered paragraph: `(a) Purpose. The purpose of ...`."""
        lead, keyterm = _lead(element), _keyterm(element)
        if keyterm is not None:
            lead = f"{lead} {self.line(keyterm)}"
        inner = [block for child in element if child is not keyterm and isinstance(child.tag, str)
                 and not _is_dropped(child) for block in self.block(child, level + 1)]
        first = next(iter(inner), "")
        if first.startswith("#"):
            marks, _, text = first.partition(" ")
            yield f"{marks} {text if text.startswith(lead) else f'{lead} {text}'}"
        elif first.startswith(("|", "- ")) or not first:
            yield lead
            yield from inner[:1]
        else:
            yield f"{lead} {first}"
        yield from inner[1:]

    def items(self, element: Any, depth: int) -> Iterator[str]:
        """The lines of a list and of the lists in it."""
        numbered = local(element) in NUMBERED or element.get("list-type") in ("enumerated", "order", "ordered")
        for number, item in enumerate(_items(element), start=1):
            mark = f"{number}." if numbered else "-"
            nested = [child for child in item.iter() if local(child) in LISTS and _list_above(child, item)]
            text = self.line(item, skip=frozenset(nested))
            if text:
                yield f"{'  ' * depth}{mark} {text}"
            for inner in nested:
                yield from self.items(inner, depth + 1)

    def list_title(self, element: Any) -> Iterator[str]:
        """What stands in a list beside its items."""
        yield from (text for child in element if isinstance(child.tag, str) and local(child) not in ITEMS
                    and not _is_dropped(child) and (text := self.line(child)))

    def table(self, element: Any, level: int) -> Iterator[str]:
        """A Markdown table under its title."""
        for child in element:
            if _is_title(child) and not _holds_rows(child):
                yield from self.title(child, level)
        yield markdown_table([self.row(row) for row in _rows(element)])

    def row(self, row: Any) -> list[str]:
        """The cells of a row; a cell over several columns is followed by empty ones."""
        cells: list[str] = []
        for cell in row:
            if isinstance(cell.tag, str) and local(cell) in CELLS:
                cells += [self.line(cell)] + [""] * (_span(cell) - 1)
        return cells

    def definition(self, element: Any) -> str:
        """`**term:** meaning`."""
        parts = [text for child in element if isinstance(child.tag, str) and (text := self.line(child))]
        return f"**{parts[0]}:** {' '.join(parts[1:])}" if len(parts) > 1 else "".join(parts)

    def picture(self, element: Any, level: int) -> Iterator[str]:
        """Its caption and its description in words."""
        for child in element.iter():
            name = local(child)
            if name in ("alttext", "alt", "alt-text", "desc") and (text := self.line(child)):
                yield text
            elif name == "caption":
                yield from self.title(child, level)

    def line(self, element: Any, skip: frozenset[Any] = frozenset()) -> str:
        """All text of an element in one line, blocks apart by a blank."""
        return " ".join(self.inline(element, spaced=True, skip=skip).replace(MARK_END, " ").split())

    def inline(self, element: Any, *, spaced: bool = False, skip: frozenset[Any] = frozenset()) -> str:
        """The text of mixed content; a footnote leaves its number."""
        name = local(element)
        if name in FOOTNOTES:
            self.notes.append(self._note(element))
            return f"[^{len(self.notes)}]"
        if name == "newline":
            return MARK_END
        if name == "link" and not (element.text or "").strip() and not len(element):
            return _target_kind(element)
        parts = [element.text or ""]
        for child in element:
            if isinstance(child.tag, str) and child not in skip and not _is_dropped(child):
                text = self.inline(child, spaced=spaced, skip=skip)
                parts.append(f" {text} " if spaced and not _is_inline(child, mixed=False) else text)
            parts.append(child.tail or "")
        return "".join(parts)

    def _note(self, element: Any) -> str:
        parts = [element.text or ""] + [self.inline(child, spaced=True) + (child.tail or "")
                                        for child in element if isinstance(child.tag, str)]
        return " ".join("".join(parts).split())


def local(element: Any) -> str:
    """An element's name without its namespace, in lower case; "" for what is no element."""
    return str(element.tag).rsplit("}", 1)[-1].lower() if isinstance(element.tag, str) else ""


def _is_dropped(element: Any) -> bool:
    return local(element) in DROPPED or element.get("display") == "none" or element.get("hidden") in ("true", "hidden")


def _is_title(element: Any) -> bool:
    return local(element) in TITLES and element.get("type") != "keyterm" and not _holds_rows(element)


def _is_inline(element: Any, mixed: bool) -> bool:
    """Inside a sentence: by its name, or because text stands around it."""
    name = local(element)
    if name in BLOCKS or not (mixed or name in INLINE):
        return False
    return name in FOOTNOTES or not _holds_block(element)


def _holds_block(element: Any) -> bool:
    children = [child for child in element if isinstance(child.tag, str) and not _is_dropped(child)]
    return any(local(child) in BLOCKS or _holds_block(child) for child in children)


def _flushed(loose: list[str]) -> Iterator[str]:
    lines = (" ".join(line.split()) for line in "".join(loose).split(MARK_END))
    text = "\n".join(line for line in lines if line)
    loose.clear()
    if text:
        yield text


def _lead(element: Any) -> str:
    """The number a paragraph carries in an attribute."""
    return (element.get("marker") or "").strip()


def _keyterm(element: Any) -> Any:
    """The run-in title of a numbered paragraph."""
    return next((child for child in element if local(child) == "title" and child.get("type") == "keyterm"), None)


def _rows(element: Any) -> list[Any]:
    return [row for row in element.iter() if local(row) in ROWS
            and next((above for above in row.iterancestors() if local(above) in TABLES and local(above) != "tgroup"),
                     element) in (element, element.getparent())]


def _holds_rows(element: Any) -> bool:
    return any(local(inner) in ROWS for inner in element.iterdescendants())


def _items(element: Any) -> list[Any]:
    return [child for child in element if local(child) in ITEMS]


def _list_above(inner: Any, item: Any) -> bool:
    """Is `item` the nearest item around the list `inner`."""
    return next((above for above in inner.iterancestors() if local(above) in ITEMS), None) is item


def _span(cell: Any) -> int:
    """Columns a cell covers (HTML `colspan`; CALS `namest` and `nameend` with numbered names)."""
    first, last = ("".join(filter(str.isdigit, cell.get(name, ""))) for name in ("namest", "nameend"))
    span = int(last) - int(first) + 1 if first and last else int(_digits(cell.get("colspan", "1")))
    return min(max(span, 1), MOST_COLUMNS)


def _digits(text: str) -> str:
    return text if text.isdecimal() and len(text) <= 3 else "1"


MOST_COLUMNS = 100
"""Columns a cell may cover: more is a mistake or an attack."""


def _target_kind(link: Any) -> str:
    """The kind of thing an empty link points to (`figure`), so that the sentence keeps its object."""
    target = link.get("target-id") or (link.get("linkend") or "")
    if not target or '"' in target:
        return ""
    found = link.getroottree().getroot().xpath("//*[@id=$target]", target=target)
    return local(found[0]) if found else ""
