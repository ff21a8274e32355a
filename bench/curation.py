"""Curation of text, from extracted documents to decontaminated ones: throughput, and the same from stock blocks.

    taskset -c 1 python bench/curation.py TREE [--params FILE] [--every N] [--add SHARE]

TREE is a pipeline that has run: its extracted documents, quality model, PII model and evaluation items
are read. Steps: gates, language, heuristics, quality; near-duplicates and chunks; PII; decontamination,
as their stages run them, one worker, cold cache. With --add the share is held back first and added for a
second run with the cache of the first.

Stock: datatrove's Gopher, C4 and FineWeb filters, its MinHash, and Presidio's default recognisers behind a
spaCy NER model made here (what it costs does not depend on what it has learned). Left out, in its favour:
language, chunks, decontamination (datatrove's need a download or a Rust build), the quality model.

Stock runs on every N-th document, in the order of source and length, so that the sample has the lake's mixture.

Rates: MB of UTF-8 text that came in per CPU second, processes of the engine included. Imports, models and
kernels are loaded before, for ours by a run on ten documents; the ten's time is printed as `start`.
"""

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import spacy
from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)
from loguru import logger
from neardup import datatrove_removed
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import SpacyNlpEngine
from spacy.training import Example

from pipeline.engine.execution import load_execution
from pipeline.schema.curate_decontaminate import CurateDecontaminate
from pipeline.schema.curate_dedup import CurateDedup
from pipeline.schema.curate_filter import CurateFilter
from pipeline.schema.curate_redact import CurateRedact
from pipeline.schema.ledger import SURVIVES
from pipeline.stage.params import load_section
from pipeline.stages import curate_decontaminate, curate_dedup, curate_filter, curate_redact
from pipeline.tables.parquet import read_table

LOSS = {"max_loss": {}, "default_max_loss": 1.0}
"""A bench counts losses; it does not stop for them."""
STAGES = ("curate_filter", "curate_dedup", "curate_redact", "curate_decontaminate")
NER_UPDATES = 5


def main() -> None:
    """Run ours, then stock; print rates, balance and the largest losses."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tree", type=Path)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    parser.add_argument("--every", type=int, default=40)
    parser.add_argument("--add", type=float, default=0.0)
    given = parser.parse_args()
    logger.remove()
    table = read_table(given.tree / "data/curate_extract/documents")
    held_back = table["doc_id"].hash(1) % 10_000 < given.add * 10_000
    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder)
        warm = curated(given.tree, given.params, table.head(10), room / "start", room / "start-cache")
        print_rates("start: ten documents", warm, megabytes(table.head(10)))
        for name, part in [("before", table.filter(~held_back)), ("after", table)][0 if given.add else 1:]:
            seconds = curated(given.tree, given.params, part, room / name, room / "cache")
            print_rates(f"ours, {name}: {part.height:,} documents", seconds, megabytes(part))
        balance(table, room / "after")
    ours = megabytes(table) / sum(seconds.values())
    bare = megabytes(table) / sum(value for step, value in seconds.items() if step != "curate_redact")
    chosen = spread(table, given.every)
    stock_seconds = stock(chosen["text"].to_list(), load_section(CurateFilter, "curate_filter", given.params))
    print_rates(f"stock, {chosen.height:,} documents", stock_seconds, megabytes(chosen))
    stock_all = megabytes(chosen) / sum(stock_seconds.values())
    stock_bare = megabytes(chosen) / sum(value for step, value in stock_seconds.items() if step != "presidio")
    print(f"ratio {ours / stock_all:.1f} with PII, {bare / stock_bare:.1f} without")


def curated(tree: Path, params: Path, table: pl.DataFrame, room: Path, cache: Path) -> dict[str, float]:
    """CPU seconds by stage. Stage x leaves `room/x` and `room/x-ledger`."""
    start = room / "extracted"
    start.mkdir(parents=True)
    table.write_parquet(start / "part-00000.parquet")
    outs = {name: (room / name, room / f"{name}-ledger") for name in STAGES}
    filtering = load_section(CurateFilter, "curate_filter", params).model_copy(update=LOSS)
    merging = load_section(CurateDedup, "curate_dedup", params).model_copy(update=LOSS)
    hiding = load_section(CurateRedact, "curate_redact", params)
    checking = load_section(CurateDecontaminate, "curate_decontaminate", params).model_copy(update=LOSS)
    one_worker = load_execution().model_copy(update={"engine": "local", "workers": 1})
    return {
        "curate_filter": cpu(lambda: curate_filter.filtered(
            start, tree / "models/quality_model", tree / "models/date_model", *outs["curate_filter"], filtering,
            one_worker)),
        "curate_dedup": cpu(lambda: curate_dedup.main(room / "curate_filter", *outs["curate_dedup"], merging)),
        "curate_redact": cpu(lambda: curate_redact.redact(
            room / "curate_dedup", tree / "models/pii_model", *outs["curate_redact"], room / "spans", hiding,
            b"bench" * 8, one_worker, cache)),
        "curate_decontaminate": cpu(lambda: curate_decontaminate.main(
            room / "curate_redact", tree / "data/eval_items/items", *outs["curate_decontaminate"], checking)),
    }


def balance(table: pl.DataFrame, room: Path) -> None:
    """Per source: in = kept + dropped + merged; then the three largest documents that were dropped."""
    ledger = pl.concat([read_table(room / f"{name}-ledger").with_columns(stage=pl.lit(name)) for name in STAGES])
    lost = ledger.filter(~pl.col("decision").is_in(SURVIVES))
    rows = table.join(lost, left_on="doc_id", right_on="input_id", how="left").with_columns(
        pl.col("decision").fill_null("keep"), chars=pl.col("text").str.len_chars())
    sums = rows.group_by("source").agg(
        pl.len().alias("in"), *[(pl.col("decision") == word).sum().alias(word) for word in ("keep", "drop", "merge")],
        (pl.col("chars").filter(pl.col("decision") == "keep").sum() / pl.col("chars").sum()).alias("chars_kept"),
    ).sort("source")
    odd = sums.filter(pl.col("in") != pl.col("keep") + pl.col("drop") + pl.col("merge"))
    if odd.height:
        raise SystemExit(f"does not add up: {odd}")
    print(sums)
    print(lost.group_by("stage", "reason").len().sort("len", descending=True))
    worst = rows.filter(pl.col("decision") == "drop").sort("chars", descending=True).head(3)
    for row in worst.iter_rows(named=True):
        print(f"lost: {row['path']} ({row['chars']:,} characters): {row['reason']} {row['evidence']}")


def stock(texts: list[str], params: CurateFilter) -> dict[str, float]:
    """CPU seconds by step; models are loaded before."""
    prose = params.profiles["prose"].model_dump()
    del prose["gopher_repetition"]["ngram_window_words"]
    rules: list[Any] = [
        GopherRepetitionFilter(**prose["gopher_repetition"]), GopherQualityFilter(**prose["gopher_quality"]),
        C4QualityFilter(**prose["c4_quality"]), FineWebQualityFilter(**prose["fineweb_quality"]),
    ]
    engine = presidio_default()
    survivors: list[str] = []

    def filtered() -> None:
        survivors.extend(text for text in texts if all(
            rule.filter(Document(text=text, id="")) is True for rule in rules))

    for rule in rules:
        rule.filter(Document(text=texts[0], id=""))
    return {
        "filters": cpu(filtered),
        "minhash": cpu(lambda: datatrove_removed(survivors)),
        "presidio": cpu(lambda: [engine.analyze(text, "en") for text in survivors]),
    }


def presidio_default() -> AnalyzerEngine:
    """Presidio's recognisers over spaCy's tok2vec and NER, as large as spaCy makes them."""
    language = spacy.blank("en")
    ner = language.add_pipe("ner")
    ner.add_label("PERSON")
    example = Example.from_dict(language.make_doc("Ann Lee called."), {"entities": [(0, 7, "PERSON")]})
    language.initialize(lambda: [example])
    for _ in range(NER_UPDATES):
        language.update([example])
    with tempfile.TemporaryDirectory() as folder:
        language.to_disk(folder)
        engine = SpacyNlpEngine(models=[{"lang_code": "en", "model_name": folder}])
        engine.load()
    found = AnalyzerEngine(nlp_engine=engine)
    found.analyze("Ann Lee called.", "en")
    return found


def spread(table: pl.DataFrame, every: int) -> pl.DataFrame:
    """Every N-th document in the order of source and length."""
    return table.sort("source", pl.col("text").str.len_chars(), "doc_id").gather_every(every, every // 2)


def cpu(work: Callable[[], object]) -> float:
    """CPU seconds of `work`, of processes it waited for too."""
    before = os.times()[:4]
    work()
    return sum(os.times()[:4]) - sum(before)


def megabytes(table: pl.DataFrame) -> float:
    """Of UTF-8 text."""
    return int(table["text"].str.len_bytes().sum()) / 1e6


def print_rates(name: str, seconds: dict[str, float], size: float) -> None:
    """One line a step, then all of them."""
    print(f"{name}, {size:.1f} MB")
    for step, value in [*seconds.items(), ("all", sum(seconds.values()))]:
        print(f"  {step:22} {value:8.2f} s {size / max(value, 1e-9):9.3f} MB/s")


if __name__ == "__main__":
    main()
