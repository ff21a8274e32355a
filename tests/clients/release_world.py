"""A release of the tiny world, and the commands of its own VERIFY.md."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.audit.release import Options, release
from pipeline.lineage.sign import public_pem
from tests.world import CHECKPOINT, World, build_world

ROOT = Path(__file__).parent.parent.parent
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def build_release(folder: Path, options: Options | None = None) -> Path:
    """`folder/release`, with the producer's public key beside it."""
    world = build_world(folder / "tree", folder / "keys")
    return release_of(world, folder / "release", options)


def release_of(world: World, out: Path, options: Options | None = None, checkpoint: str = CHECKPOINT) -> Path:
    """Release a world's checkpoint to `out`."""
    with keys_of(world):
        release(world.root, checkpoint, out, options or Options())
    out.with_name("producer.pub").write_bytes(public_pem(world.key.public_key()))
    return out


@contextmanager
def keys_of(world: World) -> Iterator[None]:
    """The environment in which the world's keys sign."""
    before = os.environ.get("PEDIGREE_KEYS")
    os.environ["PEDIGREE_KEYS"] = str(world.root.parent / "keys")
    try:
        yield
    finally:
        if before is None:
            del os.environ["PEDIGREE_KEYS"]
        else:
            os.environ["PEDIGREE_KEYS"] = before


def commands(folder: Path, title: str) -> list[str]:
    """The shell blocks under a heading of VERIFY.md."""
    text = (folder / "VERIFY.md").read_text(encoding="utf-8")
    section = text.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]
    found = BLOCK.findall(section)
    assert found, f"no commands under {title}"
    return found


def run(folder: Path, title: str, block: int = -1) -> subprocess.CompletedProcess[str]:
    """Run one block of VERIFY.md in a release, with the tools of this environment first and our own command."""
    shim = folder.parent / "bin" / "pedigree"
    shim.parent.mkdir(exist_ok=True)
    shim.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m pipeline.audit.cli "$@"\n')
    shim.chmod(0o755)
    path = os.pathsep.join([str(shim.parent), str(Path(sys.executable).parent), os.environ["PATH"]])
    result = subprocess.run(["sh", "-c", commands(folder, title)[block]], cwd=folder, capture_output=True, text=True,
                            check=False, env=os.environ | {"PATH": path}, timeout=300)
    assert result.returncode not in (126, 127), result.stderr  # no such command is no refusal
    return result


def installed(tool: str) -> bool:
    """Whether a client is there."""
    return (Path(sys.executable).parent / tool).exists() or shutil.which(tool) is not None


def flip(path: Path) -> None:
    """One bit in the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
