"""The training mixture: who is held out, who is replayed, how often each source is drawn.

DuckDB does the sums. Draws come with the rows (column `draw`), so they depend on content alone.
"""

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
