"""Files of every format, made by hand, and the params to read them with."""

from io import BytesIO
from pathlib import Path

import docx
from reportlab.pdfgen.canvas import Canvas

from pipeline.extract.readers import read_records
from pipeline.extract.records import BadRecord, Record, Source
from pipeline.extract.sniff import mime_of
from pipeline.schema.curate_extract import (
    CurateExtract,
    Layout,
    Limits,
    Nougat,
    NougatCommand,
    Ocr,
    Rapidocr,
    RecordRule,
    Tesseract,
)

PARAMS = CurateExtract(
    limits=Limits(max_file_bytes=10_000_000, max_uncompressed_bytes=2_000_000, max_nesting=2, max_pages=50,
                  max_ocr_pages=2, max_pixels=20_000_000, max_chars=1_000_000, max_records=100, max_depth=100,
                  max_answer_bytes=20_000_000, cpu_s=60, silence_s=60.0, wall_s=120.0, memory_mb=8192),
    layout=Layout(heading_ratio=1.12, repeated_share=0.6, margin_share=0.12, drop_struck=True),
    ocr=Ocr(engine="rapidocr", engines={}, maths_engine="none", dpi=150,
            rapidocr=Rapidocr(side=960, min_line_px=17, line_px=20, max_side=1920, batch=1, min_score=0.5),
            tesseract=Tesseract(language="eng", psm=3, min_score=0.3),
            nougat=Nougat(model="", max_tokens=64), nougat_command=NougatCommand(command="", checkpoint=""),
            max_text_chars=40, min_image_share=0.5, max_unmapped=0.1, min_layer_score=0.75, min_text_score=0.35,
            min_maths=0.15),
    drop_template_tags=True,
    published_patterns=[r"(?i)\bpublished:? (\d{4}-\d{2}-\d{2})\b"],
    language_chars=1000, language_min_chars=20,
    records=[RecordRule(title="product", sections=["question", "resolution"], published="opened")],
)


def found(name: str, data: bytes, params: CurateExtract = PARAMS) -> list[Record | BadRecord]:
    """Every record of a file with these bytes."""
    return list(read_records(Source(name, data, mime_of(name, BytesIO(data)), params, lambda: None)))


def only(name: str, data: bytes, params: CurateExtract = PARAMS) -> Record:
    """The one record of a file."""
    (record,) = found(name, data, params)
    assert isinstance(record, Record)
    return record


def docx_bytes(build) -> bytes:
    """A DOCX that `build(document)` has filled."""
    document = docx.Document()
    build(document)
    out = BytesIO()
    document.save(out)
    return out.getvalue()


def pdf_bytes(*pages) -> bytes:
    """A PDF with one page for each `draw(canvas)`."""
    out = BytesIO()
    canvas = Canvas(out, pagesize=(595, 842), invariant=1)
    for draw in pages:
        canvas.setFont("Helvetica", 10)
        draw(canvas)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def lines(canvas: Canvas, *texts: str, x: float = 60, y: float = 700, leading: float = 12) -> None:
    """Write lines under each other from `y` down."""
    for number, text in enumerate(texts):
        canvas.drawString(x, y - number * leading, text)


def write(folder: Path, **files: bytes) -> Path:
    """Files by name; `a__md` is a.md."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name.replace("__", ".")).write_bytes(data)
    return folder
