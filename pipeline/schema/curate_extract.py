"""Section `curate_extract` of params.yaml: how text is taken out of files, and when it is refused."""

from typing import Literal

from pydantic import Field

from pipeline.schema.section import Section


class Limits(Section):
    """What a file may cost. A file over one of them is refused as `limit_exceeded`, with its name."""

    max_file_bytes: int = Field(ge=1)
    """Bytes of one file of the lake."""
    max_uncompressed_bytes: int = Field(ge=1)
    """Bytes a compressed file (DOCX, PPTX, XLSX, Parquet, ZIP) may unfold to, with everything packed in it."""
    max_nesting: int = Field(ge=1)
    """Files packed in files: an attachment in a message in a mailbox in a ZIP is the third level."""
    max_pages: int = Field(ge=1)
    """Pages of one PDF, or frames of one TIFF."""
    max_ocr_pages: int = Field(ge=0)
    """Pages of one file that may need OCR (3 to 4 s each on one core)."""
    max_pixels: int = Field(ge=1)
    """Pixels of one image."""
    max_chars: int = Field(ge=1)
    """Characters of one document's text."""
    max_records: int = Field(ge=1)
    """Records of one file, or entries of one archive."""
    max_depth: int = Field(ge=1)
    """Nesting of elements in HTML, XML and JSON."""
    max_answer_bytes: int = Field(ge=1024)
    """Bytes of everything a file gives, as the JSON in which its reader answers."""
    cpu_s: int = Field(ge=1)
    """Guard only: seconds of processor time a reader may take for a page, for 1,000 records or for a whole
    other file. It depends on the machine, so it is far above what any sound file needs; what trips it is
    hostile or broken."""
    silence_s: float = Field(gt=0)
    """Guard only: seconds on the clock without a page or an answer. See `cpu_s`."""
    wall_s: float = Field(gt=0)
    """Guard only: seconds on the clock for one file, however alive its reader is. See `cpu_s`."""
    memory_mb: int = Field(ge=256)
    """Guard only: address space of a reader process in MiB (Linux). See `cpu_s`."""


GUARDS = ("cpu_s", "silence_s", "wall_s", "memory_mb")
"""Limits whose verdict depends on the machine: no such verdict is kept for the next run."""


class Layout(Section):
    """How a page's pieces of text become Markdown."""

    heading_ratio: float = Field(gt=1)
    """A line is a heading from this multiple of the document's body size."""
    repeated_share: float = Field(gt=0, le=1)
    """A line in a page margin that returns (digits aside) on this share of pages is a running head."""
    margin_share: float = Field(gt=0, lt=0.5)
    """Share of the page height that counts as margin, at the top and at the bottom."""
    drop_struck: bool
    """Leave out text that is struck through: its authors deleted it."""


class Rapidocr(Section):
    """PP-OCR in ONNX, the models out of the wheel."""

    side: int = Field(ge=320)
    """Longest side in pixels for the text detector."""
    min_line_px: float = Field(ge=1)
    """Pixels that the usual line is high there; where it is lower, the detector looks again, closer."""
    line_px: float = Field(ge=1)
    """Pixels it is high then, unless `max_side` ends it."""
    max_side: int = Field(ge=320)
    """Longest side in pixels of the closer look."""
    batch: int = Field(ge=1)
    """Lines recognised at once."""
    min_score: float = Field(ge=0, le=1)
    """Lines recognised with less confidence are left out."""


class Tesseract(Section):
    """The program `tesseract`, where it is installed."""

    language: str = Field(pattern=r"^[A-Za-z_]+(\+[A-Za-z_]+)*$")
    """Names of its traineddata files, joined by `+`."""
    psm: int = Field(ge=3, le=13)
    """Page segmentation mode; 3 finds columns and paragraphs itself."""
    min_score: float = Field(ge=0, le=1)
    """Words recognised with less confidence are left out."""


class Nougat(Section):
    """A Nougat model (arXiv:2308.13418) in transformers' own classes: layout and formulas as Markdown."""

    model: str
    """Folder with the model, or the pin of a hub revision (`*.yaml`, see docs/own-lake.md); "" for none."""
    max_tokens: int = Field(ge=1)
    """Most tokens of a page; the published models know 3,584."""


class NougatCommand(Section):
    """The program of the package `nougat-ocr`, which needs an environment of its own."""

    command: str
    """Path of its `nougat`; "" for none."""
    checkpoint: str
    """Folder of its model (it cannot be left out: the program would fetch one)."""


Engine = Literal["rapidocr", "tesseract", "nougat", "nougat-ocr"]


class Ocr(Section):
    """Recognition of pages whose text layer is missing or bad."""

    engine: Engine
    """For sources that `engines` does not name."""
    engines: dict[str, Engine]
    """Source of lake.yaml -> engine."""
    maths_engine: Literal["none", "nougat", "nougat-ocr"]
    """For born-digital pages full of formulas; `none` keeps their text layer."""
    dpi: int = Field(ge=72)
    """Resolution a page is rendered at."""
    rapidocr: Rapidocr
    tesseract: Tesseract
    nougat: Nougat
    nougat_command: NougatCommand
    max_text_chars: int = Field(ge=0)
    """A page with at least this many characters of text is not scanned."""
    min_image_share: float = Field(gt=0, le=1)
    """Share of the page that images cover on a scanned page."""
    max_unmapped: float = Field(ge=0, le=1)
    """Share of characters without a meaning (U+FFFD, private use, control) up to which a text layer is used."""
    min_layer_score: float = Field(ge=0, le=1)
    """Share of characters in words that can be words, from which the layer of a scanned page is used."""
    min_text_score: float = Field(ge=0, le=1)
    """The same for a born-digital page: lower, since codes and tables are no words either."""
    min_maths: float = Field(gt=0, le=1)
    """Share of characters in formulas from which a page is one for `maths_engine`."""

    def engine_of(self, source: str) -> Engine:
        """The engine for files of this source."""
        return self.engines.get(source, self.engine)

    def asked(self) -> set[str]:
        """Every engine that some page may need."""
        return {str(engine) for engine in (self.engine, *self.engines.values(), self.maths_engine)} - {"none"}


class RecordRule(Section):
    """How a record (a JSON object, a CSV or Parquet row) with these fields becomes text."""

    title: str
    """Field that becomes the heading; "" for none."""
    sections: list[str] = Field(min_length=1)
    """Fields that become `**Field:** value` paragraphs, in this order; a record needs all of them."""
    published: str
    """Field that holds the date; "" for none."""


class CurateExtract(Section):
    """Everything that decides what text comes out of a file."""

    limits: Limits
    layout: Layout
    ocr: Ocr
    drop_template_tags: bool
    """Remove Liquid and Jinja tags (`{% %}`, `{{ x | y }}`) and kramdown attributes from Markdown.
    Plain placeholders such as `{{name}}` stay: a template needs them."""
    published_patterns: list[str]
    """Regular expressions, first group an ISO date, tried in order on the first 2,000 characters when
    neither the file's metadata nor its front matter has a date."""
    language_chars: int = Field(ge=1)
    """Characters the language is told from."""
    language_min_chars: int = Field(ge=1)
    """Letters a text needs for its language to be told; null below."""
    records: list[RecordRule]
    """Tried in order; the first whose fields a record has is used. Else every field is a paragraph."""
