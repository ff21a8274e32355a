"""Hive-partitioned Parquet (`logs/year=2025/region=eu/part-0.parquet`), read by DuckDB.

The folders `key=value` above a file are columns of each of its rows; DuckDB tells numbers and dates from
text among them. Other Parquet files are read by `pipeline.extract.rows`.
"""

from collections.abc import Iterator
from urllib.parse import quote, unquote

from pipeline.extract.records import BadRecord, Record, Source, limit
from pipeline.extract.rows import as_record, canonical, read_parquet

BATCH = 1000
"""Rows fetched at once."""


def told_path(path: str) -> str:
    """What a reader is told of a lake path: the partition folders right above the file, and its name.

    Where the rest of the path lies does not decide what is in the file.
    """
    *folders, name = path.split("/")
    first = len(folders)
    while first and "=" in folders[first - 1].strip("="):
        first -= 1
    return "/".join([*folders[first:], name])


def read_parquet_in_partition(source: Source) -> Iterator[Record | BadRecord]:
    """A record per row; the partition's columns stand after the file's own."""
    if "/" not in source.path:
        yield from read_parquet(source)
        return
    for number, item in enumerate(_rows(source), start=1):
        yield as_record(item, f"row {number}", canonical(item), source.params)


def _rows(source: Source) -> Iterator[dict[str, object]]:
    import duckdb
    from fsspec.implementations.memory import MemoryFileSystem

    check_size(source)
    files = MemoryFileSystem()
    # DuckDB decodes the names again; encoded, they hold nothing that it would take for a pattern
    path = "/".join(["", *map(_encoded, source.path.split("/")[:-1]), "rows.parquet"])
    files.pipe_file(path, source.data)
    try:
        with duckdb.connect(config={"threads": 1, "autoload_known_extensions": False}) as db:
            db.register_filesystem(files)
            found = db.execute("from read_parquet(?, hive_partitioning = true)", [f"memory:/{path}"])
            names = [column[0] for column in found.description or []]
            while rows := found.fetchmany(BATCH):
                yield from (dict(zip(names, row, strict=True)) for row in rows)
    finally:
        files.rm(path)


def _encoded(folder: str) -> str:
    key, _, value = folder.partition("=")
    return f"{quote(unquote(key), safe='')}={quote(unquote(value), safe='')}"


def check_size(source: Source) -> None:
    """Refuse a table that unfolds too far, by what its footer says.

    Raises:
        Refusal: over `max_uncompressed_bytes` or `max_records`.
    """
    from io import BytesIO

    import pyarrow.parquet as pq

    about = pq.ParquetFile(BytesIO(source.data)).metadata
    size = sum(about.row_group(group).total_byte_size for group in range(about.num_row_groups))
    limit("max_uncompressed_bytes", size, source.params.limits.max_uncompressed_bytes)
    limit("max_records", about.num_rows, source.params.limits.max_records)
