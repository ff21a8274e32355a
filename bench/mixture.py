"""Held-out perplexity of searched source weights against an unweighted and an even mix, on real documents.

    python bench/mixture.py FOLDER SOURCE... [--most 1200] [--seeds 3] [--bounds MIN_WEIGHT MAX_PASSES]

Each SOURCE is a folder below FOLDER; its Markdown, text, template, XML and Parquet (column `text`) files
are its documents. The search is that of the stage `mixture`, with its params and feed-forward proxies. What
it chooses, and the best it searched whether chosen or not, are judged by another kind of model, a transformer
from scratch with other seeds and another tokenizer, on documents that the search never saw. Every mixture has
the same budget of tokens, and they stand beside an even mix without bounds and one within those of the search.
Two targets:
`even` (every source counts the same) and `size` (every character does). Intervals are bootstraps over the
held-out documents, within their source, and over seeds; equal seeds are compared. One thread.
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

from pipeline.evals.mixtures import verdict
from pipeline.lm.architecture import scratch_model
from pipeline.lm.determinism import configure
from pipeline.lm.tokenise import document_tokens, train_tokenizer
from pipeline.schema.base import Architecture
from pipeline.schema.mixture import Mixture
from pipeline.stage.params import load_section
from pipeline.tables.mixture import cut, marked, scale_model, train_shares
from pipeline.text.splits import draws
from pipeline.train.mixture_scene import build_scene
from pipeline.train.mixture_search import Floats, Measured, Scene, mean_loss, search, values_in
from pipeline.train.proxies import Windows, mixed_draws

TEXT = {".md", ".txt", ".tmpl", ".rst"}
XML = {".xml", ".xhtml", ".cnxml"}
HELDOUT = 0.25
TARGETS = ("even", "size")
WITHOUT_SEARCH = ("proportional", "even", "even_bounded")
RESAMPLES = 2000
ROW = 128
BATCH = 4
"""Rows of a step. With 16 the budget is spent after 200 steps, when the judge has hardly left the words' frequencies,
and finds best what is learnt in the fewest steps, whatever the target."""
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
        elif path.suffix in XML:
            yield " ".join(" ".join(etree.parse(path).getroot().itertext("*")).split())
        elif path.suffix == ".parquet":
            yield from pl.read_parquet(path, columns=["text"])["text"]


def lake_of(folder: Path, sources: list[str], most: int) -> pl.DataFrame:
    """Documents of all sources, each cut to `most` characters."""
    rows = [(hashlib.sha256(text.encode()).hexdigest()[:16], source, text[:most]) for source in sources
            for text in texts(folder / source) if text.strip()]
    return pl.DataFrame(rows, schema=["doc_id", "source", "text"], orient="row").unique("doc_id").sort("doc_id")


def found_weights(lake: pl.DataFrame, rows: pl.DataFrame, params: Mixture,
                  target: str) -> tuple[Scene, dict[str, Floats]]:
    """(scene, mixtures to judge): those that need no search, the best searched for the target and the one chosen."""
    parts = scale_model(rows, params.max_chars, params.validation_share, params.validation_chars,
                        params.min_documents)
    scene = build_scene(cut(parts, lake.select("doc_id", "text")), train_shares(rows), [], params)
    start = time.process_time()
    tried, probes = search(scene, params)
    judged = verdict(scene, tried, params.confidence, params.min_gain)
    print(f"search for {target}: {len(probes)} probes, {time.process_time() - start:.0f} CPU s, "
          f"best {judged.best.name}, chosen {judged.chosen.name}")
    for each in sorted(tried, key=lambda each: mean_loss(scene, scene.validation, each.nats)):
        print(f"  proxies: {each.name:16} perplexity {math.exp(mean_loss(scene, scene.validation, each.nats)):8.2f}")
    by_name = {each.name: each.weights for each in tried}
    searched = min((each for each in tried if each.name not in WITHOUT_SEARCH),
                   key=lambda each: mean_loss(scene, scene.validation, each.nats))
    return scene, {**{name: by_name[name] for name in WITHOUT_SEARCH}, f"searched_{target}": searched.weights,
                   f"for_{target}": judged.chosen.weights}


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
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
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
    parser.add_argument("--most", type=int, default=1200, help="characters of a document")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--bounds", type=float, nargs=2, help="of the search, instead of those of params.yaml")
    arguments = parser.parse_args()
    configure(0, 1)
    params = load_section(Mixture, "mixture").model_copy(update={"general_chars": 0})
    if arguments.bounds:
        params = params.model_copy(update=dict(zip(("min_weight", "max_passes"), arguments.bounds, strict=True)))
    lake = lake_of(arguments.folder, arguments.sources, arguments.most)
    sizes = lake.select("doc_id", "source", pl.col("text").str.len_chars().alias("chars"))
    rows = marked(sizes, draws(sizes["doc_id"], 2, "heldout"), draws(sizes["doc_id"], 3, "mixture"), HELDOUT)
    scenes, mixtures = {}, {}
    for target in TARGETS:
        scenes[target], found = found_weights(lake, rows, params.model_copy(update={"target": target}), target)
        mixtures |= found
    print_weights(rows, scenes["even"], mixtures)
    judge = Judge(lake, rows, scenes["even"].sources)
    print(f"judge: {len(judge.train)} rows of {ROW} tokens, {params.passes} passes, {len(judge.source_D)} held-out "
          f"documents, {arguments.seeds} seeds")
    nats: dict[str, Floats] = {}
    for name, weights in mixtures.items():
        same = next((other for other in nats if np.allclose(mixtures[other], weights)), None)
        nats[name] = nats[same] if same else np.stack([
            judge.nats(scenes["even"].shares * weights, params.passes, 100 + seed) for seed in range(arguments.seeds)])
    for target in TARGETS:
        print_target(target, scenes[target], judge.measured, nats)


def print_weights(rows: pl.DataFrame, scene: Scene, mixtures: dict[str, Floats]) -> None:
    """One line a source."""
    for place, source in enumerate(scene.sources):
        own = rows.filter(source=source)
        weighed = "  ".join(f"{name} {weights[place]:.2f}" for name, weights in mixtures.items())
        print(f"{source:24} {own.height:5} documents {own['chars'].sum():9,} characters  "
              f"share {scene.shares[place]:.3f}  {weighed}")


def print_target(target: str, scene: Scene, measured: Measured, nats: dict[str, Floats]) -> None:
    """One line a mixture: perplexity, and its change against those that need no search."""
    print(f"target {target}")
    for name, found in nats.items():
        each = [math.exp(mean_loss(scene, measured, row[None])) for row in found]
        line = (f"  {name:16} perplexity {math.exp(mean_loss(scene, measured, found)):8.2f} "
                f"(seeds {min(each):.1f} .. {max(each):.1f})")
        for other in WITHOUT_SEARCH:
            value, low, high = bootstrap(scene, measured, nats[other], found)
            line += f"   against {other} {value:+.2%} ({low:+.2%} .. {high:+.2%})"
        print(line)


def bootstrap(scene: Scene, measured: Measured, before_RD: Floats, after_RD: Floats) -> tuple[float, float, float]:
    """Change of perplexity with its 95 % percentile interval."""
    draw = np.random.default_rng(7)
    value_S, tokens = values_in(scene, measured), measured.tokens
    sources = np.flatnonzero(value_S)
    seeds = draw.integers(0, len(before_RD), (RESAMPLES, len(before_RD)))
    changes = np.zeros(RESAMPLES)
    whole = 0.0
    for source in sources:
        own = np.flatnonzero(measured.source == source)
        gain_RD = (after_RD - before_RD)[:, own]
        whole += value_S[source] * gain_RD.mean(axis=0).sum() / tokens[own].sum()
        picks = draw.integers(0, len(own), (RESAMPLES, len(own)))
        for number in range(RESAMPLES):
            gains = gain_RD[seeds[number]][:, picks[number]].mean(axis=0).sum()
            changes[number] += value_S[source] * gains / tokens[own][picks[number]].sum()
    low, high = np.quantile(np.expm1(changes), [0.025, 0.975])
    return math.expm1(whole), float(low), float(high)


if __name__ == "__main__":
    main()
