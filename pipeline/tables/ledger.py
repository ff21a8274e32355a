"""Build ledger rows: one decision per input, in the columns of `pipeline.schema.ledger`."""

from collections.abc import Iterable

import polars as pl

from pipeline.schema.decided import Decided
from pipeline.schema.ledger import LEDGER


def ledger_table(inputs: pl.DataFrame, decided: Iterable[Decided]) -> pl.DataFrame:
    """The ledger of a stage, in input order.

    Args:
        inputs: columns `doc_id`, `source`.
        decided: one for each row of `inputs`, in the same order.
    """
    rows = pl.DataFrame(list(decided), orient="row", schema={name: LEDGER[name] for name in Decided._fields})
    keys = inputs.select(pl.col("doc_id").alias("input_id"), "source")
    return pl.concat([keys, rows], how="horizontal").select(*LEDGER)
