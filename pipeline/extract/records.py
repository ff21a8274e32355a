"""What a reader gives: records, or a refusal in the ledger's words."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from pipeline.schema.curate_extract import CurateExtract
from pipeline.schema.pages import PageDecision


class Record(NamedTuple):
    """One document found in a file."""

    text: str
    title: str | None
    published: str | None
    """ISO date the file itself names."""
    locator: str
    """"" for the whole file, "line 12" or "row 12" for a part of it."""
    raw: bytes | None
    """The part's own bytes, None for the whole file: its id comes from them."""


class BadRecord(NamedTuple):
    """A part of a file that is not a record."""

    locator: str
    evidence: str
    """Why, in a few words and without the record's text."""


class PageRow(NamedTuple):
    """How one page got its text; a row of `pipeline.schema.pages`, without the path."""

    locator: str
    """"" for a page of the file itself; the reader of an archive puts the member's place here."""
    page: int
    decision: PageDecision
    score: float | None
    engine: str
    image_sha256: str | None
    turned: int
    confidence: float | None


def unseen(_: PageRow) -> None:
    """Takes page rows that nobody asked for."""


class Refusal(Exception):  # not an error of ours: a verdict on a file
    """A file that gives no text, with the reason."""

    def __init__(self, reason: str, evidence: str = "") -> None:
        super().__init__(f"{reason}: {evidence}")
        self.reason, self.evidence = reason, evidence


class Source(NamedTuple):
    """What a reader gets to see of a file."""

    name: str
    data: bytes
    mime: str
    params: CurateExtract
    alive: Callable[[], None]
    """Called after every page, so that the guard on time is per page."""
    origin: str = ""
    """Name of the file's source in lake.yaml; it may have an OCR engine of its own."""
    cache: Path | None = None
    """Where results of OCR are kept; None to keep none."""
    page: Callable[[PageRow], None] = unseen
    """Called once for every page of a file of pages."""


Reader = Callable[[Source], Iterable[Record | BadRecord]]


def limit(name: str, value: int, highest: int) -> None:
    """Refuse a file that is over limit `name`."""
    if value > highest:
        raise Refusal("limit_exceeded", f"{name} {highest}")
