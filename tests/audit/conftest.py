"""The world of the attack table, built once and copied for each test."""

import shutil
from pathlib import Path

import pytest

from tests.audit.forge import own
from tests.world import World, build_world


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pristine")
    build_world(folder / "tree", folder / "keys", own_keys=True)
    return folder


@pytest.fixture
def world(pristine: Path, tmp_path: Path) -> World:
    for name in ("tree", "keys"):
        shutil.copytree(pristine / name, tmp_path / name)
    found = World(tmp_path / "tree", None)  # type: ignore[arg-type]
    found.key = own(found, "root")
    return found
