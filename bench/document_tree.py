"""Measure the trees of documents: leaves a second on one core and on all, the tree over them, a proof.

    python bench/document_tree.py --leaves 20000 --tree 1000000

The tree is measured over random leaves: making a million true ones takes minutes, and its time does
not depend on what they are. HMAC-SHA256 beside it is what leaves would cost without the proof that
they are the key owner's (see docs/prove.md).
"""

import argparse
import hmac
import json
import os
import secrets
import time
from collections.abc import Callable

from pipeline.lineage.document_proof import text_identity
from pipeline.lineage.merkle import Head, Tree, check_present
from pipeline.lineage.vrf import verify
from pipeline.stage import document_tree
from pipeline.stage.merkle_key import table_secret


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main(num_leaves: int, num_tree: int) -> dict[str, object]:
    """The figures, as JSON values."""
    secret = secrets.token_bytes(32)
    function = table_secret(secret, "data/curate_mix/documents")
    identities = [text_identity(f"document {number}") for number in range(num_leaves)]
    proof = function.prove(identities[0])
    document_tree.PARALLEL_FROM = num_leaves + 1
    one = seconds(lambda: list(document_tree.leaves(function, identities)))
    document_tree.PARALLEL_FROM = 0
    every = seconds(lambda: list(document_tree.leaves(function, identities)))
    random_leaves = [secrets.token_bytes(32) for _ in range(num_tree)]
    trees: list[Tree] = []
    built = seconds(lambda: trees.append(Tree(random_leaves)))
    tree = trees[0]
    head = Head(num_tree, tree.root, function.public)
    return {
        "cores": os.cpu_count(),
        "leaves_per_s_one_process": round(num_leaves / one),
        "leaves_per_s_all_processes": round(num_leaves / every),
        "hmac_per_s": round(num_leaves / seconds(
            lambda: [hmac.digest(secret, identity, "sha256") for identity in identities])),
        "tree_leaves": num_tree,
        "tree_s": round(built, 2),
        "prove_ms": round(1e3 * seconds(lambda: (function.prove(identities[0]), tree.open(num_tree // 2))), 2),
        "check_ms": round(1e3 * seconds(lambda: (verify(function.public, identities[0], proof, "bench"),
                                                 check_present(tree.open(num_tree // 2), head, "bench"))), 2),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--leaves", type=int, default=20_000, metavar="N", help="true leaves to make")
    parser.add_argument("--tree", type=int, default=1_000_000, metavar="N", help="random leaves to build a tree over")
    arguments = parser.parse_args()
    print(json.dumps(main(arguments.leaves, arguments.tree), indent=2))
