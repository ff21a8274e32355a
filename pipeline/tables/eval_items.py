"""The texts of evaluation items, for whoever looks for them elsewhere."""

from collections.abc import Iterator

import polars as pl

from pipeline.schema.errors import BadInput

TEXTS = {"passages": pl.List(pl.String), "turns": pl.List(pl.String), "question": pl.String(), "answer": pl.String(),
         "text": pl.String()}
"""The fields of an item that hold its text; the instruction of a multi-turn item is ours, not its content."""


def item_fields(items: pl.DataFrame) -> Iterator[tuple[str, str]]:
    """(item id, text) for every non-empty text of every item.

    Raises:
        BadInput: a column is missing or of another type.
    """
    wrong = {name: str(items.schema.get(name)) for name, dtype in TEXTS.items() if items.schema.get(name) != dtype}
    if wrong:
        raise BadInput("eval_items", "columns are not those of evaluation items", got=str(wrong))
    for row in items.iter_rows(named=True):
        for name in TEXTS:
            texts = [row[name]] if isinstance(row[name], str) else row[name] or []
            yield from ((row["item_id"], text) for text in texts if text)
