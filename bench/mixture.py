"""Held-out perplexity of searched source weights against an unweighted and an even mix, on real documents.

    python bench/mixture.py FOLDER SOURCE... [--most 1600] [--seeds 3] [--target even|size]

Each SOURCE is a folder below FOLDER; its Markdown, text, template, XML and Parquet (column `text`) files
are its documents. The search is that of the stage `mixture`, with its params and feed-forward proxies. What
it proposes is judged by another kind of model, a transformer from scratch with other seeds and another
tokenizer, on documents that the search never saw. Every mixture has the same budget of tokens. Intervals
take documents within their source, and seeds, as the units. Arithmetic is on one thread.
"""

import argparse
import hashlib
import math
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import torch
from lxml import etree

from pipeline.evals.mixtures import mean_loss, verdict, versus
from pipeline.lm.architecture import scratch_model
from pipeline.lm.determinism import configure
from pipeline.lm.tokenise import document_tokens, train_tokenizer
from pipeline.schema.base import Architecture
from pipeline.schema.curate_mix import CurateMix
from pipeline.schema.mixture import Mixture
from pipeline.stage.params import load_section
from pipeline.tables.mixture import cut, marked, scale_model, train_shares
from pipeline.text.splits import draws
from pipeline.train.mixture_scene import build_scene, values
from pipeline.train.mixture_search import Floats, Measured, Scene, search
from pipeline.train.proxies import Windows, mixed_draws

TEXT = {".md", ".txt", ".tmpl"}
HELDOUT = 0.25
ROW = 128
BATCH = 16
RATE = 0.003
SHAPE = Architecture(family="qwen3", hidden=64, layers=2, heads=4, kv_heads=4, intermediate=192, context=ROW,
                     rope_theta=10000.0)
VOCABULARY = 1024


def texts(folder: Path) -> Iterator[str]:
    """The documents of one source, in order of path."""
    for path in sorted(folder.rglob("*")):
        if "_LICENSES" in path.parts or not path.is_file():
            continue
        if path.suffix in TEXT:
            yield path.read_text(encoding="utf-8", errors="replace")
        elif path.suffix == ".xml":
            yield " ".join(" ".join(etree.parse(path).getroot().itertext()).split())
        elif path.suffix == ".parquet":
            yield from pl.read_parquet(path, columns=["text"])["text"]


def lake_of(folder: Path, sources: list[str], most: int) -> pl.DataFrame:
    """Documents of all sources, each cut to `most` characters."""
    rows = [(hashlib.sha256(text.encode()).hexdigest()[:16], source, text[:most]) for source in sources
            for text in texts(folder / source) if text.strip()]
    return pl.DataFrame(rows, schema=["doc_id", "source", "text"], orient="row").unique("doc_id").sort("doc_id")


def found_weights(lake: pl.DataFrame, rows: pl.DataFrame, params: Mixture) -> tuple[Scene, dict[str, Floats]]:
    """(scene, mixtures to judge): the unweighted, the even and the searched one."""
    parts = scale_model(rows, params.max_chars, params.validation_share, params.validation_chars, params.min_documents)
    scene = build_scene(cut(parts, lake.select("doc_id", "text")), train_shares(rows), [], params)
    start = time.process_time()
    tried, probes = search(scene, params, load_section(CurateMix, "curate_mix").max_weight)
    judged = verdict(scene, tried, params.confidence)
    print(f"search: {len(probes)} probes, {time.process_time() - start:.0f} CPU s, best {judged.best.name}, "
          f"chosen {judged.chosen.name}")
    by_name = {each.name: each.weights for each in tried}
    return scene, {"proportional": by_name["proportional"], "even": by_name["even"], "searched": judged.best.weights}


class Judge:
    """The transformer's view of the lake: rows of tokens to train on, rows to measure."""

    def __init__(self, lake: pl.DataFrame, rows: pl.DataFrame, sources: list[str]) -> None:
        table = lake.join(rows.select("doc_id", "heldout"), on="doc_id", maintain_order="left")
        train, held = table.filter(~pl.col("heldout")), table.filter("heldout")
        self.tokenizer = train_tokenizer(train["text"].to_list(), VOCABULARY, ROW)
        self.train, document = self._rows(train["text"].to_list())
        own = np.array([sources.index(name) for name in train["source"]])[document]
        self.positions = [np.flatnonzero(own == place) for place in range(len(sources))]
        self.held, self.document = self._rows([text[:4000] for text in held["text"]])
        self.source_D = np.array([sources.index(name) for name in held["source"]], np.int64)
        counts = np.repeat(self.document, (self.held != self.tokenizer.eos_token_id)[:, 1:].sum(axis=1))
        self.measured = Measured(Windows(np.empty((0, 0), np.int64), np.empty(0, np.int64), counts), self.source_D)

    def _rows(self, documents: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Rows of ROW tokens, a document's last one filled with the end of text; the document of each."""
        end, found, owner = self.tokenizer.eos_token_id, [], []
        for number, ids in enumerate(document_tokens(self.tokenizer, documents)):
            for start in range(0, len(ids) - 1, ROW - 1):
                part = ids[start:start + ROW]
                found.append(part + [end] * (ROW - len(part)))
                owner.append(number)
        return np.array(found, np.int64), np.array(owner, np.int64)

    def nats(self, shares_S: Floats, passes: float, seed: int) -> Floats:
        """Nats of each held-out document under a transformer trained on the mixture."""
        order = mixed_draws(shares_S, self.positions, round(passes * len(self.train)) // BATCH * BATCH, seed)
        end = self.tokenizer.eos_token_id
        model = scratch_model(SHAPE, len(self.tokenizer), end, [end], seed).train()
        optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, betas=(0.9, 0.95), weight_decay=0.01)
        steps = len(order) // BATCH
        for step in range(steps):
            optimizer.param_groups[0]["lr"] = RATE * min((step + 1) / 20, 1.0, 1.05 - step / steps)
            tokens_BT = torch.from_numpy(self.train[order[step * BATCH:(step + 1) * BATCH]])
            optimizer.zero_grad()
            self._losses(model, tokens_BT).sum().div((tokens_BT[:, 1:] != end).sum()).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            row_nats = torch.cat([self._losses(model, torch.from_numpy(self.held[at:at + 64])).sum(dim=1).double()
                                  for at in range(0, len(self.held), 64)])
        print(f"  seed {seed}: {time.process_time():.0f} CPU s so far", flush=True)
        return np.bincount(self.document, row_nats.numpy(), len(self.source_D))

    def _losses(self, model: torch.nn.Module, tokens_BT: torch.Tensor) -> torch.Tensor:
        """(B, T - 1) nats; 0 where the end of text fills a row."""
        logits = model(input_ids=tokens_BT, use_cache=False).logits[:, :-1]
        losses = torch.nn.functional.cross_entropy(logits.flatten(0, 1), tokens_BT[:, 1:].flatten(), reduction="none")
        return losses.view(len(tokens_BT), -1) * (tokens_BT[:, 1:] != self.tokenizer.eos_token_id)


def main() -> None:
    """Print the weights and the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("sources", nargs="+")
    parser.add_argument("--most", type=int, default=1600, help="characters of a document")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--target", choices=["even", "size"], default="even")
    arguments = parser.parse_args()
    configure(0, 1)
    params = load_section(Mixture, "mixture").model_copy(update={"target": arguments.target, "general_chars": 0})
    lake = lake_of(arguments.folder, arguments.sources, arguments.most)
    sizes = lake.select("doc_id", "source", pl.col("text").str.len_chars().alias("chars"))
    rows = marked(sizes, draws(sizes["doc_id"], 2, "heldout"), draws(sizes["doc_id"], 3, "mixture"), HELDOUT)
    scene, mixtures = found_weights(lake, rows, params)
    for place, source in enumerate(scene.sources):
        own = rows.filter(source=source)
        weighed = "  ".join(f"{name} {weights[place]:.2f}" for name, weights in mixtures.items())
        print(f"{source:24} {own.height:5} documents {own['chars'].sum():9,} characters  "
              f"share {scene.shares[place]:.3f}  {weighed}")
    judge = Judge(lake, rows, scene.sources)
    scene = scene._replace(value=values(scene.sources, scene.shares, scene.tuned, params))
    start = time.process_time()
    nats = {name: np.stack([judge.nats(scene.shares * weights, params.passes, 100 + seed)
                            for seed in range(arguments.seeds)]) for name, weights in mixtures.items()}
    print(f"judge: {len(judge.train)} rows of {ROW} tokens, {len(judge.source_D)} held-out documents, "
          f"{arguments.seeds} seeds, {time.process_time() - start:.0f} CPU s; target {arguments.target}")
    for name, found in nats.items():
        line = f"{name:14} perplexity {math.exp(mean_loss(scene, judge.measured, found)):8.2f}"
        for other in ("proportional", "even"):
            change = versus(scene, judge.measured, nats[other], found)
            low, high = change.interval(params.confidence)
            line += (f"   against {other} {math.expm1(change.value):+.2%} "
                     f"({math.expm1(low):+.2%} .. {math.expm1(high):+.2%})")
        print(line)


if __name__ == "__main__":
    main()
