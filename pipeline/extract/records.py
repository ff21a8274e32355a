"""What a reader gives: records, files packed inside, or a refusal in the ledger's words."""

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
    reason: str = "bad_record"
    """A key of the ledger's REASONS; a packed file has the reason it would have on its own."""


class Member(NamedTuple):
    """A file packed in another: an entry of an archive, an attachment, a message of a mailbox."""

    locator: str
    """Begins with its number, so that entry 9 sorts before entry 10; no `#`, which ends a path in the ledger."""
    name: str
    data: bytes


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


class Budget:
    """Bytes a file of the lake may still unfold to, together with everything packed in it."""

    def __init__(self, most: int) -> None:
        self.most = self.left = most

    def spend(self, num_bytes: int) -> None:
        """Take `num_bytes`.

        Raises:
            Refusal: that many are not left.
        """
        self.left -= num_bytes
        if self.left < 0:
            raise Refusal("limit_exceeded", f"max_uncompressed_bytes {self.most}")


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
    path: str = ""
    """`told_path` of the file: its name below its partition folders, for readers of tables."""
    budget: Budget | None = None
    """None for a file of the lake that has not been opened yet: `read_records` gives it one."""
    depth: int = 0
    """How many files it is packed in."""

    def spend(self, num_bytes: int) -> None:
        """Take unfolded bytes from the file's budget."""
        assert self.budget is not None  # set by `read_records`, which calls every reader
        self.budget.spend(num_bytes)


Reader = Callable[[Source], Iterable[Record | BadRecord | Member]]


def limit(name: str, value: int, highest: int) -> None:
    """Refuse a file that is over limit `name`."""
    if value > highest:
        raise Refusal("limit_exceeded", f"{name} {highest}")
