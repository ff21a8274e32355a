"""What text of a PDF's page is out of sight: in a layer that is off, clipped away, or painted over.

A layer is an optional-content group (ISO 32000-1, 8.11). PDFium does not say which are off, but it does not paint what
is in them: a mark painted on a spare page under the same condition shows, or does not. Where a form XObject as a whole
is in a layer (8.11.3.3) it cannot be asked. Clips and covers are judged for what the page itself paints, not for what
a form XObject does.
"""

import ctypes
from collections.abc import Iterable, Iterator
from itertools import islice, pairwise
from typing import Any, NamedTuple

import pypdfium2 as pdfium
import pypdfium2.raw as raw

MOST_OBJECTS = 20_000
"""Objects of a page that are looked at; what comes after them counts as seen, and covers nothing."""
MOST_COVERS = 1_000
"""Rectangles of a page that are looked at as covers."""
MOST_CLIPS = 20
MOST_POINTS = 100
"""Clips of an object, and points of each, that are looked at; more clip nothing away, and what they clip covers
nothing."""
MOST_MARKS = 50
"""Marks of an object that are looked at: sections around it, layers among them."""
DEEPEST = 5
"""Form XObjects in each other."""
NAME_BYTES = 16
"""Enough for the tag `OC` in UTF-16."""
CELL = 3
"""Pixels from mark to mark on the spare page."""
IN_A_ROW = 100
CORE = (0.1, 0.3)
"""Share of a word's box, at each side, above and below, that need not be covered: letters fill less than their box."""

RECTANGLE = (4, 5)
"""Segments of one, without and with the line back to its start."""

Point = tuple[float, float]
Bounds = tuple[float, float, float, float]
"""left, bottom, right, top in PDF space."""


class Cover(NamedTuple):
    """An opaque rectangle."""

    place: int
    """In the order of painting."""
    bounds: Bounds


class Sight(NamedTuple):
    """What is known of a page's text objects; keys are those of `key_of`."""

    off: frozenset[int]
    """In a layer that is off."""
    places: dict[int, int]
    """In the order of painting."""
    clips: dict[int, Bounds]
    """What at most is seen of an object."""
    covers: list[Cover]

    def hides(self, key: int, word: Bounds) -> bool:
        """Whether a word of this object, there on the page, is out of sight."""
        if key in self.off or (key in self.clips and not _overlap(word, self.clips[key])):
            return True
        place = self.places.get(key)
        return place is not None and any(place < cover.place and _is_over(cover.bounds, word) for cover in self.covers)


class _Object(NamedTuple):
    """An object of a page, or of a form XObject on it."""

    held: Any
    layers: list[Any]
    """The marks that say in which layers it is, with those of the form XObjects around it."""
    is_inside: bool
    """Of a form XObject."""


def key_of(held: Any) -> int:
    """One number for each of PDFium's objects as long as its page is open."""
    return ctypes.addressof(held.contents)


def sight(page: pdfium.PdfPage) -> Sight:
    """What is known of the text objects of an open page."""
    found = list(islice(_objects(page), MOST_OBJECTS))
    texts = [each for each in found if raw.FPDFPageObj_GetType(each.held) == raw.FPDF_PAGEOBJ_TEXT]
    own = {key_of(each.held): each.held for each in texts if not each.is_inside}
    places = {key: place for place, each in enumerate(found) if (key := key_of(each.held)) in own}
    clips = {key: clip for key, held in own.items() if (clip := _clip(held))}
    covers = (Cover(place, bounds) for place, each in enumerate(found)
              if not each.is_inside and not each.layers and (bounds := _opaque(each.held)))
    return Sight(_off(page.pdf, [each for each in texts if each.layers]), places, clips,
                 list(islice(covers, MOST_COVERS)))


def _objects(page: pdfium.PdfPage) -> Iterator[_Object]:
    """In the order of painting."""
    for index in range(raw.FPDFPage_CountObjects(page.raw)):
        yield from _with_inner(raw.FPDFPage_GetObject(page.raw, index), [], 0)


def _with_inner(held: Any, around: list[Any], depth: int) -> Iterator[_Object]:
    layers = around + [mark for number in range(min(raw.FPDFPageObj_CountMarks(held), MOST_MARKS))
                       if _is_layer(mark := raw.FPDFPageObj_GetMark(held, number))]
    yield _Object(held, layers, depth > 0)
    if raw.FPDFPageObj_GetType(held) == raw.FPDF_PAGEOBJ_FORM and depth < DEEPEST:
        for index in range(raw.FPDFFormObj_CountObjects(held)):
            yield from _with_inner(raw.FPDFFormObj_GetObject(held, index), layers, depth + 1)


def _is_layer(mark: Any) -> bool:
    name, size = (raw.FPDF_WCHAR * (NAME_BYTES // 2))(), ctypes.c_ulong()
    return bool(raw.FPDFPageObjMark_GetName(mark, name, NAME_BYTES, size)) and name[:3] == [ord("O"), ord("C"), 0]


def _off(document: pdfium.PdfDocument, marked: list[_Object]) -> frozenset[int]:
    """Those of the objects that are in a layer that is off, by painting a square for each under its conditions."""
    if not marked:
        return frozenset()
    rows = -(-len(marked) // IN_A_ROW)
    spare = document.new_page(IN_A_ROW * CELL, rows * CELL)
    for number, each in enumerate(marked):
        row, column = divmod(number, IN_A_ROW)
        square = raw.FPDFPageObj_CreateNewRect(column * CELL, row * CELL, 2, 2)
        raw.FPDFPageObj_SetFillColor(square, 0, 0, 0, 255)
        raw.FPDFPath_SetDrawMode(square, raw.FPDF_FILLMODE_ALTERNATE, 0)
        for mark in each.layers:
            raw.FPDFPageObj_AddExistingMark(square, mark)
        raw.FPDFPage_InsertObject(spare.raw, square)
    image = spare.render(scale=1, grayscale=True).to_pil()
    spare.close()
    raw.FPDFPage_Delete(document.raw, len(document) - 1)
    return frozenset(key_of(each.held) for number, each in enumerate(marked)
                     if image.getpixel((number % IN_A_ROW * CELL, image.height - 1 - number // IN_A_ROW * CELL)) > 127)


def _opaque(held: Any) -> Bounds | None:
    """The rectangle that a path fills with a colour that nothing shows through; None for other objects."""
    if raw.FPDFPageObj_GetType(held) != raw.FPDF_PAGEOBJ_PATH or raw.FPDFPageObj_HasTransparency(held):
        return None
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    count = raw.FPDFPath_CountSegments(held)
    if (not raw.FPDFPath_GetDrawMode(held, fill, stroke) or not fill.value or count not in RECTANGLE
            or not raw.FPDFPageObj_GetFillColor(held, red, green, blue, alpha) or alpha.value < 255):
        return None
    matrix = raw.FS_MATRIX()
    raw.FPDFPageObj_GetMatrix(held, matrix)
    points = [_point(raw.FPDFPath_GetPathSegment(held, index)) for index in range(count)]
    placed = [(matrix.a * x + matrix.c * y + matrix.e, matrix.b * x + matrix.d * y + matrix.f) for x, y in points]
    clips = _clips(held)
    if not all(map(_is_rectangle, [placed, *clips])):
        return None
    return _common(map(_bounds, [placed, *clips]))


def _clip(held: Any) -> Bounds | None:
    """The box around everything that the object's clips leave; None when it has none."""
    clips = [points for points in _clips(held) if points]
    return _common(map(_bounds, clips)) if clips else None


def _clips(held: Any) -> list[list[Point]]:
    """The points of the paths that clip an object, none for those that are not looked at.

    The object is seen in what all of them leave.
    """
    clip = raw.FPDFPageObj_GetClipPath(held)
    found: list[list[Point]] = []
    for path in range(max(raw.FPDFClipPath_CountPaths(clip), 0)) if clip else ():
        count = raw.FPDFClipPath_CountPathSegments(clip, path)
        if path == MOST_CLIPS:
            return [*found, []]
        found.append([_point(raw.FPDFClipPath_GetPathSegment(clip, path, index)) for index in range(count)]
                     if count <= MOST_POINTS else [])
    return found


def _point(segment: Any) -> Point:
    x, y = ctypes.c_float(), ctypes.c_float()
    raw.FPDFPathSegment_GetPoint(segment, x, y)
    return x.value, y.value


def _is_rectangle(points: list[Point]) -> bool:
    """Along the axes: four corners, and each side changes one coordinate."""
    corners = [(round(x, 1), round(y, 1)) for x, y in points]
    return (len(points) in RECTANGLE and len(set(corners)) == 4
            and all(x == to_x or y == to_y for (x, y), (to_x, to_y) in pairwise(corners)))


def _bounds(points: list[Point]) -> Bounds:
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _common(boxes: Iterable[Bounds]) -> Bounds:
    """What is in all of them; its sides are the wrong way round when nothing is."""
    lefts, bottoms, rights, tops = zip(*boxes, strict=True)
    return max(lefts), max(bottoms), min(rights), min(tops)


def _overlap(one: Bounds, other: Bounds) -> bool:
    return (max(one[0], other[0]) < min(one[2], other[2])) and (max(one[1], other[1]) < min(one[3], other[3]))


def _is_over(cover: Bounds, word: Bounds) -> bool:
    left, bottom, right, top = word
    aside, above = CORE[0] * (right - left), CORE[1] * (top - bottom)
    return (cover[0] <= left + aside and cover[2] >= right - aside
            and cover[1] <= bottom + above and cover[3] >= top - above)
