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
    ordered = documents.with_columns(_rank=rank).sort("_rank", "published", "chars", "doc_id",
                                                      descending=[False, True, True, False], nulls_last=True)
    return ordered.drop("_rank")
