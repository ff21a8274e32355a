"""DOCX files: python-docx writes them, then the archive is packed again without a clock."""

import zipfile
from datetime import datetime
from io import BytesIO

import docx
from docx.document import Document
from docx.text.paragraph import Paragraph

from pipeline.sample_lake.authored import Authored
from pipeline.sample_lake.blocks import Block, parse, spans

NO_CLOCK = (1980, 1, 1, 0, 0, 0)
"""The earliest time a zip entry can carry (APPNOTE.TXT 4.4.6)."""
STYLES = {"bullet": "List Bullet", "quote": "Quote"}


def to_docx(document: Authored) -> bytes:
    """The document with real heading, list and table styles."""
    file = docx.Document()
    day = datetime.fromisoformat(document.published)
    core = file.core_properties
    core.title, core.author, core.created, core.modified, core.revision = document.title, document.owner, day, day, 1
    core.last_modified_by = document.owner
    number = 0
    for block in parse(document.body):
        number = number + 1 if block.kind == "number" else 0
        _add(file, block, number)
    file.sections[0].footer.paragraphs[0].text = f"{document.owner}, version {document.version}"
    packed = BytesIO()
    file.save(packed)
    return repacked(packed.getvalue())


def _add(file: Document, block: Block, number: int) -> None:
    """`number`: of a numbered item. It is typed, as many authors do: Word would count on over lists."""
    if block.kind == "heading":
        file.add_heading("".join(span.text for span in spans(block.text)), level=block.level)
    elif block.kind == "table":
        table = file.add_table(rows=0, cols=max(len(row) for row in block.cells), style="Table Grid")
        for row in block.cells:
            for cell, text in zip(table.add_row().cells, row, strict=False):
                _write(cell.paragraphs[0], text)
    else:
        typed = f"{number}. " if number else ""
        _write(file.add_paragraph(style=STYLES.get(block.kind)), typed + block.text)


def _write(paragraph: Paragraph, text: str) -> None:
    for span in spans(text):
        run = paragraph.add_run(span.text)
        run.bold, run.italic = span.style == "bold" or None, span.style == "italic" or None


def repacked(archive: bytes) -> bytes:
    """The same parts, sorted by name, with no clock and no host in the archive."""
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(archive)) as old, zipfile.ZipFile(out, "w") as new:
        for name in sorted(old.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
            entry = zipfile.ZipInfo(name, NO_CLOCK)
            entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 3
            new.writestr(entry, old.read(name))
    return out.getvalue()
