"""The commands of docs/verify.md work as printed, and fail on a changed file."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.world import build_world

DOC = Path(__file__).parent.parent / "docs/verify.md"
WORLD = {"models/merged": "models/dacpt", "lineage/merge/models.merged": "lineage/dacpt/models.dacpt",
         "lineage/merge/": "lineage/dacpt/"}
"""The page speaks of the last checkpoint, the tests' world has another."""


def as_in_world(block: str) -> str:
    for page, world in WORLD.items():
        block = block.replace(page, world)
    return block


SHELL = [as_in_world(block) for block in re.findall(r"```sh\n(.*?)```", DOC.read_text(encoding="utf-8"), re.DOTALL)]


@pytest.fixture
def tree(tmp_path):
    world = build_world(tmp_path / "tree", tmp_path / "keys")
    shutil.copy(tmp_path / "keys/key.pub", world.root / "producer.pub")
    return world.root


def run(block: str, tree: Path) -> int:
    return subprocess.run(["bash", "-euc", block], cwd=tree, capture_output=True, check=False).returncode


def test_there_are_three_blocks():
    assert len(SHELL) == 3


@pytest.mark.parametrize("number", range(3))
def test_a_block_holds_on_an_untouched_tree(tree, number):
    assert run(SHELL[number], tree) == 0


@pytest.mark.parametrize(("number", "path"), [
    (0, "models/dacpt/config.json"), (1, "lineage/dacpt/models.dacpt.sha256sums"), (2, "lineage/dacpt/statement.json"),
])
def test_a_block_fails_on_a_changed_file(tree, number, path):
    data = bytearray((tree / path).read_bytes())
    data[0] ^= 1
    (tree / path).write_bytes(bytes(data))
    assert run(SHELL[number], tree) != 0
