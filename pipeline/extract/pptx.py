"""PPTX: slides in their order, titles as headings, lists and tables as Markdown, a form feed between slides.

Hidden slides, hidden shapes, struck-through runs, dates, footers and slide numbers are left out; speaker
notes are kept below their slide. (ECMA-376 part 1, chapters 19.3 and 21.1.)
"""

import posixpath
import re
from collections.abc import Iterator
from typing import Any

from pipeline.extract.archive import Package, opened_document
from pipeline.extract.headings import PAGE_BREAK
from pipeline.extract.office import core_properties, relations
from pipeline.extract.page import markdown_table
from pipeline.extract.records import Record, Refusal, Source, limit

A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
DGM = "{http://schemas.openxmlformats.org/drawingml/2006/diagram}"
FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
DECK = "ppt/presentation.xml"
TITLES = frozenset({"title", "ctrTitle"})
FURNITURE = frozenset({"dt", "ftr", "sldNum", "hdr", "sldImg"})
"""Placeholders that repeat on every slide."""
BULLETED = frozenset({"body", "obj", ""})
"""Placeholders whose paragraphs are list items unless they say otherwise (19.7.10: "obj" is the default)."""
DEEPEST_ITEM = 8


def read_pptx(source: Source) -> Iterator[Record]:
    """The presentation as one record."""
    package = opened_document(source)
    deck = package.xml(DECK)
    if deck is None:
        raise Refusal("unreadable", "no presentation")
    targets = relations(package, DECK)
    names = [targets.get(slide.get(f"{R}id", ""), "") for slide in deck.iter(f"{P}sldId")]
    limit("max_pages", len(names), source.params.limits.max_pages)
    slides = [_slide(package, name, source) for name in names]  # a hidden or empty one is a page all the same
    title, created = core_properties(package)
    heading = re.search(r"^#+ (.+)$", next(filter(None, slides), ""), re.MULTILINE)
    yield Record(PAGE_BREAK.join(slides) if any(slides) else "", heading[1] if heading else title, created, "", None)


def _slide(package: Package, name: str, source: Source) -> str:
    """One slide and its notes; "" for a hidden slide."""
    slide = package.xml(name)
    if slide is None or slide.get("show") in ("0", "false"):
        return ""
    targets = relations(package, name)
    tree = slide.find(f"{P}cSld/{P}spTree")
    shapes = [] if tree is None else sorted(_shapes(tree), key=lambda shape: _placeholder(shape) not in TITLES)
    found = [block for shape in shapes for block in _shape(shape, package, targets, source)]
    notes = next((package.xml(target) for target in targets.values()
                  if posixpath.basename(posixpath.dirname(target)) == "notesSlides"), None)
    if notes is not None:
        said = [block for shape in notes.iter(f"{P}sp") if _placeholder(shape) == "body"
                for block in _paragraphs(shape, source, bulleted=False)]
        found += ["\n\n".join(["**Notes:** " + said[0], *said[1:]])] if said else []
    source.alive()
    return "\n\n".join(found)


def _shapes(tree: Any) -> Iterator[Any]:
    """Visible shapes in document order, those of groups among them."""
    for shape in tree:
        if shape.tag == FALLBACK or _is_hidden(shape):
            continue
        if shape.tag in (f"{P}sp", f"{P}graphicFrame"):
            yield shape
        else:
            yield from _shapes(shape)


def _is_hidden(shape: Any) -> bool:
    drawn = shape.find(f"*/{P}cNvPr")
    return drawn is not None and drawn.get("hidden") in ("1", "true")


def _placeholder(shape: Any) -> str | None:
    """The kind of placeholder, None for a shape that is none."""
    mark = shape.find(f"{P}nvSpPr/{P}nvPr/{P}ph")
    return None if mark is None else mark.get("type", "")


def _shape(shape: Any, package: Package, targets: dict[str, str], source: Source) -> Iterator[str]:
    kind = _placeholder(shape)
    if kind in FURNITURE:
        return
    if kind in TITLES:
        line = " ".join(" ".join(_paragraphs(shape, source, bulleted=False)).split())
        if line:
            yield f"# {line}" if kind == "ctrTitle" else f"## {line}"
        return
    for table in shape.iter(f"{A}tbl"):
        yield from _table(table, source)
    for diagram in shape.iter(f"{DGM}relIds"):
        data = package.xml(targets.get(diagram.get(f"{R}dm", ""), ""))
        if data is not None:
            yield from ["\n".join(f"- {line}" for line in lines)] if (lines := _lines(data, source)) else []
    if shape.tag == f"{P}sp":
        found = list(_paragraphs(shape, source, bulleted=kind in BULLETED))
        yield from _joined(found)


def _lines(element: Any, source: Source) -> list[str]:
    return [text for paragraph in element.iter(f"{A}p") if (text := _text(paragraph, source))]


def _paragraphs(shape: Any, source: Source, *, bulleted: bool) -> Iterator[str]:
    """Paragraphs of a shape; a list item has its mark and indent."""
    body = shape.find(f"{P}txBody")
    number = 0
    for paragraph in [] if body is None else body.findall(f"{A}p"):
        text = _text(paragraph, source)
        if not text:
            continue
        how = paragraph.find(f"{A}pPr")
        level = min(int(how.get("lvl", "0")), DEEPEST_ITEM) if how is not None and how.get("lvl", "0").isdigit() else 0
        numbered = how is not None and how.find(f"{A}buAutoNum") is not None
        marked = how is not None and (how.find(f"{A}buChar") is not None or how.find(f"{A}buBlip") is not None)
        plain = how is not None and how.find(f"{A}buNone") is not None
        number = number + 1 if numbered else 0
        if numbered or marked or (bulleted and not plain):
            yield f"{'  ' * level}{f'{number}.' if numbered else '-'} {' '.join(text.split())}"
        else:
            yield text


def _text(paragraph: Any, source: Source) -> str:
    parts = []
    for run in paragraph:
        if run.tag == f"{A}br":
            parts.append("\n")
        elif run.tag in (f"{A}r", f"{A}fld") and not (source.params.layout.drop_struck and _is_struck(run)):
            parts += [piece.text or "" for piece in run.findall(f"{A}t")]
    lines = (" ".join(line.split()) for line in re.split(r"[\n\v]", "".join(parts)))
    return "\n".join(line for line in lines if line)


def _is_struck(run: Any) -> bool:
    how = run.find(f"{A}rPr")
    return how is not None and how.get("strike") in ("sngStrike", "dblStrike")


def _table(table: Any, source: Source) -> Iterator[str]:
    """A Markdown table; the cells that a merged cell covers are empty."""
    rows = [["" if cell.get("hMerge") or cell.get("vMerge") else " ".join(_lines(cell, source))
             for cell in row.findall(f"{A}tc")] for row in table.findall(f"{A}tr")]
    rows = [row for row in rows if any(row)]
    if rows:
        yield markdown_table(rows)


ITEM = re.compile(r"\s*(?:- |\d+\. )")


def _joined(found: list[str]) -> Iterator[str]:
    """Neighbouring list items as one block."""
    merged: list[str] = []
    for block in found:
        if merged and ITEM.match(block) and ITEM.match(merged[-1]):
            merged[-1] += "\n" + block
        else:
            merged.append(block)
    yield from merged
