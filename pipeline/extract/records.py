"""What a reader gives: records, or a refusal in the ledger's words."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from pipeline.schema.curate_extract import CurateExtract


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
    path: str = ""
    """`told_path` of the file: its name below its partition folders, for readers of tables."""


Reader = Callable[[Source], Iterable[Record | BadRecord]]


def limit(name: str, value: int, highest: int) -> None:
    """Refuse a file that is over limit `name`."""
    if value > highest:
        raise Refusal("limit_exceeded", f"{name} {highest}")
