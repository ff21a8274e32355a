"""Born-digital and scanned PDF files, without a clock in them."""

import random
from calendar import timegm
from datetime import date
from io import BytesIO
from typing import Any

import numpy as np
import pypdfium2 as pdfium
from PIL import Image
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle, StyleSheet1, getSampleStyleSheet
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader, TimeStamp
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    ListFlowable,
    ListItem,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)

from pipeline.sample_lake.authored import Authored
from pipeline.sample_lake.blocks import Block, parse
from pipeline.sample_lake.render_markup import inline_html
from pipeline.schema.sample_lake import SampleLake

TWO_COLUMNS = frozenset({"earnings"})
"""Sources set in two columns, as such papers often are."""
MARGIN = 22 * mm
GUTTER = 8 * mm


def to_pdf(document: Authored) -> bytes:
    """The document with running head and foot; earnings papers in two columns."""
    out = BytesIO()
    template = BaseDocTemplate(out, pagesize=A4, invariant=1, title=document.title, author=document.owner)
    template.addPageTemplates(
        PageTemplate(frames=_frames(document), onPage=lambda canvas, _: _furnish(canvas, document)))
    template.build(_story(parse(document.body)))
    return out.getvalue()


def _frames(document: Authored) -> list[Frame]:
    width, height = A4[0] - 2 * MARGIN, A4[1] - 2 * MARGIN
    if document.source not in TWO_COLUMNS:
        return [Frame(MARGIN, MARGIN, width, height, id="page")]
    column = (width - GUTTER) / 2
    return [Frame(MARGIN + side * (column + GUTTER), MARGIN, column, height, id=f"column{side}") for side in (0, 1)]


def _date(canvas: Canvas, document: Authored) -> None:
    """Give the file the document's own date instead of the clock's."""
    stamp = TimeStamp(invariant=1)
    day = date.fromisoformat(document.published)
    stamp.t, stamp.YMDhms = float(timegm(day.timetuple())), (day.year, day.month, day.day, 0, 0, 0)
    canvas._doc._timeStamp = stamp  # reportlab has no public way to set it


def _furnish(canvas: Canvas, document: Authored) -> None:
    """Running head and foot, and the date."""
    _date(canvas, document)
    canvas.setFont("Helvetica", 8)
    head = f"Brackwater Custody plc | {document.ident} | version {document.version}"
    canvas.drawString(MARGIN, A4[1] - 12 * mm, head)
    canvas.drawRightString(A4[0] - MARGIN, 12 * mm, f"Page {canvas.getPageNumber()}")


def _story(blocks: list[Block]) -> list[Flowable]:
    styles = _styles()
    story: list[Flowable] = []
    items: list[ListItem] = []
    for block, after in zip(blocks, [*blocks[1:], None], strict=True):
        if block.kind in ("bullet", "number"):
            items.append(ListItem(Paragraph(inline_html(block.text), styles["BodyText"])))
            if after is None or after.kind != block.kind:
                kind = "bullet" if block.kind == "bullet" else "1"
                story.append(ListFlowable(items, bulletType=kind, bulletFormat="%s." if kind == "1" else None,
                                         leftIndent=14))
                items = []
        else:
            story += _flowables(block, styles)
    return story


def _styles() -> StyleSheet1:
    styles = getSampleStyleSheet()
    styles.add(ParagraphStyle("Cell", parent=styles["BodyText"], fontSize=8.5, leading=10.5, spaceBefore=0))
    return styles


def _flowables(block: Block, styles: StyleSheet1) -> list[Flowable]:
    if block.kind == "heading":
        return [Paragraph(inline_html(block.text), styles[f"Heading{min(block.level, 4)}"])]
    if block.kind == "table":
        return [_table(block, styles), Spacer(1, 3 * mm)]
    return [Paragraph(inline_html(block.text).replace("<br>", "<br/>").replace("<code>", "<font face='Courier'>")
                      .replace("</code>", "</font>"), styles["BodyText"])]


def _table(block: Block, styles: StyleSheet1) -> Table:
    cells = [[Paragraph(inline_html(cell), styles["Cell"]) for cell in row] for row in block.cells]
    width = max(len(row) for row in cells)
    filled = [row + [Paragraph("", styles["Cell"])] * (width - len(row)) for row in cells]
    look = TableStyle([("GRID", (0, 0), (-1, -1), 0.4, colors.grey), ("VALIGN", (0, 0), (-1, -1), "TOP")])
    return Table(filled, style=look, repeatRows=1, spaceBefore=4)


def to_scan(document: Authored, params: SampleLake, seed: int) -> bytes:
    """The printed document as a scanner would give it: turned, grainy images and no text."""
    noise = np.random.Generator(np.random.PCG64(seed))
    draw = random.Random(seed)  # noqa: S311  # seeded, no secret
    out = BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=1)
    _date(canvas, document)
    for page in pdfium.PdfDocument(to_pdf(document)):
        image = page.render(scale=params.scan_dpi / 72, grayscale=True).to_pil()
        turned = image.rotate(draw.uniform(-params.scan_degrees, params.scan_degrees), Image.Resampling.BICUBIC,
                              fillcolor=255)
        canvas.drawImage(_scanned(turned, noise, params), 0, 0, *A4)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _scanned(image: Image.Image, noise: np.random.Generator, params: SampleLake) -> ImageReader:
    grey: Any = np.asarray(image, dtype=np.float32)
    grainy = grey * 0.94 + noise.standard_normal(grey.shape, dtype=np.float32) * params.scan_noise
    packed = BytesIO()
    Image.fromarray(np.clip(grainy, 0, 255).astype(np.uint8)).save(packed, "JPEG", quality=params.scan_jpeg_quality)
    packed.seek(0)
    return ImageReader(packed)
