"""HTML and XHTML: the main content as Markdown. Scripts, styles, forms and navigation are dropped.

Nothing is executed, no address is fetched. Inline markup goes; headings, lists and tables stay. What a reader
does not see (hidden elements, text struck through) is no content.
"""

import re
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from lxml import html as lxml_html

from pipeline.extract.html_main import UNSEEN, free_misnamed, is_dropped, main_content, mark_hidden
from pipeline.extract.html_vote import agreed, has_lost, is_shared, second_opinion
from pipeline.extract.page import markdown_table, run_in
from pipeline.extract.records import Record, Refusal, Source, limit
from pipeline.extract.text import decoded, encodings_named
from pipeline.extract.xml import depth_of

PARTS = frozenset({
    "p", "div", "section", "article", "main", "header", "footer", "blockquote", "ul", "ol", "li", "dl", "dt", "dd",
    "table", "pre", "figure", "figcaption", "hr", "address", "details", "summary", "body", "html", "center", "h1",
    "h2", "h3", "h4", "h5", "h6", "fieldset", "hgroup", "form"})
"""Elements that begin a block; everything else is inside a line."""
DATE_NAMES = ("article:published_time", "dcterms.date", "dcterms.issued", "dc.date", "date", "published")
LINE_BREAK = "\x00"
"""Stands for `<br>` while blanks collapse; decoding has removed it from the text."""
HEADING = re.compile(r"#{1,6} [^\n]*")
CHARSET = re.compile(rb"""<(?:meta|\?xml)[^>]+?(?:charset|encoding)\s*=\s*["']?([\w.:-]{1,40})""", re.IGNORECASE)
SNIFFED_BYTES = 4096
"""Where the name of an encoding stands: HTML asks for the first 1024 bytes, pages ask for more."""
MOST_SPAN = 100
"""Columns or rows a cell may cover: more is a mistake or an attack."""


def read_html(source: Source) -> Iterator[Record]:
    """The page as one record."""
    text = _decoded(source.data)
    if not text.strip():
        raise Refusal("no_text")
    root = _parsed(text, source)
    title, published = _title(root), _published(root)
    yield Record(_joined(_main_blocks(root)), title, published, "", None)


def _main_blocks(root: Any) -> list[str]:
    """The blocks of the main content; of a page from the web only those that a second reader takes for content."""
    other = second_opinion(root) if is_shared(root) else ""
    whole = deepcopy(root) if other else root
    blocks = _content_blocks(main_content(root))
    if not other:
        return blocks
    found = agreed(blocks, other)
    return agreed(_content_blocks(_body(whole)), other) if has_lost(found, other) else found


def _decoded(data: bytes) -> str:
    """UTF-8 when it is, else the encoding the page names (HTML 13.2.3.2), else as other text."""
    named = CHARSET.search(data[:SNIFFED_BYTES])
    return decoded(data, encodings_named(named[1].decode()) if named else ())


def page_text(text: str, source: Source) -> str:
    """The content of a piece of HTML found in another file, whole: it has no navigation."""
    if not text.strip():
        return ""
    return _joined(_content_blocks(_body(_parsed(text, source))))


def _body(root: Any) -> Any:
    body = root.find("body")
    return root if body is None else body


def _parsed(text: str, source: Source) -> Any:
    # huge_tree: without it libxml2 drops what is nested too deep and says nothing; our limit does say
    parser = lxml_html.HTMLParser(no_network=True, remove_comments=True, remove_pis=True, huge_tree=True)
    root = lxml_html.document_fromstring(re.sub(r"\A\s*<\?xml[^>]*\?>", "", text), parser=parser)
    limit("max_depth", depth_of(root), source.params.limits.max_depth)
    free_misnamed(root)
    mark_hidden(root, drop_struck=source.params.layout.drop_struck)
    return root


def _content_blocks(element: Any) -> list[str]:
    return _joined_items(list(_blocks(element, "")))


def _joined(blocks: list[str]) -> str:
    found = list(blocks)
    while len(found) > 1 and HEADING.fullmatch(found[-1]):  # what stood below it was no content
        found.pop()
    return "\n\n".join(found)


def _title(root: Any) -> str | None:
    for path in ("//h1", "//title"):
        for element in root.xpath(path):
            text = _line(element)
            if text:
                return text
    return None


def _published(root: Any) -> str | None:
    for meta in root.iter("meta"):
        name = (meta.get("name") or meta.get("property") or "").lower()
        found = re.match(r"\d{4}-\d{2}-\d{2}", meta.get("content") or "")
        if name in DATE_NAMES and found:
            return found[0]
    return None


def _blocks(element: Any, prefix: str) -> Iterator[str]:
    """Blocks below `element`; `prefix` is the indent of the list around it."""
    loose: list[str] = [element.text or ""]
    for child in element:
        if child.tag == "math":
            loose.append(_inline(child))
        elif is_dropped(child):
            pass
        elif child.tag in PARTS or _holds_part(child):
            yield from _flushed(loose)
            yield from _block(child, prefix)
        elif child.tag == "br":
            loose.append(LINE_BREAK)
        else:
            loose.append(_inline(child))
        loose.append(child.tail or "")
    yield from _flushed(loose)


def _flushed(loose: list[str]) -> Iterator[str]:
    """The gathered inline text as one block: blanks collapse, `<br>` breaks the line."""
    lines = (" ".join(line.split()) for line in "".join(loose).split(LINE_BREAK))
    text = "\n".join(line for line in lines if line)
    loose.clear()
    if text:
        yield text


def _holds_part(element: Any) -> bool:
    return next(element.iter(*PARTS), None) is not None


def _block(element: Any, prefix: str) -> Iterator[str]:
    tag = element.tag
    if re.fullmatch(r"h[1-6]", tag):
        line = _line(element)
        if line:
            yield f"{'#' * int(tag[1])} {line}"
    elif tag == "pre":
        seen = element.xpath(f".//text()[not(ancestor::*[@{UNSEEN}])]")
        yield "```\n" + "".join(seen).strip("\n") + "\n```"
    elif tag == "table":
        yield from _table(element, prefix)
    elif tag in ("ul", "ol"):
        yield from _items(element, prefix)
    else:
        yield from _blocks(element, prefix)


def _items(element: Any, prefix: str) -> Iterator[str]:
    start = element.get("start") or ""
    number = int(start) - 1 if re.fullmatch(r"[0-9]{1,6}", start) else 0
    for child in element:
        if not isinstance(child.tag, str) or is_dropped(child):
            continue
        number += 1
        mark = f"{number}. " if element.tag == "ol" else "- "
        inside = list(_blocks(child, prefix + "  "))
        if inside:
            yield "\n".join([prefix + mark + inside[0].lstrip(), *inside[1:]])


def _table(element: Any, prefix: str) -> Iterator[str]:
    """A Markdown table under its caption; a table that only lays out the page gives its blocks."""
    own = [row for row in element.iter("tr") if next(row.iterancestors("table")) is element and not is_dropped(row)]
    if not any(_line(cell) for row in own for cell in _cells(row)):
        return
    caption = element.find("caption")
    if caption is not None and not is_dropped(caption) and (text := _line(caption)):
        yield text
    nested = next(element.iterdescendants("table"), None) is not None
    if nested or max(len(_cells(row)) for row in own) == 1 or _has_long_cells(own):
        for row in own:
            for cell in _cells(row):
                yield from _blocks(cell, prefix)
        return
    rows = [row for row in _grid(own) if any(row)]
    yield markdown_table(rows)


def _cells(row: Any) -> list[Any]:
    return [cell for cell in row if cell.tag in ("td", "th") and not is_dropped(cell)]


def _grid(own: list[Any]) -> list[list[str]]:
    """Rows of equal columns: what a merged cell covers is empty (HTML 4.9.12, forming a table)."""
    grid: list[list[str]] = []
    covered: dict[int, int] = {}
    for row in own:
        line: list[str] = []
        for cell in _cells(row):
            while covered.get(len(line), 0):
                covered[len(line)] -= 1
                line.append("")
            width, height = _span(cell, "colspan"), _span(cell, "rowspan")
            for column in range(len(line), len(line) + width):
                covered[column] = height - 1
            line += [_line(cell)] + [""] * (width - 1)
        for column in [column for column in covered if column >= len(line) and covered[column]]:
            covered[column] -= 1
        grid.append(line)
    return grid


def _span(cell: Any, name: str) -> int:
    text = cell.get(name, "1").strip()
    return min(max(int(text), 1), MOST_SPAN) if re.fullmatch(r"\d{1,5}", text) else 1


def _has_long_cells(rows: list[Any]) -> bool:
    """Cells with several blocks cannot stand in a Markdown table: they lay out text."""
    return any(len(list(cell.iter("p", "h1", "h2", "h3", "h4", "li"))) > 4 for row in rows for cell in row)


def _inline(element: Any) -> str:
    if element.tag == "math":
        return _formula(element)
    if is_dropped(element):
        return ""
    text = element.text or ""
    for child in element:
        text += (LINE_BREAK if child.tag == "br" else _inline(child)) + (child.tail or "")
    return run_in(text) if element.tag in ("b", "strong") else text


def _formula(element: Any) -> str:
    """TeX when the page carries it beside its MathML, else what the symbols say."""
    tex = element.get("alttext") or element.findtext(".//annotation[@encoding='application/x-tex']")
    return f" ${tex.strip()}$ " if tex and tex.strip() else " ".join(element.text_content().split())


def _line(element: Any) -> str:
    """All text of an element in one line."""
    return " ".join("".join(_texts(element)).replace(LINE_BREAK, " ").split())


def _texts(element: Any) -> Iterator[str]:
    if element.text:
        yield element.text
    for child in element:
        if not is_dropped(child):
            yield from [" ", *_texts(child), " "] if child.tag in PARTS else [_inline(child)]
        if child.tail:
            yield child.tail


ITEM = re.compile(r"\s*(?:- |\d+\. )")


def _joined_items(found: list[str]) -> list[str]:
    """Neighbouring list items as one block."""
    merged: list[str] = []
    for block in found:
        if merged and ITEM.match(block) and ITEM.match(merged[-1]):
            merged[-1] += "\n" + block
        else:
            merged.append(block)
    return merged
