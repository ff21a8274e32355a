"""The tree: laws over every small size, and forgeries."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.lineage.merkle import Head, Opened, Tree, check_absent, check_present, head_digest, root_of
from pipeline.schema.errors import NotVerified

KEY = b"\x02" * 33


def leaf(number: int) -> bytes:
    """Leaves two apart, so that each odd number is absent between two."""
    return (2 * number + 2).to_bytes(32, "big")


def tree_of(size: int) -> tuple[Tree, Head]:
    tree = Tree(map(leaf, range(size)))
    return tree, Head(size, tree.root, KEY)


def definition(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162 section 2.1.1, word for word: split at the largest power of two below n."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + definition(leaves[:split]) + definition(leaves[split:])).digest()


@pytest.mark.parametrize("size", range(40))
def test_the_root_is_the_rfcs_definition(size):
    assert tree_of(size)[0].root == definition([leaf(number) for number in range(size)])


def test_known_roots_of_the_certificate_transparency_reference():
    # the tree heads of no leaf and of one empty leaf, as in the CT reference implementation
    assert Tree([]).root.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert Tree([b""]).root.hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"


@given(st.lists(st.binary(min_size=32, max_size=32)), st.randoms())
def test_order_and_repetition_of_leaves_do_not_change_the_tree(leaves, random):
    shuffled = leaves * 2
    random.shuffle(shuffled)
    assert Tree(shuffled).root == Tree(leaves).root


@pytest.mark.parametrize("size", [*range(1, 34), 63, 64, 65, 100])
def test_every_leaf_is_shown_present_and_every_gap_absent(size):
    tree, head = tree_of(size)
    for number in range(size):
        found = tree.find(leaf(number))
        assert found is not None
        check_present(found, head, "proof")
    for number in range(size + 1):
        gap = (2 * number + 1).to_bytes(32, "big")
        assert tree.find(gap) is None
        check_absent(gap, tree.surrounding(gap), head, "proof")


@given(st.sets(st.binary(min_size=32, max_size=32), min_size=1, max_size=60), st.data())
def test_no_present_leaf_can_be_shown_absent(leaves, data):
    """Whatever pair of real leaves a liar picks as neighbours."""
    tree = Tree(leaves)
    head = Head(len(tree.leaves), tree.root, KEY)
    hidden = data.draw(st.sampled_from(tree.leaves))
    picks = data.draw(st.lists(st.integers(0, head.size - 1), max_size=3))
    with pytest.raises(NotVerified):
        check_absent(hidden, [tree.open(pick) for pick in picks], head, "proof")


@given(st.integers(1, 200), st.data())
def test_a_leaf_at_another_index_or_of_another_size_does_not_lead_to_the_root(size, data):
    tree, head = tree_of(size)
    place = data.draw(st.integers(0, size - 1))
    opened = tree.open(place)
    moved = data.draw(st.integers(0, 2 * size).filter(lambda other: other != place))
    with pytest.raises(NotVerified):
        check_present(opened._replace(place=moved), head, "proof")
    other = data.draw(st.integers(1, 400).filter(lambda other: len(tree_of(other)[0].open(0).path) != len(
        tree.open(0).path)))
    assert root_of(opened, other) != head.root


@given(st.integers(1, 100), st.data())
def test_a_forged_leaf_or_a_changed_path_is_refused(size, data):
    tree, head = tree_of(size)
    opened = tree.open(data.draw(st.integers(0, size - 1)))
    forgeries = [opened._replace(leaf=b"\x07" * 32), opened._replace(path=[*opened.path, b"\x07" * 32])]
    if opened.path:
        forgeries += [opened._replace(path=opened.path[:-1]),
                      opened._replace(path=[*opened.path[::-1], b"\x00" * 32]),
                      opened._replace(path=[b"\x07" * 32, *opened.path[1:]])]
    for forged in forgeries:
        with pytest.raises(NotVerified):
            check_present(forged, head, "proof")


def test_an_inner_node_cannot_pose_as_a_leaf():
    tree, head = tree_of(4)
    left, right = tree.levels[0][:2]
    posing = Opened(left + right, 0, [tree.levels[1][1]])
    with pytest.raises(NotVerified):
        check_present(posing, head._replace(size=2), "proof")


def test_neighbours_that_are_not_adjacent_or_on_one_side_are_refused():
    tree, head = tree_of(9)
    gap = (2 * 4 + 1).to_bytes(32, "big")  # between leaves 3 and 4
    for near, why in (([2, 4], "adjacent"), ([3, 5], "adjacent"), ([3], "adjacent"), ([4], "adjacent"),
                      ([], "adjacent"), ([2, 3], "either side"), ([4, 5], "either side"), ([3, 4, 4], "either side")):
        with pytest.raises(NotVerified, match=why):
            check_absent(gap, [tree.open(place) for place in near], head, "proof")


def test_an_empty_tree_lacks_everything_and_a_tree_that_is_not_empty_needs_a_neighbour():
    check_absent(leaf(0), [], tree_of(0)[1], "proof")
    with pytest.raises(NotVerified, match="adjacent"):
        check_absent(leaf(5), [], tree_of(1)[1], "proof")


def test_the_heads_digest_binds_size_root_and_key():
    _, head = tree_of(5)
    others = [head, head._replace(size=6), head._replace(root=b"\x01" * 32), head._replace(public_key=b"\x03" * 33)]
    assert len({head_digest(other) for other in others}) == 4
