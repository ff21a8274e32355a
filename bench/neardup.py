"""Near-duplicate removal: rate, memory, exact truth, and datatrove's default pipeline on a sample in the same run.

    taskset -c 1 python bench/neardup.py FOLDER... [--documents 100000] [--sample 1000]
    python bench/neardup.py --revisions D02-neardup
    python bench/neardup.py --letters 2000

FOLDERs hold HTML and text files. Their different paragraphs, in hashed order, make documents of log-normal
length, mean 2.7 kB; 38 % of the documents are mutants of others: copies, changed words, cut ends, shuffled
paragraphs, added boilerplate. A digest says which documents were made. Debian's documentation gives enough
for 100,000 (as any user, about 2.3 GB unpacked):

    apt-get download linux-doc-6.1 python3.11-doc postgresql-doc-15 apache2-doc git-doc perl-doc \
        debian-handbook libboost1.81-doc openjdk-17-doc python-scipy-doc python-pandas-doc rust-doc erlang-doc \
        sqlite3-doc cmake-doc vim-doc python-sympy-doc python-astropy-doc
    for package in *.deb; do dpkg-deb -x $package root; done; python bench/neardup.py root

Truth is exact and knows no MinHash: `exact_pairs` finds every pair whose shingle sets have a Jaccard
similarity of at least 0.8; for some documents all others are gone through, too, to see that none is missing.

--letters: as many letters of one form of 300 words, in which three words in a row are a letter's own at six places,
so that most pairs are nearly alike enough; with and without the bitmaps that spare comparisons.

Rates are CPU seconds of one thread; kernels are compiled before. Peak memory is that of processes of their
own: one that only looks for near-duplicates, with the texts in a file, and the whole stage `curate_dedup`.
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
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import polars as pl
from datatrove.data import Document
from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig
from exact_pairs import Pairs, partners, similar_pairs
from loguru import logger
from numpy.typing import NDArray
from resiliparse.extract.html2text import extract_plain_text
from xxhash import xxh3_64, xxh3_64_intdigest

from pipeline.schema.curate_dedup import CurateDedup
from pipeline.schema.documents import DOCUMENTS
from pipeline.stage.params import load_section
from pipeline.stages import curate_dedup
from pipeline.tables.parquet import read_parts, write_table
from pipeline.tables.texts import OrderedTexts, TextFile
from pipeline.text import near_duplicates as near_duplicates_module
from pipeline.text.minhash import Survivors, signatures
from pipeline.text.near_duplicates import BATCH_CHARS, ESTIMATE_MARGIN, Merge, MinHash, near_duplicates
from pipeline.text.words import batches, joined, ngram_hashes, ngram_set, word_hashes, words_of

SUFFIXES = {".html": True, ".htm": True, ".txt": False, ".rst": False, ".md": False}
"""True: HTML."""
MUTANTS = 0.38
MEAN_CHARS = 2900
"""Of paragraphs wanted for a document: somewhat more than a document takes."""
MEAN_LOG, SIGMA_LOG, MIN_CHARS, MAX_CHARS = 7.08, 0.9, 200, 60_000
ABOVE, BELOW = 4, 5
"""True pairs have a Jaccard similarity of at least 4 / 5."""
CHECKED = 100
"""Documents whose true partners are looked for among all the others, one by one."""


def main() -> None:
    """Make the documents, then measure in this order: rate, memory, truth, datatrove."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="*")
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--sample", type=int, default=1000)
    parser.add_argument("--revisions", type=Path)
    parser.add_argument("--letters", type=int)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--stage", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    logger.disable("datatrove")
    if given.measure:
        print(json.dumps(measured(given.measure)))
    elif given.stage:
        print(json.dumps(measured_stage(given.stage)))
    elif given.revisions:
        against_revisions(given.revisions)
    elif given.letters:
        with_and_without_bitmaps(form_letters(given.letters))
    else:
        against_truth(given.folders, given.documents, given.sample)


@cache
def settings() -> MinHash:
    """Those of params.yaml, read once: reading takes longer than comparing two documents."""
    params = load_section(CurateDedup, "curate_dedup")
    return MinHash(params.shingle_words, params.bands, params.rows, params.threshold, params.seed)


def against_truth(folders: list[Path], documents: int, sample: int) -> None:
    """Print rates, memory and recall on generated documents."""
    with tempfile.TemporaryDirectory() as room:
        table = Path(room) / "documents"
        written(generated(folders, documents), table)
        result, stage = child("--measure", table), child("--stage", table)
        texts = [text for part in read_parts(table, ["text"]) for text in part["text"]]
    size = sum(map(len, texts)) / 1e6
    digest = xxh3_64("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()
    print(f"{len(texts):,} documents, {size:.1f} M characters, digest {digest}")
    for name in ("signatures and buckets", "all, verified"):
        print(f"{name:24} {len(texts) / result[name]:10,.0f} docs/s {size / result[name]:8.1f} MB/s "
              f"({result[name]:.2f} CPU s)")
    print(f"peak memory: near_duplicates {result['peak_mb']:,.0f} MB, stage curate_dedup {stage['peak_mb']:,.0f} MB, "
          f"before either {result['before_mb']:,.0f} MB; stage {stage['seconds']:.1f} CPU s", flush=True)
    start = time.process_time()
    truth = true_pairs(texts)
    print(f"truth: {len(truth.one):,} pairs in {time.process_time() - start:.0f} CPU s", flush=True)
    report(texts, [Merge(*merge) for merge in result["merges"]], truth)
    few = texts[:sample]
    mine, (theirs, removed) = timed(few), cpu_datatrove(few)
    print(f"{len(few)} documents: ours {len(few) / mine:,.0f} docs/s, datatrove {len(few) / theirs:,.1f} docs/s "
          f"({removed} removed); ratio {theirs / mine:,.0f}")


def written(texts: list[str], folder: Path) -> None:
    """`texts` as the table DOCUMENTS, ids in their order."""
    empty = dict.fromkeys(DOCUMENTS, "")
    rows = [{**empty, "doc_id": f"{number:016x}", "text": text, "source": "all"} for number, text in enumerate(texts)]
    folder.mkdir()
    write_table(pl.DataFrame(rows, schema=DOCUMENTS), folder, ["doc_id"], DOCUMENTS)


def child(what: str, table: Path) -> dict[str, Any]:
    """What this script measures in a process of its own."""
    done = subprocess.run([sys.executable, __file__, what, str(table)], stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def measured(table: Path) -> dict[str, object]:
    """CPU seconds of proposing and of everything, merges, peak memory of this process in MB."""
    compile_kernels()
    with tempfile.TemporaryDirectory() as room, TextFile(Path(room) / "texts") as file:
        for part in read_parts(table, ["text"]):
            file.add(part["text"])
        texts = OrderedTexts(file, np.arange(len(file)))
        before = peak_megabytes()
        everything = time.process_time()
        merges = near_duplicates(texts, settings())
        everything = time.process_time() - everything
        peak = peak_megabytes()
        return {"signatures and buckets": timed_proposals(texts), "all, verified": everything, "peak_mb": peak,
                "before_mb": before, "merges": merges}


def measured_stage(table: Path) -> dict[str, object]:
    """CPU seconds and peak memory of the whole stage, in MB."""
    params = load_section(CurateDedup, "curate_dedup").model_copy(update={"default_max_loss": 1.0})
    start = time.process_time()
    with tempfile.TemporaryDirectory() as room:
        curate_dedup.main(table, Path(room) / "out", Path(room) / "ledger", params)
    return {"seconds": time.process_time() - start, "peak_mb": peak_megabytes()}


def proposals(texts: Sequence[str]) -> Survivors:
    """Signatures and buckets alone."""
    given = settings()
    minima = [signatures(ngram_hashes(word_hashes(batch), given.shingle_words), given.bands * given.rows, given.seed)
              for _, batch in batches(texts, BATCH_CHARS)]
    return Survivors(np.concatenate(minima), given.bands)


def timed_proposals(texts: Sequence[str]) -> float:
    """CPU seconds of signatures and buckets alone."""
    start = time.process_time()
    proposals(texts)
    return time.process_time() - start


def compile_kernels() -> None:
    """Also those that only near copies reach."""
    near_duplicates(["compile the kernels first, they take a second — or so"] * 2 + ["compile the kernels, too"] * 2,
                    settings())


def timed(texts: list[str]) -> float:
    """CPU seconds of everything, kernels compiled before."""
    compile_kernels()
    start = time.process_time()
    near_duplicates(texts, settings())
    return time.process_time() - start


def report(texts: list[str], merges: list[Merge], truth: Pairs) -> None:
    """Print how many true pairs are proposed and resolved, and how many merges are right."""
    home = np.arange(len(texts))
    for merge in merges:
        home[merge.document] = merge.survivor
    gone = home != np.arange(len(texts))
    together = home[truth.one] == home[truth.other]
    resolved = gone[truth.one] | gone[truth.other]
    print(f"{len(truth.one):,} pairs of J >= {ABOVE / BELOW}, recall: proposed {proposed(texts, truth).mean():.5f}, "
          f"not both kept {resolved.mean():.5f}, in one cluster {together.mean():.5f}")
    right = [similarity == merge.jaccard >= settings().threshold for merge in merges
             for similarity in [python_jaccard(texts[merge.document], texts[merge.survivor])]]
    largest = np.bincount(home).max()
    print(f"{len(merges):,} merges, precision {np.mean(right):.5f} (each similarity computed again from word tuples); "
          f"largest cluster {largest}")


def proposed(texts: list[str], truth: Pairs) -> NDArray[np.bool_]:
    """Which true pairs share a bucket and have an estimate that gets them verified."""
    found, least = proposals(texts), settings().threshold - ESTIMATE_MARGIN
    buckets_BP = found.buckets_BD[:, truth.one]
    met = ((buckets_BP == found.buckets_BD[:, truth.other]) & (buckets_BP >= 0)).any(axis=0)
    estimates = [np.mean(found.signatures_DK[one] == found.signatures_DK[other])
                 for one, other in zip(truth.one, truth.other, strict=True)]
    return met & (np.array(estimates) >= least)


def python_jaccard(one: str, other: str) -> float:
    """The definition, with words instead of hashes; texts too short for a shingle are alike or not."""
    size = settings().shingle_words
    left, right = words_of(one), words_of(other)
    if max(len(left), len(right)) < size:
        return float(left == right)
    shingles, others = ({tuple(words[at:at + size]) for at in range(len(words) - size + 1)} for words in (left, right))
    return len(shingles & others) / len(shingles | others)


def true_pairs(texts: list[str]) -> Pairs:
    """Every pair of Jaccard similarity >= ABOVE / BELOW; checked for some documents by going through all."""
    sets = joined([ngram_set(text, settings().shingle_words) for text in texts])
    found = similar_pairs(sets, ABOVE, BELOW)
    places = random.Random(2).sample(range(len(texts)), min(CHECKED, len(texts)))
    for place in places:
        joined_with = np.concatenate([found.other[found.one == place], found.one[found.other == place]])
        if not np.array_equal(np.sort(joined_with), partners(sets, place, ABOVE, BELOW)):
            raise SystemExit(f"the exact join misses or invents a partner of document {place}")
    print(f"truth: the partners of {len(places)} documents found again by comparing each with all")
    return found


def against_revisions(folder: Path) -> None:
    """Print what becomes of documents with known similarities: docs.jsonl and pairs.csv."""
    documents = [json.loads(line) for line in (folder / "docs.jsonl").read_text(encoding="utf-8").splitlines()]
    place = {document["doc_id"]: number for number, document in enumerate(documents)}
    with (folder / "pairs.csv").open() as lines:
        rows = [(place[row["a"]], place[row["b"]], float(row["jaccard_w5"])) for row in csv.DictReader(lines)]
    rows = sorted((min(a, b), max(a, b), similarity) for a, b, similarity in rows if similarity >= ABOVE / BELOW)
    truth = Pairs(*(np.array(column) for column in zip(*rows, strict=True)))
    texts = [document["text"] for document in documents]
    joined_pairs = true_pairs(texts)
    same = np.array_equal(joined_pairs.one, truth.one) and np.array_equal(joined_pairs.other, truth.other)
    print(f"the exact join finds {'the same' if same else 'OTHER'} pairs as pairs.csv")
    report(texts, near_duplicates(texts, settings()), truth)


def with_and_without_bitmaps(texts: list[str]) -> None:
    """Print CPU seconds both ways, and whether both find the same."""
    compile_kernels()
    near_duplicates(texts[:2 * near_duplicates_module.MANY], settings())  # compiles what only many partners reach
    with_bitmaps, fast = verified(texts)
    with patch.object(near_duplicates_module, "MANY", len(texts)):
        without, slow = verified(texts)
    same = "the same" if with_bitmaps == without else "OTHERS"
    print(f"{len(texts):,} letters, {len(without):,} merges, {same} with "
          f"bitmaps: {slow:.2f} CPU s without, {fast:.2f} with, ratio {slow / fast:.1f}")


def verified(texts: list[str]) -> tuple[list[Merge], float]:
    """Merges, and CPU seconds."""
    start = time.process_time()
    return near_duplicates(texts, settings()), time.process_time() - start


def form_letters(count: int) -> list[str]:
    """Letters of one form; what --letters says of them."""
    draw = random.Random(5)
    vocabulary = [f"w{number}" for number in range(20_000)]
    form, letters = draw.choices(vocabulary, k=300), []
    for _ in range(count):
        letter = list(form)
        for start in draw.sample(range(len(letter) - 2), 6):
            letter[start:start + 3] = draw.choices(vocabulary, k=3)
        letters.append(" ".join(letter))
    return letters


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
    """The text of each file with a known suffix, files in the order of the hashes of their names in the folder."""
    paths = [(xxh3_64_intdigest(path.relative_to(folder).as_posix()), path) for folder in folders
             for path in folder.rglob("*") if path.suffix in SUFFIXES and path.is_file() and not path.is_symlink()]
    for _, path in sorted(paths):
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
