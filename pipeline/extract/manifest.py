"""List and hash the lake."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import polars as pl

from pipeline.extract.rights import sources_of
from pipeline.extract.sniff import mime_of
from pipeline.schema.errors import BadInput
from pipeline.schema.files import FILES
from pipeline.schema.rights import LakeRights
from pipeline.stage.hashing import file_sha256, list_files
from pipeline.stage.progress import progress


class Seen(NamedTuple):
    """What one look at a file tells."""

    sha256: str
    size: int
    mime: str


def files_table(lake: Path, rights: LakeRights) -> pl.DataFrame:
    """One row per file of `lake` (columns `FILES`), sorted by path.

    Raises:
        BadInput: no such folder, no file in it, a symbolic link, an unreadable file, or a file
            without a rights entry.
    """
    if not lake.is_dir():
        raise BadInput(str(lake), "is not a folder", do="set `lake.path` in params.yaml to a folder of documents")
    files = list_files(lake)
    if not files:
        raise BadInput(str(lake), "the lake is empty", wanted="at least one file",
                       do="put documents into it, or `dvc repro sample_lake` for the built-in one")
    paths = [_lake_path(file, lake) for file in files]
    sources = sources_of(paths, rights, str(lake))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        seen = list(progress(pool.map(_look, files), "hashing", len(files)))
    rows = [(path, *look, source, *_entry(rights, source))
            for path, look, source in zip(paths, seen, sources, strict=True)]
    return pl.DataFrame(rows, schema=FILES, orient="row").sort("path")


def _look(file: Path) -> Seen:
    try:
        with file.open("rb") as stream:
            return Seen(file_sha256(file), file.stat().st_size, mime_of(file.name, stream))
    except OSError as err:
        raise BadInput(str(file), f"cannot be read ({err.strerror})", do="mend its permissions or take it out") from err


def _lake_path(file: Path, lake: Path) -> str:
    path = file.relative_to(lake).as_posix()
    try:
        path.encode()
    except UnicodeEncodeError as err:
        raise BadInput(str(lake), "a file name is not UTF-8", got=ascii(path), do="rename it") from err
    return path


def _entry(rights: LakeRights, source: str) -> tuple[str, str, bool, str | None]:
    entry = rights.sources[source]
    return entry.licence, entry.rights_basis, entry.cleared_for_training, entry.published
