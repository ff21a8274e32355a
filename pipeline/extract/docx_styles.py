"""What a DOCX says about styles and numbering: headings, lists, hidden and struck-through text, `2.1 (a)`.

(ECMA-376 part 1: styles 17.7, numbering 17.9, toggle properties 17.7.3.)
"""

import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pipeline.extract.archive import Package

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
DEEPEST_HEADING = 6
DEEPEST_LEVEL = 8
"""Levels of a numbering definition are 0 to 8."""
LONGEST_CHAIN = 20
"""Styles based on styles; more is a circle."""
CONTENTS = re.compile(r"toc (?:\d|heading)")
"""Names of the styles of a generated table of contents."""
ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
         (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))
MOST_LETTERS = 26


class Level(NamedTuple):
    """One level of a numbering definition."""

    kind: str
    """`decimal`, `lowerLetter`, `bullet`, ..."""
    text: str
    """With `%1` for the number of level 0."""
    start: int


@dataclass
class Styles:
    """What the style sheet says, chains of `basedOn` resolved."""

    levels: dict[str, int] = field(default_factory=dict)
    """Style id -> heading level, 1 to 6."""
    lists: set[str] = field(default_factory=set)
    """Style ids that are list items."""
    contents: set[str] = field(default_factory=set)
    """Style ids of tables of contents."""
    hidden: set[str] = field(default_factory=set)
    struck: set[str] = field(default_factory=set)
    numbered: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Style id -> (numbering id, level)."""


def value(element: Any) -> str:
    """The attribute `w:val`, "" without one."""
    return "" if element is None else element.get(f"{W}val", "")


def is_on(mark: Any) -> bool:
    """Of a toggle property: present and not switched off (17.3.2.22)."""
    return mark is not None and value(mark) not in ("0", "false", "off")


def styles_of(package: Package) -> Styles:
    """The style sheet of a document."""
    sheet = package.xml(package.numbered("word/styles.xml"))
    found = Styles()
    by_id = {} if sheet is None else {style.get(f"{W}styleId", ""): style for style in sheet.iter(f"{W}style")}
    for ident, style in by_id.items():
        name = value(style.find(f"{W}name")).lower()
        level = _heading_level(name, style)
        if level:
            found.levels[ident] = level
        if name.startswith("list "):
            found.lists.add(ident)
        if CONTENTS.match(name):
            found.contents.add(ident)
        chain = _chain(ident, by_id)
        if _inherited(chain, "vanish"):
            found.hidden.add(ident)
        if _inherited(chain, "strike") or _inherited(chain, "dstrike"):
            found.struck.add(ident)
        numbering = next((mark for link in chain if (mark := link.find(f"{W}pPr/{W}numPr")) is not None
                          and mark.find(f"{W}numId") is not None), None)
        if numbering is not None:
            own = style.find(f"{W}pPr/{W}numPr/{W}ilvl")
            found.numbered[ident] = (value(numbering.find(f"{W}numId")),
                                     _digit(value(own if own is not None else numbering.find(f"{W}ilvl"))))
    return found


def _heading_level(name: str, style: Any) -> int:
    """1 to 6 for a style of headings, else 0."""
    if name == "title":
        return 1
    heading = re.fullmatch(r"heading (\d)", name)
    outline = value(style.find(f"{W}pPr/{W}outlineLvl"))
    level = int(heading[1]) if heading else int(outline) + 1 if re.fullmatch(r"\d", outline) else 0
    return level if level <= DEEPEST_HEADING else 0


def _chain(ident: str, by_id: dict[str, Any]) -> list[Any]:
    """The style and those it is based on, nearest first."""
    chain: list[Any] = []
    while ident in by_id and len(chain) < LONGEST_CHAIN:
        chain.append(by_id[ident])
        ident = value(by_id[ident].find(f"{W}basedOn"))
    return chain


def _inherited(chain: list[Any], name: str) -> bool:
    marks = (style.find(f"{W}rPr/{W}{name}") for style in chain)
    return is_on(next((mark for mark in marks if mark is not None), None))


def _digit(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-8]", text) else 0


class Numbering:
    """Counts the numbered paragraphs of one document as a word processor does."""

    def __init__(self, package: Package) -> None:
        part = package.xml(package.numbered("word/numbering.xml"))
        abstract = {} if part is None else {
            mark.get(f"{W}abstractNumId", ""): _levels(mark) for mark in part.findall(f"{W}abstractNum")}
        self.levels: dict[str, dict[int, Level]] = {}
        self.abstract: dict[str, str] = {}
        for mark in [] if part is None else part.findall(f"{W}num"):
            ident, base = mark.get(f"{W}numId", ""), value(mark.find(f"{W}abstractNumId"))
            self.abstract[ident] = base
            self.levels[ident] = abstract.get(base, {}) | _overrides(mark, abstract.get(base, {}))
        self.counts: dict[str, dict[int, int]] = defaultdict(dict)

    def next(self, ident: str, level: int) -> str:
        """The number of the next paragraph of a list: `2.1`, `(a)`; "-" for a bullet, "" when there is no such list."""
        levels = self.levels.get(ident)
        if not levels or level not in levels:
            return ""
        # paragraphs of lists with one definition are counted together (17.9.16)
        counts = self.counts[self.abstract.get(ident, ident)]
        counts[level] = counts.get(level, levels[level].start - 1) + 1
        for deeper in [other for other in counts if other > level]:
            del counts[deeper]
        if levels[level].kind == "bullet":
            return "-"
        if levels[level].kind == "none":
            return ""
        return re.sub(r"%([1-9])", lambda found: _shown(int(found[1]) - 1, levels, counts), levels[level].text).strip()


def _shown(level: int, levels: dict[int, Level], counts: dict[int, int]) -> str:
    if level not in levels:
        return ""
    return _written(counts.get(level, levels[level].start), levels[level].kind)


def _levels(mark: Any) -> dict[int, Level]:
    return {_digit(item.get(f"{W}ilvl", "")): _level(item) for item in mark.findall(f"{W}lvl")}


def _level(item: Any) -> Level:
    start = value(item.find(f"{W}start"))
    return Level(value(item.find(f"{W}numFmt")) or "decimal", value(item.find(f"{W}lvlText")),
                 int(start) if re.fullmatch(r"\d{1,6}", start) else 1)


def _overrides(mark: Any, base: dict[int, Level]) -> dict[int, Level]:
    found: dict[int, Level] = {}
    for item in mark.findall(f"{W}lvlOverride"):
        level = _digit(item.get(f"{W}ilvl", ""))
        own, start = item.find(f"{W}lvl"), value(item.find(f"{W}startOverride"))
        if own is not None:
            found[level] = _level(own)
        elif level in base and re.fullmatch(r"\d{1,6}", start):
            found[level] = base[level]._replace(start=int(start))
    return found


def _written(number: int, kind: str) -> str:
    if kind in ("lowerLetter", "upperLetter"):
        letter = chr(ord("a") + (number - 1) % MOST_LETTERS) * min((number - 1) // MOST_LETTERS + 1, MOST_LETTERS)
        return letter.upper() if kind == "upperLetter" else letter
    if kind in ("lowerRoman", "upperRoman"):
        roman = _roman(number)
        return roman.upper() if kind == "upperRoman" else roman
    return f"{number:02}" if kind == "decimalZero" else str(number)


def _roman(number: int) -> str:
    text = ""
    for worth, letters in ROMAN:
        count, number = divmod(number, worth)
        text += letters * min(count, MOST_LETTERS)
    return text
