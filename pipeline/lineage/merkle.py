"""A Merkle tree over sorted leaves: what is in it and what is not can both be shown with a few hashes.

The shape and the hashes are those of Certificate Transparency. Sorted leaves make absence provable:
two leaves with adjacent indices leave no room between them. A tree is named by the sha256 of its
head, which binds the number of leaves and the key they were derived with, besides the root.

Sources: RFC 9162 (and 6962) section 2.1: tree 2.1.1, inclusion proof 2.1.3.1, its check 2.1.3.2.
Pure functions: bytes in, values out.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pipeline.schema.errors import NotVerified

LEAF_BYTES = 32
MAX_DEPTH = 64
"""No tree of documents is deeper; a longer path is not read."""


class Head(NamedTuple):
    """What a statement commits to."""

    size: int
    """Number of leaves."""
    root: bytes
    public_key: bytes
    """Of the function that turned documents into leaves (see `pipeline.lineage.vrf`)."""


class Opened(NamedTuple):
    """One leaf with its way to the root."""

    leaf: bytes
    place: int
    """Its index, from 0."""
    path: list[bytes]
    """Sibling hashes, from the leaf up."""


class Tree:
    """All levels of hashes, kept to make proofs from."""

    def __init__(self, leaves: Iterable[bytes]) -> None:
        """The tree over `leaves`, sorted, each once."""
        self.leaves = sorted(set(leaves))
        level = [leaf_hash(leaf) for leaf in self.leaves]
        self.levels = [level]
        while len(level) > 1:
            level = _parents(level)
            self.levels.append(level)

    @property
    def root(self) -> bytes:
        """The root hash; of no leaves, the hash of nothing."""
        return self.levels[-1][0] if self.leaves else hashlib.sha256().digest()

    def open(self, index: int) -> Opened:
        """Leaf `index` with its path."""
        path, position = [], index
        for level in self.levels[:-1]:
            sibling = position ^ 1
            if sibling < len(level):  # a last node without a sibling moves up unchanged
                path.append(level[sibling])
            position //= 2
        return Opened(self.leaves[index], index, path)

    def find(self, leaf: bytes) -> Opened | None:
        """The leaf with its path; None when it is absent."""
        index = bisect_left(self.leaves, leaf)
        present = index < len(self.leaves) and self.leaves[index] == leaf
        return self.open(index) if present else None

    def surrounding(self, leaf: bytes) -> list[Opened]:
        """The neighbours of an absent leaf, left before right; one at the edge, none in an empty tree."""
        index = bisect_left(self.leaves, leaf)
        return [self.open(near) for near in (index - 1, index) if 0 <= near < len(self.leaves)]


def head_digest(head: Head) -> str:
    """The hex sha256 that stands for the tree in a statement (its `merkleRoot`)."""
    content = b"pedigree tree head v1\x00" + head.size.to_bytes(8, "big") + head.public_key + head.root
    return hashlib.sha256(content).hexdigest()


def leaf_hash(leaf: bytes) -> bytes:
    """RFC 9162: 0x00 marks a leaf, so that no leaf can pose as an inner node."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 9162: 0x01 marks an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def check_present(opened: Opened, head: Head, name: str) -> None:
    """Check that the leaf stands at its index in the tree of `head`.

    Raises:
        NotVerified: it does not.
    """
    if not 0 <= opened.place < head.size:
        raise NotVerified(name, "the leaf's index is outside the tree", wanted=f"below {head.size}",
                          got=str(opened.place))
    if root_of(opened, head.size) != head.root:
        raise NotVerified(name, "the path does not lead from the leaf to the root")


def check_absent(leaf: bytes, near: Sequence[Opened], head: Head, name: str) -> None:
    """Check that `near` leaves no room for `leaf` in the tree of `head`.

    Raises:
        NotVerified: a neighbour is not in the tree, is on the wrong side, or another leaf fits between.
    """
    for opened in near:
        check_present(opened, head, name)
    left = [opened for opened in near if opened.leaf < leaf]
    right = [opened for opened in near if opened.leaf > leaf]
    if len(left) + len(right) != len(near) or len(left) > 1 or len(right) > 1:
        raise NotVerified(name, "the neighbours do not lie on either side of the document's leaf")
    # an edge of the tree counts as a neighbour with the index just outside
    before = left[0].place if left else -1
    after = right[0].place if right else head.size
    if after != before + 1:
        raise NotVerified(name, "the neighbours are not adjacent", wanted=f"index {before + 1}", got=f"index {after}")


def root_of(opened: Opened, size: int) -> bytes | None:
    """The root that the path leads to in a tree of `size` leaves; None when its length cannot be right."""
    position, last = opened.place, size - 1
    found = leaf_hash(opened.leaf)
    for sibling in opened.path:
        if last == 0:
            return None
        if position % 2 or position == last:
            found = node_hash(sibling, found)
            while position and not position % 2:  # levels on which the node moved up unchanged
                position, last = position // 2, last // 2
        else:
            found = node_hash(found, sibling)
        position, last = position // 2, last // 2
    return found if last == 0 else None


def _parents(level: list[bytes]) -> list[bytes]:
    parents = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
    return parents + level[len(level) - len(level) % 2:]
