"""DOCX: body elements in order, as Markdown. Tables, lists and footnotes stay where they stand.

The archive is unpacked part by part under a limit on bytes; XML is parsed without entities, DTDs or
network. Deleted, hidden and struck-through text and generated tables of contents are left out; numbers that
a word processor shows before headings and items are put where it shows them.
(ECMA-376 part 1, chapters 17.3, 17.4, 17.9, 17.11 and 17.13.)
"""

import re
from collections.abc import Iterator
from typing import Any

from pipeline.extract.archive import opened_document
from pipeline.extract.docx_styles import DEEPEST_HEADING, Numbering, W, is_on, styles_of, value
from pipeline.extract.office import core_properties
from pipeline.extract.page import markdown_table, run_in
from pipeline.extract.records import Record, Refusal, Source

FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
SKIPPED = {f"{W}del", f"{W}moveFrom", f"{W}instrText", f"{W}delText", f"{W}pPr", f"{W}rPr", f"{W}sdtPr", FALLBACK}
"""Deleted text, field codes, properties, and the second copy of a text box."""
TEXT_BOX = f"{W}txbxContent"
MOST_COLUMNS = 100
"""Columns a cell may cover: more is a mistake or an attack."""
SYMBOL_BASE = 0xF000
"""Symbol fonts sit in the private use area; 0xF0B7 is their bullet."""


class Item(str):
    """A paragraph that the document keeps in a list; one that only begins like an item is none."""

    __slots__ = ()


def read_docx(source: Source) -> Iterator[Record]:
    """The document as one record."""
    package = opened_document(source)
    main = package.xml(package.numbered("word/document.xml"))
    if main is None:
        raise KeyError("word/document.xml")
    body = main.find(f"{W}body")
    if body is None:
        raise Refusal("unreadable", "no body")
    document = Document(package, drop_struck=source.params.layout.drop_struck)
    found = _merged_items(list(document.blocks(body)))
    text = "\n\n".join([*found, *document.notes()])
    title, created = core_properties(package)
    yield Record(text, title or _first_heading(text), created, "", None)


class Document:
    """One pass over a document: numbers and footnotes are counted as they are met."""

    def __init__(self, package: Any, *, drop_struck: bool) -> None:
        self.styles, self.numbering = styles_of(package), Numbering(package)
        self.drop_struck = drop_struck
        self.parts = {kind: package.xml(package.numbered(f"word/{kind}s.xml")) for kind in ("footnote", "endnote")}
        self.asked: list[tuple[str, str]] = []
        """(kind, id) of the notes referred to, in order."""

    def notes(self) -> Iterator[str]:
        """The foot- and endnotes the text refers to; a note in a note is numbered after them."""
        for number, (kind, ident) in enumerate(self.asked, start=1):  # grows while it is read
            part = self.parts[kind]
            note = None if part is None else next(
                (mark for mark in part.iter(f"{W}{kind}") if mark.get(f"{W}id") == ident), None)
            text = "" if note is None else " ".join(" ".join(self.blocks(note)).split())
            if text:
                yield f"[^{number}]: {text}"

    def blocks(self, parent: Any) -> Iterator[str]:
        """Paragraphs and tables below `parent`, in document order, blank ones left out."""
        for element in parent:
            if element.tag == f"{W}p":
                yield from self.paragraph(element)
            elif element.tag == f"{W}tbl":
                yield from self.table(element)
            elif element.tag not in SKIPPED and not _is_contents(element):
                # content controls, insertions, custom XML: what is inside counts
                yield from self.blocks(element)

    def paragraph(self, element: Any) -> Iterator[str]:
        """A paragraph as a heading, an item or text; then the text boxes anchored in it."""
        style = value(element.find(f"{W}pPr/{W}pStyle"))
        text = re.sub(r"[ \t\xa0]+", " ", "".join(self.runs(element, style))).strip()
        if style in self.styles.contents:
            return
        number, level = self.number(element, style) if text else ("", 0)
        if text:
            yield self.written(element, text, style, number, level)
        for box in element.iter(TEXT_BOX):
            if not any(above.tag in SKIPPED or above.tag == TEXT_BOX for above in _between(box, element)):
                yield from self.blocks(box)

    def written(self, element: Any, text: str, style: str, number: str, level: int) -> str:
        """The paragraph's Markdown."""
        heading = self.styles.levels.get(style)
        if heading:
            lead = f"{number} " if number not in ("", "-") else ""
            return f"{'#' * heading} {lead}{' '.join(text.split())}"
        text = _with_label(element, text)
        if number or style in self.styles.lists:
            return Item(f"{'  ' * min(level, DEEPEST_HEADING)}{number or '-'} {text}")
        return text

    def number(self, element: Any, style: str) -> tuple[str, int]:
        """What the word processor shows before the paragraph, and the level of its list."""
        own = element.find(f"{W}pPr/{W}numPr")
        ident, level = self.styles.numbered.get(style, ("", 0))
        if own is not None:
            asked = value(own.find(f"{W}ilvl"))
            level = int(asked) if re.fullmatch(r"[0-8]", asked) else level
            ident = value(own.find(f"{W}numId")) or ident
        if ident in ("", "0"):  # 0 takes the paragraph out of its style's list (17.9.18)
            return "", 0
        shown = self.numbering.next(ident, level)
        if not shown and style not in self.styles.levels and ident not in self.numbering.levels:
            shown = "-"  # a list whose definition is missing is still a list
        return shown, level

    def runs(self, element: Any, style: str) -> Iterator[str]:
        """Text pieces below `element` in order."""
        for child in element:
            if child.tag in SKIPPED or child.tag == TEXT_BOX:
                continue
            if child.tag in (f"{W}t", f"{M}t"):
                yield child.text or ""
            elif child.tag in (f"{W}tab", f"{W}ptab"):
                yield "\t"
            elif child.tag in (f"{W}br", f"{W}cr"):
                yield "\n"
            elif child.tag == f"{W}noBreakHyphen":
                yield "-"
            elif child.tag == f"{W}sym":
                yield _symbol(child)
            elif child.tag in (f"{W}footnoteReference", f"{W}endnoteReference"):
                yield self.note_mark(child)
            elif child.tag == f"{W}r" and self.is_left_out(child, style):
                continue
            else:
                yield from self.runs(child, style)

    def note_mark(self, element: Any) -> str:
        """`[^3]`; "" when the note is marked by a character of its own or does not exist."""
        kind = "footnote" if element.tag == f"{W}footnoteReference" else "endnote"
        if self.parts[kind] is None:
            return ""
        self.asked.append((kind, element.get(f"{W}id", "")))
        return f"[^{len(self.asked)}]"

    def is_left_out(self, run: Any, style: str) -> bool:
        """Hidden or struck through: by itself, by its character style or by its paragraph's style."""
        if self.marked(run, style, ("vanish",), self.styles.hidden):
            return True
        return self.drop_struck and self.marked(run, style, ("strike", "dstrike"), self.styles.struck)

    def marked(self, run: Any, style: str, names: tuple[str, ...], styles: set[str]) -> bool:
        """A run's own property goes before that of a style."""
        own = [mark for name in names if (mark := run.find(f"{W}rPr/{W}{name}")) is not None]
        if own:
            return any(is_on(mark) for mark in own)
        return style in styles or value(run.find(f"{W}rPr/{W}rStyle")) in styles

    def table(self, element: Any) -> Iterator[str]:
        """A Markdown table; a table of one cell is a frame around text."""
        rows = [self.row(row, element) for row in element.iter(f"{W}tr")
                if _table_of(row) is element and not _is_gone(row)]
        rows = [row for row in rows if any(cell.strip() for cell in row)]
        if not rows:
            return
        if max(len(row) for row in rows) == 1:
            yield "\n\n".join(row[0] for row in rows)
        else:
            yield markdown_table([[re.sub(r"^#+ |(?<=\s)#+ ", "", cell) for cell in row] for row in rows])

    def row(self, row: Any, table: Any) -> list[str]:
        """The cells of a row; a cell over several columns is followed by empty ones."""
        cells: list[str] = []
        for cell in row.iter(f"{W}tc"):
            if _table_of(cell) is table:
                span = value(cell.find(f"{W}tcPr/{W}gridSpan"))
                width = int(span) if re.fullmatch(r"\d{1,3}", span) else 1
                gone = cell.find(f"{W}tcPr/{W}cellDel") is not None
                cells += ["" if gone else " ".join(self.blocks(cell))] + [""] * (min(max(width, 1), MOST_COLUMNS) - 1)
        return cells


def _between(inner: Any, outer: Any) -> Iterator[Any]:
    """The elements around `inner` inside `outer`."""
    for above in inner.iterancestors():
        if above is outer:
            return
        yield above


def _is_gone(row: Any) -> bool:
    """A row that is deleted or hidden (17.13.5.12, 17.4.20)."""
    return row.find(f"{W}trPr/{W}del") is not None or is_on(row.find(f"{W}trPr/{W}hidden"))


def _is_contents(element: Any) -> bool:
    """A content control around a generated table of contents (17.5.2.12)."""
    return value(element.find(f"{W}sdtPr/{W}docPartObj/{W}docPartGallery")) == "Table of Contents"


def _symbol(element: Any) -> str:
    """A character of a symbol font; those of the private use area mean nothing outside of it."""
    code = element.get(f"{W}char", "")
    number = int(code, 16) if re.fullmatch(r"[0-9A-Fa-f]{4}", code) else 0
    return "" if number >= SYMBOL_BASE or not number else chr(number)


def _with_label(element: Any, text: str) -> str:
    """A bold beginning that ends in a colon is a label: `**Owner:** ...`."""
    bold = ""
    for run in element.iter(f"{W}r"):
        if not is_on(run.find(f"{W}rPr/{W}b")):
            break
        bold += "".join(part.text or "" for part in run.findall(f"{W}t"))
    label = " ".join(bold.split())
    return run_in(label) + text[len(label):] if label and text.startswith(label) and len(text) > len(label) else text


def _table_of(element: Any) -> Any:
    """The nearest table above a row or cell: tables can be nested."""
    return next(element.iterancestors(f"{W}tbl"))


def _merged_items(found: list[str]) -> list[str]:
    """Neighbouring list items as one block."""
    merged: list[str] = []
    for block in found:
        if isinstance(block, Item) and merged and isinstance(merged[-1], Item):
            merged[-1] = Item(f"{merged[-1]}\n{block}")
        else:
            merged.append(block)
    return merged


def _first_heading(text: str) -> str | None:
    found = re.search(r"^#{1,6} (.+)$", text, re.MULTILINE)
    return found[1] if found else None
