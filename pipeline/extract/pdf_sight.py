"""What text of a PDF's page is out of sight: in a layer that is off, clipped away, or painted over.

A layer is an optional-content group (ISO 32000-1, 8.11). PDFium does not say which are off, but it does not paint what
is in them: a square painted under the same condition on the page, emptied for it, shows, or does not. Where a form
XObject as a whole is in a layer (8.11.3.3) it cannot be asked. Clips and covers are judged for what the page itself
paints, not for what a form XObject does. They only make a text suspect: a pattern, or a path within a clip of letters,
may cover nothing. It is out of sight when the page looks the same without it.
"""

import ctypes
from collections.abc import Iterable, Iterator
from itertools import islice, pairwise
from math import ceil, floor, sqrt
from typing import Any, NamedTuple

import pypdfium2 as pdfium
import pypdfium2.raw as raw
from PIL import Image, ImageChops

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
"""Pixels from square to square."""
MOST_PIXELS = 4_000_000
"""Of a rendering of the page; a page of more points is rendered smaller than one pixel to the point."""
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


class Ink(NamedTuple):
    """Where a page shows something of its suspect texts."""

    difference: Image.Image
    """Between the page with them and without."""
    page: pdfium.PdfPage
    converter: pdfium.PdfPosConv

    def is_in(self, bounds: Bounds) -> bool:
        """Whether any of it is there; a place off the page shows nothing."""
        left, bottom, right, top = bounds
        xs, ys = zip(*(self.converter.to_bitmap(x, y) for x in (left, right) for y in (bottom, top)), strict=True)
        box = (floor(min(xs)), floor(min(ys)), ceil(max(xs)) + 1, ceil(max(ys)) + 1)
        return self.difference.crop(box).getbbox() is not None


class Sight(NamedTuple):
    """What is known of a page's text objects; keys are those of `key_of`."""

    off: dict[int, Any]
    """In a layer that is off."""
    suspects: dict[int, "_Suspect"]
    """Clipped, or with something painted over them."""
    ink: Ink | None
    """Of the suspects; None when there are none."""

    def hides(self, key: int, word: Bounds) -> bool:
        """Whether a word of this object, there on the page, is out of sight."""
        suspect = self.suspects.get(key)
        return key in self.off or (suspect is not None and self.ink is not None and suspect.may_hide(word)
                                   and not self.ink.is_in(_core(word)))

    def put_away(self) -> bool:
        """Take the objects nothing of which is in sight off the open page; whether there were any."""
        gone = [*self.off.values(), *(suspect.held for suspect in self.suspects.values()
                                      if self.ink and not self.ink.is_in(suspect.bounds))]
        return any([raw.FPDFPageObj_SetIsActive(held, False) for held in gone if _is_active(held)])


class _Suspect(NamedTuple):
    """A text object of the page itself that may be out of sight."""

    held: Any
    bounds: Bounds
    clip: Bounds | None
    """What at most is seen of it."""
    covers: list[Bounds]
    """What is painted over it, in part at least."""

    def may_hide(self, word: Bounds) -> bool:
        """Whether a word of it, there on the page, is clipped away or covered."""
        return ((self.clip is not None and not _overlap(word, self.clip))
                or any(_is_over(cover, word) for cover in self.covers))


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
    texts = [(place, each) for place, each in enumerate(found)
             if raw.FPDFPageObj_GetType(each.held) == raw.FPDF_PAGEOBJ_TEXT]
    covers = list(islice((Cover(place, bounds) for place, each in enumerate(found)
                          if not each.is_inside and not each.layers and (bounds := _opaque(each.held))), MOST_COVERS))
    suspects = [suspect for place, each in texts
                if not each.is_inside and (suspect := _suspect(each.held, place, covers))]
    return Sight(_off(page, [each for _, each in texts if each.layers]),
                 {key_of(suspect.held): suspect for suspect in suspects},
                 _ink(page, [suspect.held for suspect in suspects]) if suspects else None)


def _is_active(held: Any) -> bool:
    """Whether it has not been put away."""
    active = ctypes.c_int()
    return bool(raw.FPDFPageObj_GetIsActive(held, active)) and bool(active.value)


def _suspect(held: Any, place: int, covers: list[Cover]) -> _Suspect | None:
    """The object, when a clip leaves less than all of it or one of the covers is painted over it."""
    clip = _clip(held)
    if not clip and not covers:
        return None
    left, bottom, right, top = ctypes.c_float(), ctypes.c_float(), ctypes.c_float(), ctypes.c_float()
    if not raw.FPDFPageObj_GetBounds(held, left, bottom, right, top):
        return None
    bounds = (left.value, bottom.value, right.value, top.value)
    over = [cover.bounds for cover in covers if cover.place > place and _overlap(bounds, cover.bounds)]
    return _Suspect(held, bounds, clip, over) if over or (clip and not _is_inside(bounds, clip)) else None


def _ink(page: pdfium.PdfPage, suspects: list[Any]) -> Ink:
    """Two renderings compared; the letters of two suspects in one place are not told apart, and both stay."""
    bitmap = page.render(scale=_scale(page), draw_annots=False)
    whole, converter = bitmap.to_pil(), bitmap.get_posconv(page)
    active = list(filter(_is_active, suspects))
    for held in active:
        raw.FPDFPageObj_SetIsActive(held, False)
    bare = page.render(scale=_scale(page), draw_annots=False).to_pil()
    for held in active:
        raw.FPDFPageObj_SetIsActive(held, True)
    return Ink(ImageChops.difference(whole, bare), page, converter)


def _scale(page: pdfium.PdfPage) -> float:
    """Pixels to the point."""
    width, height = page.get_size()
    return min(1.0, sqrt(MOST_PIXELS / max(width * height, 1.0)))


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


def _off(page: pdfium.PdfPage, marked: list[_Object]) -> dict[int, Any]:
    """Those of the objects that are in a layer that is off; on a page too small to ask for all, some count as on."""
    asked: dict[tuple[int, ...], _Object] = {}
    for each in marked:
        asked.setdefault(_layers_of(each), each)
    hidden = _unpainted(page, asked) if asked else set()
    return {key_of(each.held): each.held for each in marked if _layers_of(each) in hidden}


def _layers_of(each: _Object) -> tuple[int, ...]:
    return tuple(map(key_of, each.layers))


def _unpainted(page: pdfium.PdfPage, asked: dict[tuple[int, ...], _Object]) -> set[tuple[int, ...]]:
    """Those that a square is not painted under: on the page itself, as a new page may harm a damaged tree of pages."""
    others = [held for index in range(raw.FPDFPage_CountObjects(page.raw))
              if _is_active(held := raw.FPDFPage_GetObject(page.raw, index))]
    for held in others:
        raw.FPDFPageObj_SetIsActive(held, False)
    scale = _scale(page)
    corners = dict(zip(asked, _grid(page.get_bbox(), CELL / scale), strict=False))
    squares = [_square(page, corner, 2 / scale, asked[layers].layers) for layers, corner in corners.items()]
    bitmap = page.render(scale=scale, grayscale=True, draw_annots=False)
    image, converter = bitmap.to_pil(), bitmap.get_posconv(page)
    for square in squares:
        raw.FPDFPage_RemoveObject(page.raw, square)
        raw.FPDFPageObj_Destroy(square)
    for held in others:
        raw.FPDFPageObj_SetIsActive(held, True)
    places = {layers: converter.to_bitmap(x + 1 / scale, y + 1 / scale) for layers, (x, y) in corners.items()}
    return {layers for layers, (x, y) in places.items()
            if 0 <= x < image.width and 0 <= y < image.height and image.getpixel((x, y)) > 127}


def _grid(box: Bounds, step: float) -> Iterator[Point]:
    """Corners of squares that lie inside of the box."""
    left, bottom, right, top = box
    columns, rows = int((right - left) / step), int((top - bottom) / step)
    return ((left + column * step, bottom + row * step) for row in range(rows) for column in range(columns))


def _square(page: pdfium.PdfPage, corner: Point, side: float, layers: list[Any]) -> Any:
    """A black one, put on the page in these layers."""
    square = raw.FPDFPageObj_CreateNewRect(*corner, side, side)
    raw.FPDFPageObj_SetFillColor(square, 0, 0, 0, 255)
    raw.FPDFPath_SetDrawMode(square, raw.FPDF_FILLMODE_ALTERNATE, 0)
    for mark in layers:
        raw.FPDFPageObj_AddExistingMark(square, mark)
    raw.FPDFPage_InsertObject(page.raw, square)
    return square


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


def _is_inside(one: Bounds, other: Bounds) -> bool:
    return other[0] <= one[0] and other[1] <= one[1] and one[2] <= other[2] and one[3] <= other[3]


def _is_over(cover: Bounds, word: Bounds) -> bool:
    return _is_inside(_core(word), cover)


def _core(word: Bounds) -> Bounds:
    """Where its letters are."""
    left, bottom, right, top = word
    aside, above = CORE[0] * (right - left), CORE[1] * (top - bottom)
    return left + aside, bottom + above, right - aside, top - above
