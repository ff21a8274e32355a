"""The total order that decides which of several copies survives."""

from collections.abc import Sequence

import polars as pl


def best_first(documents: pl.DataFrame, licence_rank: Sequence[str]) -> pl.DataFrame:
    """`documents` from most to least wanted, whatever their order was.

    Licences by rank, then newest (undated last), then longest, then by `doc_id`: all of them come
    from the content, so no file name and no position decides.
    """
    rank = pl.col("licence").replace_strict(dict(zip(licence_rank, range(len(licence_rank)), strict=True)),
                                            default=len(licence_rank), return_dtype=pl.Int64)
    keys = documents.with_columns(_rank=rank, _chars=pl.col("text").str.len_chars())
    ordered = keys.sort("_rank", "published", "_chars", "doc_id", descending=[False, True, True, False],
                        nulls_last=True)
    return ordered.drop("_rank", "_chars")
