"""Tables as folders of Parquet parts: equal content is equal bytes.

Rows are sorted by key and cut into parts by their content alone, so neither the number of workers nor
the order of arrival shows in the bytes. A part is what a step has in memory at once and the unit of
work of a shard: a table of any size is read and written in pieces of at most `BYTES_PER_PART`.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipeline.schema.errors import BadInput, BrokenContract

ROWS_PER_PART = 50_000
BYTES_PER_PART = 16 << 20
"""Bytes of strings in a part; a row with more is a part by itself."""


class TableWriter:
    """Writes rows that come in key order as the parts that `write_table` makes of all of them.

    Only the rows of the part that is not full yet are kept.
    """

    def __init__(self, folder: Path, key: Sequence[str], schema: Mapping[str, pl.DataType]) -> None:
        self.folder, self.key, self.schema = folder, list(key), dict(schema)
        self.waiting: list[pl.DataFrame] = []
        self.sizes = np.zeros(0, np.int64)
        self.last: tuple[object, ...] | None = None
        self.parts = 0

    def __enter__(self) -> "TableWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None,
                 trace: TracebackType | None) -> None:
        if kind is None:
            self._flush()

    def write(self, rows: pl.DataFrame) -> None:
        """Add `rows`, which come after all that were added before.

        Raises:
            BrokenContract: a column of the schema is missing or of another type, the key is not unique,
                or the rows are not in its order.
        """
        wrong = {name: rows.schema.get(name) for name, dtype in self.schema.items() if rows.schema.get(name) != dtype}
        if wrong:
            raise BrokenContract(str(self.folder), "columns are not those of the schema", got=str(wrong))
        self._check_keys(rows.select(self.key))
        ordered = rows.select(*self.schema, *(name for name in rows.columns if name not in self.schema))
        self.waiting.append(ordered)
        self.sizes = np.concatenate([self.sizes, string_bytes(ordered)])
        while (full := _rows_of_part(self.sizes)) < len(self.sizes):
            self._write_part(full)

    def _check_keys(self, keys: pl.DataFrame) -> None:
        if keys.is_duplicated().any():
            raise BrokenContract(str(self.folder), f"key {self.key} is not unique")
        if not keys.height:
            return
        if self.last is not None and keys.row(0) == self.last:
            raise BrokenContract(str(self.folder), f"key {self.key} is not unique")
        if not keys.equals(keys.sort(self.key)) or (self.last is not None and keys.row(0) < self.last):
            raise BrokenContract(str(self.folder), f"rows do not come in the order of {self.key}")
        self.last = keys.row(-1)

    def _flush(self) -> None:
        """Write what waits; a table without rows is one part without rows."""
        if not self.waiting:
            self.waiting = [pl.DataFrame(schema=self.schema)]
        if len(self.sizes) or not self.parts:
            self._write_part(len(self.sizes))

    def _write_part(self, count: int) -> None:
        rows = pl.concat(self.waiting)
        # one chunk, so that pages do not show in which pieces the rows came
        rows.head(count).rechunk().write_parquet(
            self.folder / f"part-{self.parts:05d}.parquet", compression="zstd", compression_level=3,
            statistics=True, row_group_size=ROWS_PER_PART)
        self.waiting = [rows.slice(count).clone()]
        self.sizes = self.sizes[count:]
        self.parts += 1


def write_table(table: pl.DataFrame, folder: Path, key: Sequence[str], schema: Mapping[str, pl.DataType]) -> None:
    """Write `table` sorted by `key` as `part-00000.parquet`, ... into the existing `folder`.

    Raises:
        BrokenContract: a column of `schema` is missing or of another type, or `key` is not unique.
    """
    with TableWriter(folder, key, schema) as writer:
        writer.write(table.sort(key))


def read_table(folder: Path, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """All rows of a table, in key order.

    Raises:
        BadInput: the folder has no part, or a part is not Parquet.
    """
    return pl.concat(list(read_parts(folder, columns)))


def read_parts(folder: Path, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
    """The rows of a table part by part, in key order.

    Raises:
        BadInput: the folder has no part, or a part is not Parquet.
    """
    for part in table_parts(folder):
        yield read_part(part, columns)


def read_part(part: Path, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """The rows of one part.

    Raises:
        BadInput: not Parquet, or a column is missing.
    """
    try:
        return pl.read_parquet(part, columns=None if columns is None else list(columns))
    except pl.exceptions.PolarsError as err:
        raise BadInput(str(part.parent), f"a part is not readable ({err})", do="`dvc checkout` or `dvc repro`") from err


def scan_table(folder: Path) -> pl.LazyFrame:
    """A table to be read in part, in key order.

    Raises:
        BadInput: the folder has no part.
    """
    return pl.scan_parquet(table_parts(folder))


def read_some(folder: Path, columns: Sequence[pl.Expr | str], rows: pl.Expr | None = None) -> pl.DataFrame:
    """Some columns, or values made of them, of some rows of a table, in key order.

    The parts are streamed: memory holds what is returned, not the texts it was made from.

    Args:
        rows: a condition on the table's own columns.

    Raises:
        BadInput: the folder has no part, or a part is not Parquet.
    """
    try:
        table = scan_table(folder)
        wanted = table if rows is None else table.filter(rows)
        return wanted.select(columns).collect(engine="streaming")
    except pl.exceptions.PolarsError as err:
        raise BadInput(str(folder), f"a part is not readable ({err})", do="`dvc checkout` or `dvc repro`") from err


def part_units(folder: Path) -> pl.DataFrame:
    """The parts of a table as rows to be shared out to workers: `part` (path) and `bytes` (in memory)."""
    rows = [(str(part.resolve()), _unpacked_bytes(part)) for part in table_parts(folder)]
    return pl.DataFrame(rows, schema={"part": pl.String, "bytes": pl.Int64}, orient="row")


def table_parts(folder: Path) -> list[Path]:
    """The files of a table in key order.

    Raises:
        BadInput: there is none.
    """
    parts = sorted(folder.glob("part-*.parquet"))
    if not parts:
        raise BadInput(str(folder), "is not a table", wanted="part-*.parquet", do="run the stage that makes it")
    return parts


def string_bytes(table: pl.DataFrame) -> NDArray[np.int64]:
    """Bytes of all strings of each row."""
    sizes = [pl.col(name).str.len_bytes().fill_null(0).cast(pl.Int64)
             for name, dtype in table.schema.items() if dtype == pl.String]
    if not sizes:
        return np.zeros(table.height, np.int64)
    return np.asarray(table.select(pl.sum_horizontal(sizes)).to_series().to_numpy(), np.int64)


def _unpacked_bytes(part: Path) -> int:
    try:
        found = pq.read_metadata(part)
    except pa.ArrowInvalid as err:
        raise BadInput(str(part.parent), f"a part is not readable ({err})", do="`dvc checkout` or `dvc repro`") from err
    return sum(found.row_group(group).total_byte_size for group in range(found.num_row_groups))


def _rows_of_part(sizes: NDArray[np.int64]) -> int:
    """How many of the first rows fit into a part; at least one."""
    fit = int(np.searchsorted(np.cumsum(sizes[:ROWS_PER_PART + 1]), BYTES_PER_PART, "right"))
    return max(1, min(fit, ROWS_PER_PART))
