"""PDF: born-digital text in reading order, scanned pages through OCR.

PDFium gives characters with boxes; `pipeline.extract.page` puts them in order. JavaScript, forms,
attachments and links are not looked at.
"""

import ctypes
import re
from collections.abc import Iterator
from itertools import islice

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from pipeline.extract.headings import to_markdown, without_running_heads
from pipeline.extract.ocr import recognise
from pipeline.extract.page import Block, Piece, blocks, run_in
from pipeline.extract.records import Record, Refusal, Source, limit

WIDE_GAP = 1.0
"""Ems between two words that end a piece: a column's gutter or a table's cell border."""
RULE_HEIGHT = 2.5
"""Points; a path lower than this and wider than it is a drawn line."""
STRIKE_ZONE = (0.25, 0.62)
"""Where a strike-through crosses a line's box, from its bottom; an underline runs below it."""
MOST_PATHS = 20_000
"""Paths of a page that are looked at for strike-throughs: a map or a plot has more, and no text to strike."""
BOLD_WEIGHT = 600
"""OpenType usWeightClass from which a face counts as bold."""


def read_pdf(source: Source) -> Iterator[Record]:
    """The document as one record."""
    document = _opened(source.data)
    try:
        limit("max_pages", len(document), source.params.limits.max_pages)
        text = _text(document, source)
        yield Record(text, _metadata(document, "Title"), _pdf_date(_metadata(document, "CreationDate")), "", None)
    finally:
        document.close()


def _opened(data: bytes) -> pdfium.PdfDocument:
    try:
        return pdfium.PdfDocument(data)
    except pdfium.PdfiumError as err:
        if raw.FPDF_GetLastError() == raw.FPDF_ERR_PASSWORD or "password" in str(err).lower():
            raise Refusal("encrypted") from err
        raise Refusal("unreadable", "PdfiumError") from err


def _text(document: pdfium.PdfDocument, source: Source) -> str:
    pages, sizes, scanned = [], [], []
    for number in range(len(document)):
        page = document[number]
        pieces = page_pieces(page, source.params.layout.drop_struck)
        scanned.append(_is_scan(page, pieces, source))
        pages.append(pieces)
        sizes.append(page.get_size())
        page.close()
        source.alive()
    limit("max_ocr_pages", sum(scanned), source.params.limits.max_ocr_pages)
    for number in (number for number, scan in enumerate(scanned) if scan):
        page = document[number]
        pages[number] = recognise(_image(page, source), source.params.ocr, source.params.ocr.dpi)
        page.close()
        source.alive()
    clean = without_running_heads(pages, [height for _, height in sizes], source.params.layout)
    found: list[list[Block]] = [blocks(pieces, width) for pieces, (width, _) in zip(clean, sizes, strict=True)]
    return to_markdown(found, source.params.layout)


def _is_scan(page: pdfium.PdfPage, pieces: list[Piece], source: Source) -> bool:
    """Little text, and images over much of the page."""
    ocr = source.params.ocr
    if sum(len(piece.text) for piece in pieces) >= ocr.max_text_chars:
        return False
    width, height = page.get_size()
    area = 0.0
    for image in islice(page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=3), MOST_PATHS):
        left, bottom, right, top = image.get_bounds()
        area += max(right - left, 0) * max(top - bottom, 0)
    return bool(area >= ocr.min_image_share * width * height)


def _image(page: pdfium.PdfPage, source: Source) -> object:
    scale = source.params.ocr.dpi / 72
    width, height = page.get_size()
    limit("max_pixels", int(width * height * scale * scale), source.params.limits.max_pixels)
    return page.render(scale=scale, grayscale=True).to_pil()


def page_pieces(page: pdfium.PdfPage, drop_struck: bool) -> list[Piece]:
    """The page's text in pieces, in the order of the content stream."""
    text = page.get_textpage()
    height = page.get_height()
    count = raw.FPDFText_CountChars(text)
    letters = "".join(_letter(raw.FPDFText_GetUnicode(text, index)) for index in range(count))
    rules = _rules(page) if drop_struck else []
    found: list[Piece] = []
    for line in re.finditer(r"[^\r\n]+", letters):
        for start, end in _split_at_gaps(text, letters, line.start(), line.end()):
            piece = _piece(text, letters, start, end, height, rules)
            if piece:
                found.append(piece)
    text.close()
    return found


SYMBOL_BULLETS = frozenset({0xF0B7, 0xF0A7, 0xF06F, 0xF0D8, 0xF0FC})
"""Private-use codes of the bullets in the Symbol and Wingdings fonts, as Word embeds them."""


def _letter(code: int) -> str:
    """One character for one index: PDFium counts UTF-16 units of astral characters as one."""
    if code in SYMBOL_BULLETS:
        return "\u2022"
    return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else " "


Box = tuple[float, float, float, float]
"""left, bottom, right, top in PDF space (y upwards)."""


def _char_box(text: pdfium.PdfTextPage, index: int) -> Box:
    box = raw.FS_RECTF()
    raw.FPDFText_GetLooseCharBox(text, index, box)
    return box.left, box.bottom, box.right, box.top


def _split_at_gaps(text: pdfium.PdfTextPage, letters: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut a line of PDFium's at gaps that are wider than a space between words can be."""
    begin, last = None, None
    for word in re.finditer(r"\S+", letters[start:end]):
        left, right = start + word.start(), start + word.end()
        box = _char_box(text, left)
        if last is not None and begin is not None:
            before = _char_box(text, last - 1)
            size = max(box[3] - box[1], 1.0)
            if box[0] - before[2] > WIDE_GAP * size or before[2] - box[0] > 2 * size:
                yield begin, last
                begin = left
        else:
            begin = left
        last = right
    if begin is not None and last is not None:
        yield begin, last


def _piece(text: pdfium.PdfTextPage, letters: str, start: int, end: int, height: float,
           rules: list[Box]) -> Piece | None:
    """The piece of characters start..end, without what is struck through; None when nothing stays."""
    first, last = _char_box(text, start), _char_box(text, end - 1)
    words = letters[start:end]
    crossing = [rule for rule in rules if _strikes(rule, first)]
    if crossing:
        words = "".join(" " if _is_struck(_char_box(text, start + offset), crossing) else letter
                        for offset, letter in enumerate(words))
    is_bold = _is_bold(text, start)
    if is_bold and not _is_bold(text, end - 1):
        words, is_bold = _with_label(text, words, start), False
    words = " ".join(words.split())
    if not words:
        return None
    # bullets and superscripts stand at the ends: the character in the middle tells the line's size
    body = _char_box(text, _middle(letters, start, end))
    return Piece(first[0], height - body[3], last[2], height - body[1], _size(text, start, body), is_bold, words)


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


def _size(text: pdfium.PdfTextPage, index: int, box: Box) -> float:
    """Type size in points: the height of the loose box, which the text matrix has scaled."""
    return round(box[3] - box[1], 1) or raw.FPDFText_GetFontSize(text, index)


def _is_bold(text: pdfium.PdfTextPage, index: int) -> bool:
    if raw.FPDFText_GetFontWeight(text, index) >= BOLD_WEIGHT:
        return True
    buffer, flags = ctypes.create_string_buffer(128), ctypes.c_int()
    raw.FPDFText_GetFontInfo(text, index, buffer, 128, flags)
    return b"bold" in buffer.value.lower()


def _rules(page: pdfium.PdfPage) -> list[Box]:
    """Horizontal drawn lines of the page."""
    paths = islice(page.get_objects(filter=[raw.FPDF_PAGEOBJ_PATH], max_depth=3), MOST_PATHS)
    boxes = (path.get_bounds() for path in paths)
    return [box for box in boxes if box[3] - box[1] <= RULE_HEIGHT < box[2] - box[0]]


def _strikes(rule: Box, line: Box) -> bool:
    middle, height = (rule[1] + rule[3]) / 2, line[3] - line[1]
    return height > 0 and STRIKE_ZONE[0] <= (middle - line[1]) / height <= STRIKE_ZONE[1]


def _is_struck(letter: Box, rules: list[Box]) -> bool:
    middle = (letter[0] + letter[2]) / 2
    return any(rule[0] - 0.5 <= middle <= rule[2] + 0.5 for rule in rules)


def _metadata(document: pdfium.PdfDocument, key: str) -> str | None:
    value = document.get_metadata_value(key).strip()
    return value or None


def _pdf_date(value: str | None) -> str | None:
    """`D:20250314...` as ISO (ISO 32000-1, 7.9.4)."""
    found = re.match(r"D:(\d{4})(\d{2})(\d{2})", value or "")
    return "-".join(found.groups()) if found else None
