"""Near-duplicate removal: rate, memory, exact truth, and datatrove's default pipeline on a sample in the same run.

    taskset -c 1 python bench/neardup.py FOLDER... [--documents 100000] [--sample 1000]
    python bench/neardup.py --revisions D02-neardup

FOLDERs hold HTML and text files (a distribution's documentation: /usr/share/doc, site-packages). Their
different paragraphs, in hashed order, make documents of log-normal length, mean 2.7 kB; 38 % of the
documents are mutants of others: copies, changed words, cut ends, shuffled paragraphs, added boilerplate.

Truth is exact and knows no MinHash: prefix filtering (Bayardo, Ma, Srikant 2007, doi:10.1145/1242572.1242591)
finds every pair whose shingle sets have a Jaccard similarity of at least 0.8.

Rates are CPU seconds of one thread; kernels are compiled before. Peak memory is that of a process of its
own, with the texts in a file as in stage `curate_dedup`.
"""

import argparse
import csv
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
from datatrove.data import Document
from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig
from resiliparse.extract.html2text import extract_plain_text
from xxhash import xxh3_64_intdigest

from pipeline.schema.curate_dedup import CurateDedup
from pipeline.stage.params import load_section
from pipeline.tables.texts import OrderedTexts, TextFile
from pipeline.text.minhash import Survivors, signatures
from pipeline.text.near_duplicates import BATCH_CHARS, Merge, MinHash, jaccard, near_duplicates
from pipeline.text.words import batches, compiled, ngram_hashes, ngram_set, word_hashes, words_of

SUFFIXES = {".html": True, ".htm": True, ".txt": False, ".rst": False, ".md": False}
"""True: HTML."""
MUTANTS = 0.38
MEAN_CHARS = 3600
"""Of paragraphs wanted for a document: somewhat more than a document takes."""
MEAN_LOG, SIGMA_LOG, MIN_CHARS, MAX_CHARS = 7.35, 0.9, 200, 60_000
TRUTH = 0.8


def main() -> None:
    """Make the documents, then measure in this order: rate, memory, truth, datatrove."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="*")
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--sample", type=int, default=1000)
    parser.add_argument("--revisions", type=Path)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        with tempfile.TemporaryDirectory() as room, TextFile(Path(room) / "texts") as texts:
            for batch in pq.ParquetFile(given.measure).iter_batches(1000, columns=["text"]):
                texts.add(batch.column(0).to_pylist())
            print(json.dumps(measured(OrderedTexts(texts, np.arange(len(texts))))))
    elif given.revisions:
        against_revisions(given.revisions)
    else:
        against_truth(given.folders, given.documents, given.sample)


def settings() -> MinHash:
    """Those of params.yaml."""
    params = load_section(CurateDedup, "curate_dedup")
    return MinHash(params.shingle_words, params.bands, params.rows, params.threshold, params.seed)


def against_truth(folders: list[Path], documents: int, sample: int) -> None:
    """Print rates and recall on generated documents."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "texts.parquet"
        pl.DataFrame({"text": generated(folders, documents)}).write_parquet(path)
        result = json.loads(subprocess.run([sys.executable, __file__, "--measure", str(path)],
                                           capture_output=True, check=True).stdout)
        texts = pl.read_parquet(path)["text"].to_list()
    size = sum(map(len, texts)) / 1e6
    for name in ("signatures and buckets", "all, verified"):
        print(f"{name:24} {len(texts) / result[name]:10,.0f} docs/s {size / result[name]:8.1f} MB/s "
              f"({len(texts):,} documents, {size:.0f} MB, {result[name]:.2f} CPU s)")
    print(f"peak memory {result['peak_mb']:,.0f} MB, of which before the run {result['before_mb']:,.0f} MB")
    report(texts, [Merge(*merge) for merge in result["merges"]], true_pairs(texts, settings().shingle_words))
    few = texts[:sample]
    mine, (theirs, removed) = timed(few), cpu_datatrove(few)
    print(f"{len(few)} documents: ours {len(few) / mine:,.0f} docs/s, datatrove {len(few) / theirs:,.1f} docs/s "
          f"({removed} removed); ratio {theirs / mine:,.0f}")


def measured(texts: Sequence[str]) -> dict[str, object]:
    """CPU seconds of proposing and of everything, merges, peak memory of this process."""
    near_duplicates(["compile the kernels first, they take a second — or so"] * 2 + ["compile the kernels, too"] * 2,
                    settings())
    before = peak_megabytes()
    everything = time.process_time()
    merges = near_duplicates(texts, settings())
    everything = time.process_time() - everything
    peak = peak_megabytes()
    return {"signatures and buckets": timed_proposals(texts), "all, verified": everything, "peak_mb": peak,
            "before_mb": before, "merges": merges}


def timed_proposals(texts: Sequence[str]) -> float:
    """CPU seconds of signatures and buckets alone."""
    given = settings()
    start = time.process_time()
    minima = [signatures(ngram_hashes(word_hashes(batch), given.shingle_words), given.bands * given.rows, given.seed)
              for _, batch in batches(texts, BATCH_CHARS)]
    Survivors(np.concatenate(minima), given.bands)
    return time.process_time() - start


def timed(texts: list[str]) -> float:
    """CPU seconds of everything."""
    near_duplicates(texts[:10], settings())
    start = time.process_time()
    near_duplicates(texts, settings())
    return time.process_time() - start


def report(texts: list[str], merges: list[Merge], truth: dict[tuple[int, int], float]) -> None:
    """Print how many true pairs are resolved and how many merges are right."""
    gone = {merge.document: merge.survivor for merge in merges}
    home = [gone.get(place, place) for place in range(len(texts))]
    together = sum(home[one] == home[other] for one, other in truth)
    both = sum(one not in gone and other not in gone for one, other in truth)
    size = settings().shingle_words
    wrong = [merge for merge in merges if merge.jaccard < settings().threshold or (
        merge.jaccard < 1 and python_jaccard(texts[merge.document], texts[merge.survivor], size) != merge.jaccard)]
    print(f"true pairs of J >= {TRUTH}: {len(truth):,}; not both kept {1 - both / len(truth):.5f}, "
          f"in one cluster {together / len(truth):.4f}")
    print(f"merges {len(merges):,}; precision {1 - len(wrong) / max(len(merges), 1):.4f} "
          f"(each similarity computed again from word tuples); largest cluster "
          f"{np.bincount(list(gone.values())).max() + 1 if gone else 1}")


def python_jaccard(one: str, other: str, size: int) -> float:
    """The definition, with words instead of hashes."""
    left, right = ({tuple(words[start:start + size]) for start in range(len(words) - size + 1)}
                   for words in (words_of(one), words_of(other)))
    return len(left & right) / len(left | right)


def true_pairs(texts: list[str], size: int) -> dict[tuple[int, int], float]:
    """Every pair (earlier, later) of Jaccard similarity >= TRUTH, exactly.

    With shingles in a common order, from rare to frequent, two sets of that similarity share one of their
    first |A| - ceil(TRUTH * |A|) + 1.
    """
    sets = [ngram_set(text, size) for text in texts]
    shingles, counts = np.unique(np.concatenate(sets), return_counts=True)
    firsts, owners = [], []
    for document, found in enumerate(sets):
        rank = np.lexsort((found, counts[np.searchsorted(shingles, found)]))
        first = found[rank[:len(found) - int(np.ceil(TRUTH * len(found))) + 1]] if len(found) else found
        firsts.append(first)
        owners.append(np.full(len(first), document, np.int32))
    keys, documents = np.concatenate(firsts), np.concatenate(owners)
    order = np.lexsort((documents, keys))
    pairs = np.unique(_pairs(keys[order], documents[order]), axis=0)
    exact = {(int(one), int(other)): jaccard(sets[one], sets[other]) for one, other in pairs
             if min(len(sets[one]), len(sets[other])) >= TRUTH * max(len(sets[one]), len(sets[other]))}
    return {pair: similarity for pair, similarity in exact.items() if similarity >= TRUTH}


@compiled
def _pairs(keys, documents):  # type: ignore[no-untyped-def]
    """Pairs of documents with an equal key."""
    found = []
    for place in range(len(keys)):
        other = place - 1
        while other >= 0 and keys[other] == keys[place]:
            found.append((documents[other], documents[place]))
            other -= 1
    return np.array(found, np.int32)


def against_revisions(folder: Path) -> None:
    """Print what becomes of documents with known similarities: docs.jsonl and pairs.csv."""
    documents = [json.loads(line) for line in (folder / "docs.jsonl").read_text(encoding="utf-8").splitlines()]
    place = {document["doc_id"]: number for number, document in enumerate(documents)}
    with (folder / "pairs.csv").open() as lines:
        rows = [row for row in csv.DictReader(lines) if float(row["jaccard_w5"]) >= TRUTH]
    truth = {(place[row["a"]], place[row["b"]]): float(row["jaccard_w5"]) for row in rows}
    texts = [document["text"] for document in documents]
    report(texts, near_duplicates(texts, settings()), truth)


def generated(folders: list[Path], count: int) -> list[str]:
    """`count` documents, the last MUTANTS of them made from the others."""
    stock = paragraphs(folders, round(count * (1 - MUTANTS) * MEAN_CHARS))
    draw = random.Random(1)
    base, at = [], 0
    while len(base) < round(count * (1 - MUTANTS)):
        wanted = min(max(draw.lognormvariate(MEAN_LOG, SIGMA_LOG), MIN_CHARS), MAX_CHARS)
        parts: list[str] = []
        while sum(map(len, parts)) < wanted:
            if at == len(stock):
                raise SystemExit(f"the folders give {len(base)} documents only")
            parts.append(stock[at])
            at += 1
        base.append("\n\n".join(parts))
    mutants = [mutant(draw.choice(base), stock, draw) for _ in range(count - len(base))]
    texts = base + mutants
    draw.shuffle(texts)
    return texts


def mutant(text: str, stock: list[str], draw: random.Random) -> str:
    """`text` changed in one of nine ways."""
    kind = draw.randrange(9)
    if kind == 0:
        return text
    if kind == 1:
        return text.upper().replace(".", " .")
    if kind < 6:  # substituted words: 0.2, 1, 2, 5 %
        share = (0.002, 0.01, 0.02, 0.05)[kind - 2]
        return " ".join("changed" if draw.random() < share else word for word in text.split(" "))
    if kind == 6:
        return text[:int(len(text) * draw.choice((0.7, 0.9)))]
    if kind == 7:
        return draw.choice(stock) + "\n\n" + text + "\n\n" + draw.choice(stock)
    parts = text.split("\n\n")
    draw.shuffle(parts)
    return "\n\n".join(parts)


def paragraphs(folders: list[Path], chars: int) -> list[str]:
    """Different paragraphs, at least `chars` characters of them, in the order of their hashes: in no file's order."""
    found: dict[int, str] = {}
    total = 0
    for text in files_text(folders):
        for paragraph in text.split("\n\n"):
            flat = " ".join(paragraph.split())
            key = xxh3_64_intdigest(flat)
            if len(flat) >= 40 and key not in found:
                found[key] = flat
                total += len(flat)
        if total >= chars:
            break
    return [found[key] for key in sorted(found)]


def files_text(folders: list[Path]) -> Iterator[str]:
    """The text of each file with a known suffix, files in the order of their names' hashes."""
    paths = [path for folder in folders for path in folder.rglob("*") if path.suffix in SUFFIXES and path.is_file()]
    for path in sorted(paths, key=lambda path: xxh3_64_intdigest(path.as_posix())):
        text = path.read_text(encoding="utf-8", errors="replace")
        yield extract_plain_text(text) if SUFFIXES[path.suffix] else text


def cpu_datatrove(texts: list[str]) -> tuple[float, int]:
    """(CPU seconds, documents removed), its tokeniser loaded before."""
    datatrove_removed(texts[:3])
    start = time.process_time()
    removed = datatrove_removed(texts)
    return time.process_time() - start, removed


def datatrove_removed(texts: list[str]) -> int:
    """Documents removed by datatrove's signature, bucket and cluster blocks as they come, one task."""
    config = MinhashConfig()
    documents = [Document(text=text, id=str(number)) for number, text in enumerate(texts)]
    with tempfile.TemporaryDirectory() as folder:
        parts = [f"{folder}/{name}" for name in ("signatures", "buckets", "removed")]
        MinhashDedupSignature(output_folder=parts[0], config=config).run(documents, rank=0, world_size=1)
        for bucket in range(config.num_buckets):
            MinhashDedupBuckets(input_folder=parts[0], output_folder=parts[1],
                                config=config).run(None, bucket, config.num_buckets)
        MinhashDedupCluster(input_folder=parts[1], output_folder=parts[2], config=config).run(None, 0, 1)
        return sum(path.stat().st_size // 4 for path in Path(parts[2]).glob("*.remove"))


def peak_megabytes() -> float:
    """Peak resident memory. Not `ru_maxrss`: that of a started process begins with its parent's."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1000


if __name__ == "__main__":
    main()
