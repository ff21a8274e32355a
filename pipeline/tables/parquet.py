"""Tables as folders of Parquet parts: equal content is equal bytes.

Rows are sorted by key before they are cut into parts, so neither the number of workers nor the
order of arrival shows in the bytes.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from pipeline.schema.errors import BadInput, BrokenContract

ROWS_PER_PART = 50_000


def write_table(table: pl.DataFrame, folder: Path, key: list[str], schema: Mapping[str, pl.DataType]) -> None:
    """Write `table` sorted by `key` as `part-00000.parquet`, ... into the existing `folder`.

    Raises:
        BrokenContract: a column of `schema` is missing or of another type, or `key` is not unique.
    """
    wrong = {name: table.schema.get(name) for name, dtype in schema.items() if table.schema.get(name) != dtype}
    if wrong:
        raise BrokenContract(str(folder), "columns are not those of the schema", got=str(wrong))
    if table.select(key).is_duplicated().any():
        raise BrokenContract(str(folder), f"key {key} is not unique")
    ordered = table.select(*schema, *(name for name in table.columns if name not in schema)).sort(key)
    for part, start in enumerate(range(0, max(ordered.height, 1), ROWS_PER_PART)):
        ordered.slice(start, ROWS_PER_PART).write_parquet(
            folder / f"part-{part:05d}.parquet", compression="zstd", compression_level=3,
            statistics=True, row_group_size=ROWS_PER_PART)


def read_table(folder: Path) -> pl.DataFrame:
    """All rows of a table, in key order.

    Raises:
        BadInput: the folder has no part, or a part is not Parquet.
    """
    try:
        return pl.concat([pl.read_parquet(part) for part in _parts(folder)])
    except pl.exceptions.PolarsError as err:
        raise _unreadable(folder, err) from err


def read_some(folder: Path, columns: Sequence[pl.Expr | str], rows: pl.Expr | None = None) -> pl.DataFrame:
    """Some columns, or values made of them, of some rows of a table, in key order.

    The parts are streamed: memory holds what is returned, not the texts it was made from.

    Args:
        rows: a condition on the table's own columns.

    Raises:
        BadInput: the folder has no part, or a part is not Parquet.
    """
    try:
        table = pl.scan_parquet(_parts(folder))
        wanted = table if rows is None else table.filter(rows)
        return wanted.select(columns).collect(engine="streaming")
    except pl.exceptions.PolarsError as err:
        raise _unreadable(folder, err) from err


def _parts(folder: Path) -> list[Path]:
    parts = sorted(folder.glob("part-*.parquet"))
    if not parts:
        raise BadInput(str(folder), "is not a table", wanted="part-*.parquet", do="run the stage that makes it")
    return parts


def _unreadable(folder: Path, err: Exception) -> BadInput:
    return BadInput(str(folder), f"a part is not readable ({err})", do="`dvc checkout` or `dvc repro`")
