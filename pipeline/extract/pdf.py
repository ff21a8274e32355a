"""PDF: born-digital text in reading order, other pages through OCR.

PDFium gives characters with boxes; `pipeline.extract.page` puts them in order. JavaScript, forms,
attachments and links are not looked at.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from pipeline.extract.headings import to_markdown, without_running_heads
from pipeline.extract.layer import Verdict, verdict
from pipeline.extract.ocr import recognise
from pipeline.extract.page import Block, Piece, blocks
from pipeline.extract.pdf_page import NOTHING_DRAWN, Drawn, page_text
from pipeline.extract.records import PageRow, Record, Refusal, Source, limit
from pipeline.extract.ruled import tables
from pipeline.schema.pages import RECOGNISED


class Page(NamedTuple):
    """A page ready for layout."""

    pieces: list[Piece]
    width: float
    height: float
    aside: list[list[Piece]]
    """Text in other directions."""
    drawn: Drawn
    markdown: str
    """From an engine that sees the layout itself; "" else."""
    row: PageRow


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
    pages = []
    for number in range(len(document)):
        page = document[number]
        pages.append(_layer(page, number + 1, source))
        page.close()
        source.alive()
    unread = [number for number, page in enumerate(pages) if _engine(page.row, source)]
    limit("max_ocr_pages", len(unread), source.params.limits.max_ocr_pages)
    for number in unread:
        page = document[number]
        pages[number] = _recognised(page, pages[number].row, source)
        page.close()
        source.alive()
    clean = without_running_heads([page.pieces for page in pages], [page.height for page in pages],
                                  source.params.layout)
    text = to_markdown([_blocks(page, pieces) for page, pieces in zip(pages, clean, strict=True)],
                       source.params.layout)
    for found in pages:  # last, so that a file that is refused after all has no rows
        source.page(found.row)
    return text


def _layer(page: pdfium.PdfPage, number: int, source: Source) -> Page:
    """The page by its text layer, with the verdict on it."""
    found = page_text(page, source.params.layout.drop_struck, source.params.ocr.min_image_share)
    text = " ".join(piece.text for pieces in [found.pieces, *found.aside] for piece in pieces)
    told = verdict(text, found.num_chars, found.num_unmapped, found.num_hidden, found.drawn.image_share,
                   source.params.ocr)
    width, height = found.frame.size
    return Page(found.pieces, width, height, found.aside, found.drawn, "",
                _row(number, told, "layer" if text else "", found.frame.turn))


def _row(number: int, told: Verdict, engine: str, turned: int) -> PageRow:
    return PageRow("", number, told.decision, told.score, engine, None, turned, None)


def _engine(row: PageRow, source: Source) -> str:
    """Which engine is to read the page; "" when its text layer stays."""
    ocr = source.params.ocr
    if row.decision == "maths":
        return "" if ocr.maths_engine == "none" else ocr.maths_engine
    return ocr.engine_of(source.origin) if row.decision in RECOGNISED else ""


def _recognised(page: pdfium.PdfPage, row: PageRow, source: Source) -> Page:
    """The page by what an engine reads on its image."""
    engine = _engine(row, source)
    found, digest = recognise(_image(page, source), engine, source.params.ocr, source.cache)
    seen = row._replace(engine=engine, image_sha256=digest, turned=found.turned, confidence=found.confidence)
    return Page(found.pieces, found.width, found.height, [], NOTHING_DRAWN, found.markdown, seen)


def _image(page: pdfium.PdfPage, source: Source) -> object:
    scale = source.params.ocr.dpi / 72
    width, height = page.get_size()
    limit("max_pixels", int(width * height * scale * scale), source.params.limits.max_pixels)
    return page.render(scale=scale, grayscale=True).to_pil()


def _blocks(page: Page, pieces: list[Piece]) -> list[Block]:
    """The page's blocks in reading order; text in other directions comes last."""
    if page.markdown:
        return [Block("markdown", page.markdown, 0.0, bold=False)]
    ruled, loose = tables(pieces, page.drawn.across, page.drawn.down)
    found = blocks(loose, page.width, ruled)
    for aside in page.aside:
        found += blocks(aside, page.width)
    return found


def _metadata(document: pdfium.PdfDocument, key: str) -> str | None:
    value = document.get_metadata_value(key).strip()
    return value or None


def _pdf_date(value: str | None) -> str | None:
    """`D:20250314...` as ISO (ISO 32000-1, 7.9.4)."""
    found = re.match(r"D:(\d{4})(\d{2})(\d{2})", value or "")
    return "-".join(found.groups()) if found else None
