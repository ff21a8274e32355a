"""One page of a PDF as PDFium sees it: text in pieces, drawn lines, images, turned the way it is read.

PDFium gives characters with boxes in PDF space (y upwards). Here a page is turned by quarters until most
of its text runs to the right, and from then on units are points and y grows downwards. That serves pages
with `/Rotate` and pages whose text is set sideways alike.
"""

import ctypes
import math
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice, pairwise
from typing import NamedTuple

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from pipeline.extract.page import Piece, run_in
from pipeline.extract.pdf_sight import Bounds, Sight, key_of, sight
from pipeline.extract.ruled import Line

WIDE_GAP = 1.0
"""Ems between two words that end a piece: a column's gutter or a table's cell border."""
RULE_HEIGHT = 2.5
"""Points; a path lower than this and wider than it is a drawn line."""
STRIKE_ZONE = (0.38, 0.75)
"""Where a strike-through crosses a line's box, from its top; an underline runs below it."""
MOST_OBJECTS = 20_000
"""Paths and images of a page that are looked at: a map or a plot has more, and no table."""
MOST_SEGMENTS = 2_000
"""Segments of a path that are looked at."""
BOLD_WEIGHT = 600
"""OpenType usWeightClass from which a face counts as bold."""
NOT_PAINTED = (raw.FPDF_TEXTRENDERMODE_INVISIBLE, raw.FPDF_TEXTRENDERMODE_CLIP)
SYMBOL_BULLETS = frozenset({0xF0B7, 0xF0A7, 0xF06F, 0xF0D8, 0xF0FC})
"""Private-use codes of the bullets in the Symbol and Wingdings fonts, as Word embeds them."""
FONT_NAME = 128
"""Bytes of a font's name that are looked at."""

Box = tuple[float, float, float, float]
"""x0, top, x1, bottom on the page as it is read."""


class Frame(NamedTuple):
    """The page's box in PDF space, and how it is turned."""

    left: float
    bottom: float
    right: float
    top: float
    turn: int
    """Degrees clockwise: 0, 90, 180, 270."""

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the page as it is read."""
        width, height = self.right - self.left, self.top - self.bottom
        return (height, width) if self.turn in (90, 270) else (width, height)

    def box(self, x0: float, y0: float, x1: float, y1: float) -> Box:
        """A box of PDF space (left, bottom, right, top) on the page as it is read."""
        if self.turn == 90:
            return y0 - self.bottom, x0 - self.left, y1 - self.bottom, x1 - self.left
        if self.turn == 180:
            return self.right - x1, y0 - self.bottom, self.right - x0, y1 - self.bottom
        if self.turn == 270:
            return self.top - y1, self.right - x1, self.top - y0, self.right - x0
        return x0 - self.left, self.top - y1, x1 - self.left, self.top - y0


class Drawn(NamedTuple):
    """Lines and images of a page."""

    across: list[Line]
    down: list[Line]
    image_share: float
    """Of the page, under images; overlapping ones count twice, at most 1."""
    num_objects: int


class PageText(NamedTuple):
    """A page's text layer."""

    pieces: list[Piece]
    """In the order of the content stream."""
    aside: list[list[Piece]]
    """Text that runs in other directions than most of the page's, each in a frame of its own."""
    frame: Frame
    drawn: Drawn
    num_chars: int
    """Visible characters of the layer, struck ones included."""
    num_unmapped: int
    """Of these, characters without a meaning."""
    num_hidden: int
    """Of these, characters that are set but not painted."""


def page_text(page: pdfium.PdfPage, drop_struck: bool, scan_share: float) -> PageText:
    """The page's text layer and drawn lines.

    Args:
        page: the page.
        drop_struck: leave out what a line strikes through.
        scan_share: of a page, under images, from which unseen text is what OCR read of them; below, it is left out.
    """
    text = page.get_textpage()
    codes = [raw.FPDFText_GetUnicode(text, index) for index in range(raw.FPDFText_CountChars(text))]
    letter_of = {code: _letter(code) for code in set(codes)}
    letters = "".join([letter_of[code] for code in codes])
    lines = [(found.start(), found.end()) for found in re.finditer(r"[^\r\n]+", letters)]
    turns = _turns(text, letters, lines)
    frames = {turn: _frame(page, turn) for turn in {0, *turns}}
    main = Counter(turn for (start, end), turn in zip(lines, turns, strict=True) for _ in range(start, end))
    turn = max(main.items(), key=lambda item: (item[1], -item[0]))[0] if main else 0
    drawn = _drawn(page, frames[turn])
    if drawn.image_share < scan_share:
        seen = sight(page)
        if seen.put_away():  # of two letters alike in one place PDFium gives the first: read again without the unseen
            text.close()
            return page_text(page, drop_struck, scan_share)
        letters = _painted(_Run(text, letters, frames[turn], NOTHING_DRAWN, drop_struck), seen)
    hidden = sum(end - start for start, end in lines if drawn.image_share and _is_hidden(text, start))
    by_turn = {way: [piece for (start, end), told in zip(lines, turns, strict=True) if told == way
                     for piece in _pieces(_Run(text, letters, frames[way], drawn if way == turn else NOTHING_DRAWN,
                                               drop_struck), start, end)]
               for way in sorted(frames)}
    text.close()
    return PageText(by_turn.pop(turn), [pieces for pieces in by_turn.values() if pieces], frames[turn], drawn,
                    sum(not letter.isspace() for letter in letters),
                    sum(count for code, count in Counter(codes).items() if _is_unmapped(code)), hidden)


def _frame(page: pdfium.PdfPage, turn: int) -> Frame:
    left, bottom, right, top = page.get_cropbox()
    return Frame(left, bottom, right, top, turn)


NOTHING_DRAWN = Drawn([], [], 0.0, 0)


class _Run(NamedTuple):
    """What it takes to make pieces."""

    text: pdfium.PdfTextPage
    letters: str
    frame: Frame
    drawn: Drawn
    drop_struck: bool

    def bounds(self, index: int) -> Bounds:
        """Of a character in PDF space."""
        found = raw.FS_RECTF()
        raw.FPDFText_GetLooseCharBox(self.text, index, found)
        return found.left, found.bottom, found.right, found.top

    def box(self, index: int) -> Box:
        """Of a character on the page as it is read."""
        return self.frame.box(*self.bounds(index))


def _letter(code: int) -> str:
    """One character for one index: PDFium counts UTF-16 units of astral characters as one."""
    if code in SYMBOL_BULLETS:
        return "\u2022"
    return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else " "


def _is_unmapped(code: int) -> bool:
    """No character, a replacement character, private use or control; PDFium's own hyphen marks are none."""
    if code in SYMBOL_BULLETS:
        return False
    return code in (0, 0xFFFD) or 0xE000 <= code <= 0xF8FF or (code < 0x20 and code not in (2, 9, 10, 12, 13))


def _turns(text: pdfium.PdfTextPage, letters: str, lines: list[tuple[int, int]]) -> list[int]:
    """Degrees clockwise by which each line has to be turned to run to the right."""
    found = []
    for start, end in lines:
        index = next((place for place in range(start, end) if not letters[place].isspace()), start)
        angle = raw.FPDFText_GetCharAngle(text, index)
        found.append(-round(math.degrees(angle) / 90) % 4 * 90 if angle >= 0 else 0)
    return found


def _painted(run: _Run, seen: Sight) -> str:
    """The letters, blanks for the words that nobody sees: not painted, in nothing, off the page or out of sight."""
    width, height = run.frame.size
    letters = list(run.letters)
    for word in re.finditer(r"\S+", run.letters):
        start, end = word.span()
        left, top, right, bottom = run.box(start)
        is_off = right < 0 or left > width or bottom < 0 or top > height
        if (is_off or _is_hidden(run.text, start) or _is_clear(run.text, start)
                or _is_out_of_sight(run, seen, start, end)):
            letters[start:end] = " " * (end - start)
    return "".join(letters)


def _is_hidden(text: pdfium.PdfTextPage, index: int) -> bool:
    """Whether a character has text rendering mode 3 or 7, neither filled nor stroked (ISO 32000-1, 9.3.6)."""
    held = raw.FPDFText_GetTextObject(text, index)
    return bool(held) and raw.FPDFTextObj_GetTextRenderMode(held) in NOT_PAINTED


def _is_clear(text: pdfium.PdfTextPage, index: int) -> bool:
    """Whether a character is filled with nothing: an alpha of 0 (11.6.4.4)."""
    held = raw.FPDFText_GetTextObject(text, index)
    if not held or raw.FPDFTextObj_GetTextRenderMode(held) != raw.FPDF_TEXTRENDERMODE_FILL:
        return False
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    return bool(raw.FPDFPageObj_GetFillColor(held, red, green, blue, alpha)) and alpha.value == 0


def _is_out_of_sight(run: _Run, seen: Sight, start: int, end: int) -> bool:
    """Whether a word is in a layer that is off, clipped away or painted over."""
    held = raw.FPDFText_GetTextObject(run.text, start)
    if not held:
        return False
    first, last = run.bounds(start), run.bounds(end - 1)
    word = (min(first[0], last[0]), min(first[1], last[1]), max(first[2], last[2]), max(first[3], last[3]))
    return seen.hides(key_of(held), word)


def _drawn(page: pdfium.PdfPage, frame: Frame) -> Drawn:
    """Straight lines along the axes, and how much of the page images cover."""
    across: list[Line] = []
    down: list[Line] = []
    area, count = 0.0, 0
    wanted = [raw.FPDF_PAGEOBJ_PATH, raw.FPDF_PAGEOBJ_IMAGE]
    for found in islice(page.get_objects(filter=wanted, max_depth=3), MOST_OBJECTS):
        count += 1
        x0, top, x1, bottom = frame.box(*found.get_bounds())
        if found.type == raw.FPDF_PAGEOBJ_IMAGE:
            area += max(x1 - x0, 0) * max(bottom - top, 0)
            continue
        boxes = [(x0, top, x1, bottom)] if min(x1 - x0, bottom - top) <= RULE_HEIGHT else _edges(found, frame)
        for left, upper, right, lower in boxes:
            if lower - upper <= RULE_HEIGHT < right - left:
                across.append(Line((upper + lower) / 2, left, right))
            elif right - left <= RULE_HEIGHT < lower - upper:
                down.append(Line((left + right) / 2, upper, lower))
    across += _crossed_out(page, frame)
    width, height = frame.size
    return Drawn(across, down, min(area / max(width * height, 1.0), 1.0), count)


def _crossed_out(page: pdfium.PdfPage, frame: Frame) -> Iterator[Line]:
    """The lines that annotations of a reviewer draw through text (12.5.6.10)."""
    for number in range(min(raw.FPDFPage_GetAnnotCount(page), MOST_OBJECTS)):
        note = raw.FPDFPage_GetAnnot(page, number)
        if raw.FPDFAnnot_GetSubtype(note) == raw.FPDF_ANNOT_STRIKEOUT:
            quad = raw.FS_QUADPOINTSF()
            for part in range(min(raw.FPDFAnnot_CountAttachmentPoints(note), MOST_SEGMENTS)):
                if raw.FPDFAnnot_GetAttachmentPoints(note, part, quad):
                    corners = [(quad.x1, quad.y1), (quad.x2, quad.y2), (quad.x3, quad.y3), (quad.x4, quad.y4)]
                    left, top, right, bottom = frame.box(*_bounds(corners))
                    yield Line((top + bottom) / 2, left, right)
        raw.FPDFPage_CloseAnnot(note)


def _edges(path: pdfium.PdfObject, frame: Frame) -> Iterator[Box]:
    """The lines a path is made of: its stroked segments, and its subpaths that are as thin as a line."""
    count = raw.FPDFPath_CountSegments(path)
    if not 1 < count <= MOST_SEGMENTS:
        return
    matrix, fill, stroke = path.get_matrix(), ctypes.c_int(), ctypes.c_int()
    raw.FPDFPath_GetDrawMode(path, fill, stroke)
    for points in _subpaths(path, count, matrix):
        yield frame.box(*_bounds(points))
        if stroke.value:
            yield from (frame.box(*_bounds(pair)) for pair in pairwise(points))


Point = tuple[float, float]


def _subpaths(path: pdfium.PdfObject, count: int, matrix: pdfium.PdfMatrix) -> Iterator[list[Point]]:
    """The points of every subpath of straight lines, in PDF space."""
    points: list[Point] = []
    x, y = ctypes.c_float(), ctypes.c_float()
    for index in range(count):
        segment = raw.FPDFPath_GetPathSegment(path, index)
        kind = raw.FPDFPathSegment_GetType(segment)
        raw.FPDFPathSegment_GetPoint(segment, x, y)
        if kind == raw.FPDF_SEGMENT_MOVETO and points:
            yield points
            points = []
        if kind == raw.FPDF_SEGMENT_BEZIERTO:
            return
        points.append(matrix.on_point(x.value, y.value))
        if raw.FPDFPathSegment_GetClose(segment):
            points.append(points[0])
    if points:
        yield points


def _bounds(points: "list[Point] | tuple[Point, ...]") -> Box:
    xs, ys = [point[0] for point in points], [point[1] for point in points]
    return min(xs), min(ys), max(xs), max(ys)


def _pieces(run: _Run, start: int, end: int) -> Iterator[Piece]:
    for begin, stop in _split_at_gaps(run, start, end):
        piece = _piece(run, begin, stop)
        if piece:
            yield piece


def _split_at_gaps(run: _Run, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut a line of PDFium's at drawn walls and at gaps wider than a space between words can be."""
    begin, last = None, None
    for word in re.finditer(r"\S+", run.letters[start:end]):
        left, right = start + word.start(), start + word.end()
        box = run.box(left)
        if last is not None and begin is not None:
            before = run.box(last - 1)
            size = max(box[3] - box[1], 1.0)
            if (box[0] - before[2] > WIDE_GAP * size or before[2] - box[0] > 2 * size
                    or _is_walled(run.drawn.down, before, box)):
                yield begin, last
                begin = left
        else:
            begin = left
        last = right
    if begin is not None and last is not None:
        yield begin, last


def _is_walled(walls: list[Line], before: Box, after: Box) -> bool:
    """Whether a drawn line stands between two words."""
    middle = (after[1] + after[3]) / 2
    return any(before[2] - 1 <= wall.at <= after[0] + 1 and wall.start <= middle <= wall.end for wall in walls)


def _piece(run: _Run, start: int, end: int) -> Piece | None:
    """The piece of characters start..end, without what is struck through; None when nothing stays."""
    first, last = run.box(start), run.box(end - 1)
    words = run.letters[start:end]
    crossing = [rule for rule in run.drawn.across if _strikes(rule, first)] if run.drop_struck else []
    if crossing:
        words = "".join(" " if _is_struck(run.box(start + offset), crossing) else letter
                        for offset, letter in enumerate(words))
    is_bold = _is_bold(run.text, start)
    if is_bold and not _is_bold(run.text, end - 1):
        words, is_bold = _with_label(run.text, words, start), False
    words = " ".join(words.split())
    if not words:
        return None
    # bullets and superscripts stand at the ends: the character in the middle tells the line's size
    middle = _middle(run.letters, start, end)
    body = run.box(middle)
    size = round(body[3] - body[1], 1) or raw.FPDFText_GetFontSize(run.text, middle)
    return Piece(first[0], body[1], last[2], body[3], size, is_bold, words)


def _middle(letters: str, start: int, end: int) -> int:
    """The visible character nearest to the middle."""
    middle = (start + end) // 2
    return next((index for index in range(middle, end) if not letters[index].isspace()), start)


def _with_label(text: pdfium.PdfTextPage, words: str, start: int) -> str:
    """A bold beginning that ends in a colon is a label: `**Owner:** ...`."""
    for colon in re.finditer(":", words):
        after = colon.end() + len(words[colon.end():]) - len(words[colon.end():].lstrip())
        if _is_bold(text, start + colon.start()) and after < len(words) and not _is_bold(text, start + after):
            return run_in(words[:colon.end()]) + words[colon.end():]
    return words


def _is_bold(text: pdfium.PdfTextPage, index: int) -> bool:
    return raw.FPDFText_GetFontWeight(text, index) >= BOLD_WEIGHT or b"bold" in font_name(text, index).lower()


def font_name(text: pdfium.PdfTextPage, index: int) -> bytes:
    """Name of the font of a character; b"" when it has none."""
    buffer, flags = ctypes.create_string_buffer(FONT_NAME), ctypes.c_int()
    raw.FPDFText_GetFontInfo(text, index, buffer, FONT_NAME, flags)
    return buffer.value


def _strikes(rule: Line, line: Box) -> bool:
    height = line[3] - line[1]
    return height > 0 and STRIKE_ZONE[0] <= (rule.at - line[1]) / height <= STRIKE_ZONE[1]


def _is_struck(letter: Box, rules: list[Line]) -> bool:
    middle = (letter[0] + letter[2]) / 2
    return any(rule.start - 0.5 <= middle <= rule.end + 0.5 for rule in rules)
