"""Section `pack` of params.yaml, and the table of packed rows."""

import polars as pl
from pydantic import Field

from pipeline.schema.section import Section

ROWS: dict[str, pl.DataType] = {
    "row_id": pl.String(),
    "origin": pl.String(),
    "tokens": pl.List(pl.Int32()),
    "positions": pl.List(pl.Int32()),
    "doc_ids": pl.List(pl.String()),
}
"""
Key: `row_id`, 16 hex digits of the row's content. Order: by `row_id`, which is as good as random.
origin      "domain" or "replay"; a row holds documents of one origin
tokens      all rows have one length
positions   0 at each document's first token and at every padding token, then counting up
doc_ids     of the documents in the row, in their order
"""


class Pack(Section):
    """How documents become rows."""

    row_tokens: int = Field(ge=16)
    """Length of a row; at most the base's context."""
    seed: int = Field(ge=0)
    """Which documents a fractional weight includes."""
