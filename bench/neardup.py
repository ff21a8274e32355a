"""Near-duplicate removal: ours against datatrove's default MinHash pipeline, in one run, on one core.

    taskset -c 1 python bench/neardup.py [documents]

Prints the two rates and their ratio. The texts are paragraphs of installed packages' documentation put
together to documents of about 2.7 kB, a quarter of them near-duplicates of others.
"""

import random
import sys
import tempfile
import time
from importlib.metadata import distribution
from pathlib import Path

from datatrove.data import Document
from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig

from pipeline.text.docstrings import docstrings
from pipeline.text.near_duplicates import MinHash, near_duplicates
from pipeline.text.prose import paragraphs

SETTINGS = MinHash(shingle_words=5, bands=14, rows=8, threshold=0.7, seed=1)
PACKAGES = ("networkx", "scipy", "pandas")
PARAGRAPHS = 12
CHANGED_SHARE = 0.03


def sample(count: int) -> list[str]:
    """`count` documents, every fourth a copy of an earlier one with some words changed."""
    draw = random.Random(1)
    stock = sorted({paragraph for name in PACKAGES for file in distribution(name).files or []
                    if file.suffix == ".py" and "tests" not in file.parts
                    for text in docstrings(file.read_binary()) for paragraph in paragraphs(text)})
    texts: list[str] = []
    for number in range(count):
        if number % 4 == 3:
            words = draw.choice(texts).split(" ")
            texts.append(" ".join("changed" if draw.random() < CHANGED_SHARE else word for word in words))
        else:
            texts.append("\n\n".join(draw.choices(stock, k=PARAGRAPHS)))
    return texts


def timed_ours(texts: list[str]) -> tuple[float, int]:
    """(seconds, documents removed), kernels compiled before."""
    near_duplicates(["compile the kernels first, they take a second or so to make"] * 2, SETTINGS)
    start = time.perf_counter()
    removed = len(near_duplicates(texts, SETTINGS))
    return time.perf_counter() - start, removed


def timed_datatrove(texts: list[str]) -> tuple[float, int]:
    """(seconds, documents removed) by datatrove's signature, bucket and cluster blocks, one task."""
    config = MinhashConfig()
    documents = [Document(text=text, id=str(number)) for number, text in enumerate(texts)]
    with tempfile.TemporaryDirectory() as folder:
        parts = [f"{folder}/{name}" for name in ("signatures", "buckets", "removed")]
        start = time.perf_counter()
        MinhashDedupSignature(output_folder=parts[0], config=config).run(documents, rank=0, world_size=1)
        for bucket in range(config.num_buckets):
            MinhashDedupBuckets(input_folder=parts[0], output_folder=parts[1],
                                config=config).run(None, bucket, config.num_buckets)
        MinhashDedupCluster(input_folder=parts[1], output_folder=parts[2], config=config).run(None, 0, 1)
        seconds = time.perf_counter() - start
        removed = sum(path.stat().st_size // 4 for path in Path(parts[2]).glob("*.remove"))
    return seconds, removed


def main() -> None:
    """Print both rates; ours first."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    texts = sample(count)
    megabytes = sum(map(len, texts)) / 1e6
    (mine, my_count), (theirs, their_count) = timed_ours(texts), timed_datatrove(texts)
    for name, seconds, removed in (("ours", mine, my_count), ("datatrove", theirs, their_count)):
        print(f"{name:10} {count / seconds:10,.0f} docs/s {megabytes / seconds:8.2f} MB/s  {removed} removed")
    print(f"ratio {theirs / mine:.0f}")


if __name__ == "__main__":
    main()
