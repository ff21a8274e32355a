"""The order that decides who survives."""

import polars as pl

from pipeline.tables.preference import best_first


def row(doc_id, licence="MIT", published="2024-01-01", text="x"):
    return {"doc_id": doc_id, "licence": licence, "published": published, "chars": len(text)}


def test_licence_then_date_then_length_then_id_decide():
    rows = [row("f"), row("e", published=None), row("d"), row("c", text="xx"), row("b", published="2025-01-01"),
            row("a", licence="CC0-1.0"), row("0", licence="unknown")]
    ordered = best_first(pl.DataFrame(rows), ["CC0-1.0", "MIT"])
    assert ordered["doc_id"].to_list() == ["a", "b", "c", "d", "f", "e", "0"]
    assert ordered.columns == ["doc_id", "licence", "published", "chars"]
