"""ZIP: the container of office documents, and archives of any files.

Nothing is written to disk, so names of entries lead nowhere. Every byte that unfolds is counted against
one budget per file of the lake, whatever the archive's directory says. (APPNOTE.TXT 6.3.10.)
"""

import re
import zipfile
from collections.abc import Iterator
from io import BytesIO
from typing import Any

from pipeline.extract.records import BadRecord, Member, Refusal, Source, limit
from pipeline.extract.xml import parse_xml

ENCRYPTED = 1
"""Bit of an entry's flags (APPNOTE 4.4.4)."""
FURNITURE = ("__MACOSX/", ".git/")
FURNITURE_FILES = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
"""What file managers leave in archives; no documents."""
LONGEST_NAME = 120
"""Characters of an entry's path kept in a locator: its end, which tells most."""


STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/(\w+)")
"""A namespace of Office Open XML in its strict form; the transitional one has the year between the two."""


class Package:
    """An opened archive whose parts are read under the source's budget."""

    def __init__(self, source: Source) -> None:
        """Open it.

        Raises:
            Refusal: it says itself that it unfolds too far.
            zipfile.BadZipFile: it is not one.
        """
        self.source = source
        self.archive = zipfile.ZipFile(BytesIO(source.data))
        declared = sum(item.file_size for item in self.archive.infolist())
        limit("max_uncompressed_bytes", declared, source.params.limits.max_uncompressed_bytes)
        self.names = frozenset(self.archive.namelist())

    def data(self, entry: str | zipfile.ZipInfo) -> bytes:
        """One part, never more of it than the budget has left."""
        budget = self.source.budget
        assert budget is not None  # set by `read_records`
        with self.archive.open(entry) as stream:
            data = stream.read(max(budget.left, 0) + 1)
        self.source.spend(len(data))
        return data

    def xml(self, name: str) -> Any:
        """The root element of a part, in transitional namespaces (ECMA-376 part 4); None when there is no such part."""
        if name not in self.names:
            return None
        data = STRICT.sub(rb"http://schemas.openxmlformats.org/\1/2006/\2", self.data(name))
        return parse_xml(data, self.source.params.limits.max_depth)

    def numbered(self, name: str) -> str:
        """The part `word/document.xml`, or, where a program counts its parts, the first `word/document2.xml`."""
        stem, suffix = name.rsplit(".", 1)
        counted = re.compile(rf"{re.escape(stem)}\d*\.{suffix}")
        return min((part for part in self.names if counted.fullmatch(part)), default=name)


def opened_document(source: Source) -> Package:
    """The package of an office document.

    Raises:
        Refusal: a part of it needs a password.
    """
    package = Package(source)
    if any(item.flag_bits & ENCRYPTED for item in package.archive.infolist()):
        raise Refusal("encrypted")
    return package


def read_zip(source: Source) -> Iterator[Member | BadRecord]:
    """Every file in the archive, in the order of its directory."""
    package = Package(source)
    entries = [item for item in package.archive.infolist() if not item.is_dir() and not _is_furniture(item.filename)]
    limit("max_records", len(entries), source.params.limits.max_records)
    if not entries:
        raise Refusal("no_text", "empty archive")
    if all(item.flag_bits & ENCRYPTED for item in entries):
        raise Refusal("encrypted")
    for number, item in enumerate(entries, start=1):
        yield _member(package, item, f"entry {number} {locator_name(item.filename)}")


def _member(package: Package, item: zipfile.ZipInfo, locator: str) -> Member | BadRecord:
    if item.flag_bits & ENCRYPTED:
        return BadRecord(locator, "", "encrypted")
    try:
        return Member(locator, item.filename, package.data(item))
    except Refusal as verdict:
        return BadRecord(locator, verdict.evidence, verdict.reason)
    except MemoryError:
        raise
    except Exception as err:  # zipfile and its codecs throw many kinds at damaged entries
        return BadRecord(locator, type(err).__name__, "unreadable")


def _is_furniture(name: str) -> bool:
    return name.startswith(FURNITURE) or name.rsplit("/", 1)[-1] in FURNITURE_FILES


def locator_name(name: str) -> str:
    """A packed file's name as part of a locator: printable, bounded, without `#`."""
    safe = "".join(letter if letter.isprintable() and letter != "#" else "_" for letter in name)
    return safe[-LONGEST_NAME:].strip()
