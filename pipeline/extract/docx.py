"""DOCX: body elements in order, as Markdown. Tables and lists stay where they stand.

The archive is unpacked part by part under a limit on bytes; XML is parsed without entities, DTDs or
network. Deleted and struck-through runs are left out. (ECMA-376 part 1, chapters 17.3 and 17.4.)
"""

import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from typing import Any, NamedTuple

from pipeline.extract.page import markdown_table, run_in
from pipeline.extract.records import Record, Refusal, Source, limit
from pipeline.extract.xml import parse_xml

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
SKIPPED = {f"{W}del", f"{W}moveFrom", f"{W}instrText", f"{W}delText", f"{W}pPr", f"{W}rPr", f"{W}sdtPr", FALLBACK}
"""Deleted text, field codes, properties, and the second copy of a text box."""
DEEPEST_HEADING = 6


class Styles(NamedTuple):
    """What the style sheet says about paragraph styles."""

    levels: dict[str, int]
    """Style id -> heading level, 1 to 6."""
    lists: frozenset[str]
    """Style ids that are list items."""


def read_docx(source: Source) -> Iterator[Record]:
    """The document as one record."""
    archive = _opened(source.data)
    budget = source.params.limits.max_uncompressed_bytes
    limit("max_uncompressed_bytes", sum(item.file_size for item in archive.infolist()), budget)
    body = parse_xml(_part(archive, "word/document.xml", budget), source.params.limits.max_depth).find(f"{W}body")
    if body is None:
        raise Refusal("unreadable", "no body")
    styles = _styles(archive, budget, source)
    text = "\n\n".join(_merged_items(list(_blocks(body, styles, source.params.layout.drop_struck))))
    title, created = _core(archive, budget, source)
    yield Record(text, title or _first_line(text), created, "", None)


def _opened(data: bytes) -> zipfile.ZipFile:
    archive = zipfile.ZipFile(BytesIO(data))
    if any(item.flag_bits & 1 for item in archive.infolist()):
        raise Refusal("encrypted")
    return archive


def _part(archive: zipfile.ZipFile, name: str, budget: int) -> bytes:
    """One part, never more than `budget` bytes whatever the archive's directory says."""
    with archive.open(name) as stream:
        data = stream.read(budget + 1)
    limit("max_uncompressed_bytes", len(data), budget)
    return data


def _styles(archive: zipfile.ZipFile, budget: int, source: Source) -> Styles:
    if "word/styles.xml" not in archive.namelist():
        return Styles({}, frozenset())
    sheet = parse_xml(_part(archive, "word/styles.xml", budget), source.params.limits.max_depth)
    levels, lists = {}, set()
    for style in sheet.iter(f"{W}style"):
        name = _value(style.find(f"{W}name")).lower()
        ident = style.get(f"{W}styleId", "")
        outline = style.find(f"{W}pPr/{W}outlineLvl")
        heading = re.fullmatch(r"heading (\d)", name)
        if name == "title":
            levels[ident] = 1
        elif heading or (outline is not None and _value(outline).isdigit()):
            level = int(heading[1]) if heading else int(_value(outline)) + 1
            if level <= DEEPEST_HEADING:
                levels[ident] = level
        if name.startswith("list "):
            lists.add(ident)
    return Styles(levels, frozenset(lists))


def _value(element: Any) -> str:
    return "" if element is None else element.get(f"{W}val", "")


def _blocks(parent: Any, styles: Styles, drop_struck: bool) -> Iterator[str]:
    """Paragraphs and tables below `parent`, in document order, blank ones left out."""
    for element in parent:
        if element.tag == f"{W}p":
            text = _paragraph(element, styles, drop_struck)
            if text:
                yield text
        elif element.tag == f"{W}tbl":
            table = _table(element, styles, drop_struck)
            if table:
                yield table
        elif element.tag not in SKIPPED:
            # content controls, insertions, custom XML: what is inside counts
            yield from _blocks(element, styles, drop_struck)


def _paragraph(element: Any, styles: Styles, drop_struck: bool) -> str:
    text = re.sub(r"[ \t\xa0]+", " ", "".join(_runs(element, drop_struck))).strip()
    if not text:
        return ""
    style = _value(element.find(f"{W}pPr/{W}pStyle"))
    if style not in styles.levels:
        text = _with_label(element, text)
    level = styles.levels.get(style)
    if level:
        return f"{'#' * level} {' '.join(text.split())}"
    numbered = element.find(f"{W}pPr/{W}numPr")
    if (numbered is not None and _value(numbered.find(f"{W}numId")) != "0") or style in styles.lists:
        depth = int(_value(numbered.find(f"{W}ilvl")) or 0) if numbered is not None else 0
        return f"{'  ' * min(depth, DEEPEST_HEADING)}- {text}"
    return text


def _with_label(element: Any, text: str) -> str:
    """A bold beginning that ends in a colon is a label: `**Owner:** ...`."""
    bold = ""
    for run in element.iter(f"{W}r"):
        if not _is_on(run.find(f"{W}rPr/{W}b")):
            break
        bold += "".join(part.text or "" for part in run.findall(f"{W}t"))
    label = " ".join(bold.split())
    return run_in(label) + text[len(label):] if label and text.startswith(label) and len(text) > len(label) else text


def _runs(element: Any, drop_struck: bool) -> Iterator[str]:
    """Text pieces below `element` in order."""
    for child in element:
        if child.tag in SKIPPED:
            continue
        if child.tag == f"{W}t":
            yield child.text or ""
        elif child.tag == f"{W}tab":
            yield "\t"
        elif child.tag in (f"{W}br", f"{W}cr"):
            yield "\n"
        elif child.tag == f"{W}noBreakHyphen":
            yield "-"
        elif child.tag == f"{W}r" and drop_struck and _is_struck(child):
            continue
        else:
            yield from _runs(child, drop_struck)


def _is_struck(run: Any) -> bool:
    return any(_is_on(run.find(f"{W}rPr/{W}{name}")) for name in ("strike", "dstrike"))


def _is_on(mark: Any) -> bool:
    """Of a toggle property: present and not switched off (ECMA-376 part 1, 17.3.2.22)."""
    return mark is not None and _value(mark) not in ("0", "false", "off")


def _table(element: Any, styles: Styles, drop_struck: bool) -> str:
    """A Markdown table; a table of one cell is a frame around text."""
    rows = [[" ".join(_blocks(cell, styles, drop_struck)) for cell in row.iter(f"{W}tc") if _table_of(cell) is element]
            for row in element.iter(f"{W}tr") if _table_of(row) is element]
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    if not rows:
        return ""
    if max(len(row) for row in rows) == 1:
        return "\n\n".join(row[0] for row in rows)
    return markdown_table([[re.sub(r"^#+ |(?<=\s)#+ ", "", cell) for cell in row] for row in rows])


def _table_of(element: Any) -> Any:
    """The nearest table above a row or cell: tables can be nested."""
    return next(element.iterancestors(f"{W}tbl"))


def _merged_items(found: list[str]) -> list[str]:
    """Neighbouring list items as one block."""
    merged: list[str] = []
    for block in found:
        is_item = block.lstrip().startswith("- ")
        if is_item and merged and merged[-1].rsplit("\n", 1)[-1].lstrip().startswith("- "):
            merged[-1] += "\n" + block
        else:
            merged.append(block)
    return merged


def _core(archive: zipfile.ZipFile, budget: int, source: Source) -> tuple[str | None, str | None]:
    """Title and creation date of the core properties (ECMA-376 part 2, 11.1)."""
    if "docProps/core.xml" not in archive.namelist():
        return None, None
    core = parse_xml(_part(archive, "docProps/core.xml", budget), source.params.limits.max_depth)
    values = {element.tag.rsplit("}", 1)[-1]: (element.text or "").strip() for element in core if element.text}
    created = re.match(r"\d{4}-\d{2}-\d{2}", values.get("created", ""))
    return values.get("title") or None, created[0] if created else None


def _first_line(text: str) -> str | None:
    found = re.search(r"^#{1,6} (.+)$", text, re.MULTILINE)
    return found[1] if found else None
