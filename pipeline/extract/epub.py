"""EPUB: the chapters of a book in the order of its spine. (EPUB 3.3, 5.7 and 4.2.6.3.1)"""

import posixpath
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from pipeline.extract.archive import Package, opened_document
from pipeline.extract.html import page_text
from pipeline.extract.records import Record, Refusal, Source, limit
from pipeline.extract.text import decoded

CONTAINER, ENCRYPTION = "META-INF/container.xml", "META-INF/encryption.xml"


def read_epub(source: Source) -> Iterator[Record]:
    """The book as one record."""
    package = opened_document(source)
    root, book = _book(package)
    names = _spine(book, posixpath.dirname(root))
    limit("max_records", len(names), source.params.limits.max_records)
    if not _sealed(package).isdisjoint(names):
        raise Refusal("encrypted")
    chapters = []
    for name in names:
        if name in package.names:
            chapters.append(page_text(decoded(package.data(name)), source))
            source.alive()
    title, published = _told(book, "title"), re.match(r"\d{4}-\d{2}-\d{2}", _told(book, "date"))
    yield Record("\n\n".join(filter(None, chapters)), title or None, published and published[0], "", None)


def _book(package: Package) -> tuple[str, Any]:
    """Name and root element of the file that lists what the book is made of."""
    container = package.xml(CONTAINER)
    for mark in container.iter("{*}rootfile"):
        name = mark.get("full-path") or ""
        book = package.xml(name)
        if book is not None:
            return name, book
    raise Refusal("unreadable", "no package document")


def _spine(book: Any, folder: str) -> list[str]:
    """Names of the chapters' entries; what is no page (a picture, a side note out of order) is left out."""
    pages = {item.get("id"): item.get("href") or "" for item in book.iter("{*}item")
             if item.get("media-type") in ("application/xhtml+xml", "text/html")}
    wanted = [pages.get(mark.get("idref")) for mark in book.iter("{*}itemref") if mark.get("linear") != "no"]
    return [posixpath.normpath(posixpath.join(folder, unquote(href))) for href in wanted if href]


def _sealed(package: Package) -> set[str]:
    """Names of the entries that a rights manager, or a shop for fonts, has encrypted."""
    listed = package.xml(ENCRYPTION)
    return set() if listed is None else {unquote(mark.get("URI") or "") for mark in listed.iter("{*}CipherReference")}


def _told(book: Any, name: str) -> str:
    """The first Dublin Core element of this name."""
    found = book.find(f".//{{http://purl.org/dc/elements/1.1/}}{name}")
    return "" if found is None else " ".join((found.text or "").split())
