"""List and hash the lake."""

import hashlib
import os
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO, NamedTuple, cast

import polars as pl

from pipeline.extract.lake import Lake, Listed
from pipeline.extract.rights import sources_of
from pipeline.extract.sniff import mime_of
from pipeline.schema.errors import BadInput
from pipeline.schema.files import FILES
from pipeline.schema.rights import LakeRights
from pipeline.stage.progress import progress

CHUNK = 1 << 20
IN_MEMORY = 64 << 20
"""Bytes of a file on its way from a remote store that are not put on disk."""


class Seen(NamedTuple):
    """What one look at a file tells."""

    sha256: str
    size: int
    mime: str


def files_table(lake: Lake, rights: LakeRights) -> pl.DataFrame:
    """One row per file of `lake` (columns `FILES`), sorted by path.

    Raises:
        BadInput: no file in it, a symbolic link, an unreadable file, a name that cannot be in a ledger,
            or a file without a rights entry.
    """
    files = lake.listed()
    if not files:
        raise BadInput(lake.where, "the lake is empty", wanted="at least one file",
                       do="put documents into it, or `dvc repro sample_lake` for the built-in one")
    paths = [file.path for file in files]
    check_names(paths, lake.where)
    sources = sources_of(paths, rights, lake.where)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        seen = list(progress(pool.map(lambda file: _look(lake, file), files), "hashing", len(files)))
    rows = [(file.path, *look, file.version, source, *_entry(rights, source))
            for file, look, source in zip(files, seen, sources, strict=True)]
    return pl.DataFrame(rows, schema=FILES, orient="row").sort("path")


def check_names(paths: Iterable[str], where: str) -> None:
    """Every name can stand in a ledger.

    Raises:
        BadInput: one is not UTF-8, or reads like a record of another file (`a.jsonl#line 1`).
    """
    known = set(paths)
    for path in sorted(known):
        try:
            path.encode()
        except UnicodeEncodeError as err:
            raise BadInput(where, "a file name is not UTF-8", got=ascii(path), do="rename it") from err
        if any(letter == "#" and path[:at] in known for at, letter in enumerate(path)):
            raise BadInput(where, "a file name reads like a record of another file", got=repr(path), do="rename it")


def _look(lake: Lake, file: Listed) -> Seen:
    digest, size = hashlib.sha256(), 0
    try:
        with lake.opened(file) as stream, tempfile.SpooledTemporaryFile(IN_MEMORY) as copy:
            seekable = stream.seekable()
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
                if not seekable:
                    copy.write(chunk)
            again = stream if seekable else copy
            again.seek(0)
            return Seen(digest.hexdigest(), size, mime_of(file.path.rsplit("/", 1)[-1], cast(BinaryIO, again)))
    except OSError as err:
        raise BadInput(f"{lake.where}/{file.path}", f"cannot be read ({err.strerror or err})",
                       do="mend its permissions or take it out") from err


def _entry(rights: LakeRights, source: str) -> tuple[str, str, bool, str | None]:
    entry = rights.sources[source]
    return entry.licence, entry.rights_basis, entry.cleared_for_training, entry.published
