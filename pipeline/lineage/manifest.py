"""The digest of an artefact: the sha256 of its sorted `sha256sum` manifest.

One line a file, `<sha256>  <path>\n`, paths relative and in byte order. The digest of that text
is what in-toto calls `dirHash` (in-toto/attestation, `spec/v1/digest_set.md`, the Go "h1" scheme),
so `sha256sum -c`, in-toto's `dir:` resolver and this module agree. A single file is its own
sha256. Pure functions: bytes and mappings in, values out.
"""

import hashlib
import re
from collections.abc import Mapping

from pipeline.schema.errors import NotVerified

_LINE = re.compile(r"([0-9a-f]{64})  (\S[^\n]*)")

Entries = Mapping[str, str]
"""Relative POSIX path -> sha256 hex."""


def sha256(data: bytes) -> str:
    """The sha256 of `data`, in hex."""
    return hashlib.sha256(data).hexdigest()


def manifest_text(entries: Entries) -> bytes:
    """The manifest of `entries`; `parse_manifest(manifest_text(e)) == e`."""
    ordered = sorted(entries, key=lambda path: path.encode())
    return "".join(f"{entries[path]}  {path}\n" for path in ordered).encode()


def tree_digest(entries: Entries) -> str:
    """The sha256 of the manifest of `entries`."""
    return sha256(manifest_text(entries))


def parse_manifest(text: bytes, name: str) -> dict[str, str]:
    """The entries of a manifest called `name` in errors.

    Raises:
        NotVerified: a line is malformed, out of order or repeated, or a path leaves its folder.
    """
    entries: dict[str, str] = {}
    for number, line in enumerate(text.decode(errors="replace").splitlines(), start=1):
        match = _LINE.fullmatch(line)
        if match is None or not is_inside(match[2]) or match[2] in entries:
            raise NotVerified(f"{name}:{number}", "not a manifest line",
                              wanted="<sha256>  <relative path>", got=repr(line[:120]))
        entries[match[2]] = match[1]
    if manifest_text(entries) != text:
        raise NotVerified(name, "manifest is not in canonical form", wanted="lines in byte order of path")
    return entries


def is_inside(path: str) -> bool:
    """Whether a relative POSIX path stays in its folder: no `..`, no root, no backslash."""
    parts = path.split("/")
    return not path.startswith("/") and "\\" not in path and not {"", ".", ".."} & set(parts)
