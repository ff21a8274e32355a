"""A small sound file for every reader."""

import io
import json

import polars as pl
from PIL import Image, ImageDraw

from tests.extract.mutants import Sound, sheet, zipped
from tests.extract.world import docx_bytes, lines, pdf_bytes

WORDS = "The desk reconciles client assets every morning and signs the record before ten."
MAIL = f"From: Ann <ann@desk.example>\nDate: Mon, 5 Feb 2024 10:00:00 +0000\nSubject: Records\n\n{WORDS}\n"
PAGE = (f"<!DOCTYPE html><html><head><title>Desk</title></head><body><main><h1>Desk</h1><p>{WORDS}</p><ul><li>one</li>"
        f"<li>two</li></ul><table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table></main></body></html>")
MARKDOWN = (f"---\ntitle: Desk\ndate: 2024-01-01\n---\n# Desk\n\n{WORDS}\n\n- one\n- two\n\n"
            "| a | b |\n|---|---|\n| 1 | 2 |\n")
XML = (f"<r><title>Desk</title><s id='s1'><title>Rules</title><p>{WORDS} <i>now</i></p>"
       "<list><item>one</item></list></s></r>")
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def samples() -> list[Sound]:
    """Sound files, one for each type at least."""
    row = {"text": WORDS, "label": "x", "number": 7}
    table = io.BytesIO()
    pl.DataFrame([row] * 3).write_parquet(table)
    text = {".md": MARKDOWN, ".txt": WORDS, ".html": PAGE, ".xhtml": f'<?xml version="1.0"?>{PAGE[15:]}', ".xml": XML,
            ".json": json.dumps({"title": "Desk", "rules": [row, {"nested": [row]}]}),
            ".csv": f"text,label\n{WORDS},x\n", ".tsv": f"text\tlabel\n{WORDS}\tx\n",
            ".jsonl": f"{json.dumps(row)}\n" * 3, ".eml": MAIL,
            ".mbox": f"From ann@desk.example Mon Feb  5 10:00:00 2024\n{MAIL}\n" * 2}
    made = [Sound(suffix, content.encode()) for suffix, content in text.items()]
    made += [Sound(".docx", docx_bytes(_written)), Sound(".pdf", _page()), Sound(".parquet", table.getvalue()),
             Sound(".pptx", _deck()), Sound(".xlsx", sheet(b'<row r="1"><c r="A1" t="inlineStr"><is><t>one</t></is></c>'
                                                           b'<c r="B1"><v>2</v></c></row>')),
             Sound(".epub", book({"a.xhtml": PAGE, "b.xhtml": PAGE})),
             Sound(".zip", zipped({f"{number}{each.suffix}": each.data for number, each in enumerate(made[:6])}))]
    return made + [Sound(suffix, _picture(kind)) for suffix, kind in
                   ((".png", "PNG"), (".jpg", "JPEG"), (".tif", "TIFF"))]


def _written(document) -> None:
    document.add_heading("Desk", level=1)
    document.add_paragraph(WORDS)
    document.add_paragraph("one", style="List Bullet")
    document.add_table(rows=2, cols=2).cell(0, 0).text = "a"


def _page() -> bytes:
    return pdf_bytes(lambda canvas: lines(canvas, WORDS, "Second line of the page.", "Third line."),
                     lambda canvas: lines(canvas, "Second page. " + WORDS))


def _deck() -> bytes:
    """One slide with a title and a text."""
    kind = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" ' \
           'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" ' + f'xmlns:r="{RELATIONS}"'
    shape = f"<p:sp><p:txBody><a:p><a:r><a:t>{WORDS}</a:t></a:r></a:p></p:txBody></p:sp>"
    return zipped({
        "ppt/presentation.xml": f'<p:presentation {kind}><p:sldIdLst><p:sldId id="256" r:id="r1"/></p:sldIdLst>'
                                f"</p:presentation>".encode(),
        "ppt/_rels/presentation.xml.rels": ('<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/'
                                            f'relationships"><Relationship Id="r1" Type="{RELATIONS}/slide" '
                                            'Target="slides/slide1.xml"/></Relationships>').encode(),
        "ppt/slides/slide1.xml": f"<p:sld {kind}><p:cSld><p:spTree>{shape}</p:spTree></p:cSld></p:sld>".encode()})


def book(chapters: dict[str, str], **others: bytes) -> bytes:
    """An EPUB of these chapters, in this order; `others` are entries below META-INF."""
    items = "".join(f'<item id="c{number}" href="{name}" media-type="application/xhtml+xml"/>'
                    for number, name in enumerate(chapters))
    spine = "".join(f'<itemref idref="c{number}"/>' for number in range(len(chapters)))
    told = ('<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The desk</dc:title>'
            "<dc:date>2024-02-05T10:00:00Z</dc:date></metadata>")
    return zipped({
        "META-INF/container.xml": b'<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
                                  b'<rootfile full-path="text/book.opf"/></rootfiles></container>',
        "text/book.opf": f'<package xmlns="http://www.idpf.org/2007/opf">{told}<manifest>{items}</manifest>'
                         f"<spine>{spine}</spine></package>".encode(),
        **{f"META-INF/{name}.xml": data for name, data in others.items()},
        **{f"text/{name}": text.encode() for name, text in chapters.items()}})


def _picture(kind: str) -> bytes:
    """A line of text, small enough for quick recognition."""
    image = Image.new("L", (320, 48), 255)
    ImageDraw.Draw(image).text((8, 12), "Records of the desk", fill=0, font_size=20)
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()
