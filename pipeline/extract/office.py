"""What office documents share: relations between parts, core properties. (ECMA-376 part 2, 9.3 and 11.1.)"""

import posixpath
import re

from pipeline.extract.archive import Package

SEALED = "EncryptedPackage".encode("utf-16-le").ljust(64, b"\x00") + (34).to_bytes(2, "little") + b"\x02"
"""Entry of a compound file's directory: a name, its bytes with the end mark, a stream ([MS-CFB] 2.6.1). In that stream
is a document with a password ([MS-OFFCRYPTO] 2.3.4.4)."""
ENTRY_BYTES = 128
PACKAGE = "{http://schemas.openxmlformats.org/package/2006/relationships}"


def relations(package: Package, part: str) -> dict[str, str]:
    """Relation id -> name of the part it points to; relations that leave the package are left out."""
    folder, name = posixpath.split(part)
    listed = package.xml(f"{folder}/_rels/{name}.rels")
    if listed is None:
        return {}
    return {mark.get("Id", ""): posixpath.normpath(posixpath.join("/", folder, mark.get("Target", ""))).lstrip("/")
            for mark in listed.iter(f"{PACKAGE}Relationship") if mark.get("TargetMode") != "External"}


def core_properties(package: Package) -> tuple[str | None, str | None]:
    """Title and date of creation."""
    core = package.xml("docProps/core.xml")
    if core is None:
        return None, None
    values = {str(element.tag).rsplit("}", 1)[-1]: (element.text or "").strip() for element in core if element.text}
    created = re.match(r"\d{4}-\d{2}-\d{2}", values.get("created", ""))
    return values.get("title") or None, created[0] if created else None


def is_sealed(data: bytes) -> bool:
    """Whether a compound file holds an office document under a password."""
    at = data.find(SEALED)
    while at >= 0 and at % ENTRY_BYTES:  # the words inside a text
        at = data.find(SEALED, at + 1)
    return at >= 0
