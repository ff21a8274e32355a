"""The training mixture: who is held out, who is replayed, how often each source is drawn.

DuckDB does the sums. Draws come with the rows (column `draw`), so they depend on content alone.
"""

import math

import duckdb
import polars as pl

SOURCE_SHARES = """
    select source, sum(chars)::double as chars, sum(chars) / sum(sum(chars)) over () as share
    from train group by source order by source
"""


def within_chars(documents: pl.DataFrame, max_chars: float) -> pl.DataFrame:
    """The documents (columns `doc_id`, `chars`, `draw`) that come first by `draw` and together fit into `max_chars`.

    One that does not fit is passed over for the next, so the budget is met closely.
    """
    ordered = documents.sort("draw", "doc_id")
    left, fits = max_chars, []
    for chars in ordered["chars"]:
        fits.append(chars <= left)
        left -= chars if fits[-1] else 0
    return ordered.filter(pl.Series(fits, dtype=pl.Boolean))


def source_weights(train: pl.DataFrame, weights: dict[str, float], min_share: float,
                   max_weight: float) -> dict[str, float]:
    """Source -> weight of its documents (`train`: columns `source`, `chars`).

    A weight is how often a document is drawn compared with drawing all documents alike: first the
    given weights, then small sources are raised to `min_share` of the characters, at most by
    `max_weight`, and all are scaled so that the weighted characters add up to the unweighted ones.
    """
    with duckdb.connect() as database:
        database.register("train", train.select("source", "chars").to_arrow())
        rows = database.execute(SOURCE_SHARES).fetchall()
    raised = {source: min(max_weight, max(weights.get(source, 1.0), min_share / share)) for source, _, share in rows}
    scale = sum(share for _, _, share in rows) / sum(raised[source] * share for source, _, share in rows)
    return {source: round(weight * scale, 6) for source, weight in raised.items()}


PARTS: dict[str, pl.DataType] = {"doc_id": pl.String(), "source": pl.String(), "part": pl.String(), "take": pl.Int64()}
"""
part   train: what proxies see; validation: what the search measures on; heldout: measured for the report
take   characters from the start of the document
"""
CAP = 4
"""A document measured on is at most this fraction of its source's budget, so that several count."""


def scale_model(documents: pl.DataFrame, max_chars: int, validation_share: float, validation_chars: int,
                min_documents: int) -> pl.DataFrame:
    """The lake to scale, table PARTS: each source keeps its share of at most `max_chars` characters.

    A source gives `validation_share` of its documents, at least `min_documents`, to be measured on; one
    that would give more than half of them gives none.

    Args:
        documents: columns `doc_id`, `source`, `chars`, `draw` and `heldout` (bool).
    """
    ordered = documents.sort("draw", "doc_id")
    total = int(ordered.filter(~pl.col("heldout"))["chars"].sum())
    parts = [pl.DataFrame(schema=PARTS)]
    for (source,), group in sorted(ordered.group_by("source", maintain_order=True), key=lambda item: str(item[0][0])):
        rest = group.filter(~pl.col("heldout"))
        if not rest.height:
            continue  # wholly held out: there is nothing to weigh
        count = max(math.ceil(validation_share * rest.height), min_documents)
        count = count if 2 * count <= rest.height else 0
        quota = math.ceil(int(rest["chars"].sum()) * min(1.0, max_chars / total))
        parts += [_taken(rest[count:], str(source), "train", quota, quota),
                  _taken(rest[:count], str(source), "validation", validation_chars, validation_chars // CAP),
                  _taken(group.filter("heldout"), str(source), "heldout", validation_chars, validation_chars // CAP)]
    return pl.concat(parts)


def marked(sizes: pl.DataFrame, heldout: list[float], order: list[float], heldout_share: float) -> pl.DataFrame:
    """`sizes` with `heldout` (bool: the draw falls below the share) and `draw`."""
    return sizes.with_columns(pl.Series("heldout", heldout, dtype=pl.Float64) < heldout_share,
                              pl.Series("draw", order, dtype=pl.Float64))


def cut(parts: pl.DataFrame, texts: pl.DataFrame) -> pl.DataFrame:
    """Rows of table PARTS with `text`, cut to `take` characters.

    Args:
        texts: columns `doc_id` and `text`.
    """
    return parts.join(texts, on="doc_id").with_columns(pl.col("text").str.slice(0, pl.col("take")))


def train_shares(documents: pl.DataFrame) -> dict[str, float]:
    """Source -> share of the characters that are not held out; sources without any are left out."""
    sums = documents.filter(~pl.col("heldout")).group_by("source").agg(pl.col("chars").sum()).sort("source")
    total = sums["chars"].sum()
    return {source: chars / total for source, chars in sums.iter_rows()}


def _taken(documents: pl.DataFrame, source: str, part: str, budget: int, most: int) -> pl.DataFrame:
    """The first documents that fill `budget`, the last one cut; none with more than `most` characters."""
    left, rows = budget, []
    for doc_id, chars in documents.select("doc_id", "chars").iter_rows():
        take = min(chars, most, left)
        if take <= 0:
            break
        rows.append((doc_id, source, part, take))
        left -= take
    return pl.DataFrame(rows, schema=PARTS, orient="row")
