"""XLSX: every visible sheet as Markdown tables under its name; formulas by the value last computed.

Hidden sheets, rows, columns and cells and struck-through cells are left out. Cells are placed by what is there, not
by their coordinates, so that one cell in row 1,048,576 does not become a million rows. (ECMA-376 part 1, 18.)
"""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pipeline.extract.archive import Package, opened_document
from pipeline.extract.office import core_properties, relations
from pipeline.extract.page import markdown_table
from pipeline.extract.records import Record, Refusal, Source, limit

S = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
BOOK = "xl/workbook.xml"
REFERENCE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
DATE_IDS = frozenset([*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)])
"""Built-in number formats that show a date or a time (18.8.30)."""
NOT_CODE = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|_.|\*.')
"""Parts of a number format that are no codes: literals, colours, padding."""
NOTHING = re.compile(r"(?:\[\w+\])?;;;")
"""A number format whose sections for numbers and text are all empty (18.8.31)."""
EPOCHS = {False: datetime(1899, 12, 30), True: datetime(1904, 1, 1)}
"""Day 0 of the two date systems; 1899-12-30 absorbs the 29 February 1900 that never was (18.17.4.1)."""
LAST_DAY = 2958465
"""9999-12-31 in the 1900 system."""


class Book(NamedTuple):
    """What cells point to."""

    strings: list[str]
    dates: frozenset[int]
    """Cell formats that show a date."""
    struck: frozenset[int]
    """Cell formats whose text is struck through."""
    blank: frozenset[int]
    """Cell formats that show nothing, whatever the cell holds."""
    since_1904: bool
    drop_struck: bool


def read_xlsx(source: Source) -> Iterator[Record]:
    """The workbook as one record."""
    package = opened_document(source)
    book = package.xml(BOOK)
    if book is None:
        raise Refusal("unreadable", "no workbook")
    known = _book(package, book, source.params.layout.drop_struck)
    targets = relations(package, BOOK)
    found: list[str] = []
    for sheet in book.iter(f"{S}sheet"):
        name = targets.get(sheet.get(f"{R}id", ""), "")
        if sheet.get("state", "visible") == "visible" and name in package.names:
            blocks = list(_sheet(package.xml(name), known, source))
            found += [f"## {' '.join(sheet.get('name', '').split())}", *blocks] if blocks else []
            source.alive()
    title, created = core_properties(package)
    yield Record("\n\n".join(found), title, created, "", None)


def _book(package: Package, book: Any, drop_struck: bool) -> Book:
    shared = package.xml("xl/sharedStrings.xml")
    strings = [] if shared is None else [_rich_text(item, drop_struck) for item in shared.iter(f"{S}si")]
    dates, struck, blank = _formats(package.xml("xl/styles.xml"))
    properties = book.find(f"{S}workbookPr")
    since_1904 = properties is not None and properties.get("date1904") in ("1", "true")
    return Book(strings, dates, struck if drop_struck else frozenset(), blank, since_1904, drop_struck)


def _rich_text(item: Any, drop_struck: bool) -> str:
    """The text of a string item; phonetic readings and struck-through runs are left out."""
    parts = []
    for child in item:
        struck = child.find(f"{S}rPr/{S}strike")
        if child.tag == f"{S}t":
            parts.append(child.text or "")
        elif child.tag == f"{S}r" and not (drop_struck and _is_on(struck)):
            parts += [piece.text or "" for piece in child.findall(f"{S}t")]
    return "".join(parts)


def _formats(styles: Any) -> tuple[frozenset[int], frozenset[int], frozenset[int]]:
    """Indices of the cell formats that show dates, of those that are struck through, of those that show nothing."""
    if styles is None:
        return frozenset(), frozenset(), frozenset()
    codes = {mark.get("numFmtId"): mark.get("formatCode", "") for mark in styles.iter(f"{S}numFmt")}
    fonts = [_is_on(font.find(f"{S}strike")) for font in styles.findall(f"{S}fonts/{S}font")]
    dates, struck, blank = set(), set(), set()
    for index, cell in enumerate(styles.findall(f"{S}cellXfs/{S}xf")):
        ident, font = cell.get("numFmtId", "0"), cell.get("fontId", "")
        if _shows_date(ident, codes.get(ident, "")):
            dates.add(index)
        if NOTHING.fullmatch(codes.get(ident, "")):
            blank.add(index)
        if font.isdecimal() and int(font) < len(fonts) and fonts[int(font)]:
            struck.add(index)
    return frozenset(dates), frozenset(struck), frozenset(blank)


def _shows_date(ident: str, code: str) -> bool:
    if code:
        return re.search(r"[ymdhs]", NOT_CODE.sub("", code), re.IGNORECASE) is not None
    return ident.isdecimal() and int(ident) in DATE_IDS


def _is_on(mark: Any) -> bool:
    return mark is not None and mark.get("val", "1") not in ("0", "false")


def _sheet(sheet: Any, book: Book, source: Source) -> Iterator[str]:
    """Blocks of cells between blank rows: a table, or a paragraph when it is one column."""
    hidden = _hidden_columns(sheet)
    block: list[dict[int, str]] = []
    before = 0
    for row in sheet.iter(f"{S}row"):
        if _is_hidden(row, "ht"):
            continue
        number = int(row.get("r")) if (row.get("r") or "").isdecimal() else before + 1
        cells = _cells(row, book, hidden)
        if block and (not cells or number > before + 1):
            yield _block(block, source)
            block = []
        if cells:
            block.append(cells)
        before = number
    if block:
        yield _block(block, source)


def _hidden_columns(sheet: Any) -> list[tuple[int, int]]:
    marks = ((mark.get("min", ""), mark.get("max", "")) for mark in sheet.iter(f"{S}col")
             if _is_hidden(mark, "width"))
    return [(int(first), int(last)) for first, last in marks if first.isdecimal() and last.isdecimal()]


def _is_hidden(mark: Any, extent: str) -> bool:
    """Of a row or a column: it says so, or it was drawn together to nothing."""
    return mark.get("hidden") in ("1", "true") or re.fullmatch(r"0+(?:\.0*)?", mark.get(extent) or "") is not None


def _cells(row: Any, book: Book, hidden: list[tuple[int, int]]) -> dict[int, str]:
    """Column -> text of the cells that show something."""
    found: dict[int, str] = {}
    column = 0
    for cell in row.findall(f"{S}c"):
        place = REFERENCE.fullmatch(cell.get("r", ""))
        column = _column(place[1]) if place else column + 1
        text = " ".join(_value(cell, book).split())
        if text and not any(first <= column <= last for first, last in hidden):
            found[column] = text
    return found


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number


def _value(cell: Any, book: Book) -> str:
    style = cell.get("s", "0")
    style_index = int(style) if style.isdecimal() else 0
    if style_index in book.struck or style_index in book.blank:
        return ""
    raw = cell.findtext(f"{S}v") or ""
    match cell.get("t", "n"):
        case "s":
            return book.strings[int(raw)] if raw.isdecimal() and int(raw) < len(book.strings) else ""
        case "inlineStr":
            inline = cell.find(f"{S}is")
            return "" if inline is None else _rich_text(inline, book.drop_struck)
        case "b":
            return {"1": "TRUE", "0": "FALSE"}.get(raw, raw)
        case "n":
            return _number(raw, style_index in book.dates, book.since_1904)
    return raw


def _number(raw: str, is_date: bool, since_1904: bool) -> str:
    """A number as it reads: dates as ISO, whole numbers without a point."""
    try:
        value = float(raw)
    except ValueError:
        return raw
    if is_date and 0 <= value <= LAST_DAY:
        moment = EPOCHS[since_1904] + timedelta(seconds=round(value * 86400))
        if value < 1:
            return moment.strftime("%H:%M")
        return moment.date().isoformat() if value == int(value) else moment.isoformat(" ", "minutes")
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else f"{value:.15g}"


def _block(block: list[dict[int, str]], source: Source) -> str:
    columns = sorted({column for row in block for column in row})
    limit("max_chars", len(columns) * len(block), source.params.limits.max_chars)  # a far corner is an attack
    if len(columns) == 1:
        return "\n".join(row[columns[0]] for row in block)
    return markdown_table([[row.get(column, "") for column in columns] for row in block])
