"""Work for the tests of the engine; in a module of its own, so that other processes can import it."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

import polars as pl


@dataclass(frozen=True)
class Squares:
    """The square of `n`, and a mark in `folder` for every time a shard is worked on."""

    folder: str

    def __call__(self, rows, tick):
        noted(self.folder, rows["n"][0])
        for _ in range(rows.height):
            tick()
        return {"squares": rows.select("n", square=pl.col("n") ** 2)}


@dataclass(frozen=True)
class DiesOnce(Squares):
    """As if the kernel had killed the process for its memory, the first time it meets a 7."""

    def __call__(self, rows, tick):
        if 7 in rows["n"] and not times(self.folder, rows["n"][0]):
            noted(self.folder, rows["n"][0])
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(rows, tick)


@dataclass(frozen=True)
class DiesAlways(Squares):
    """A shard that no machine has the memory for."""

    def __call__(self, rows, tick):
        if 7 in rows["n"]:
            noted(self.folder, rows["n"][0])
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(rows, tick)


@dataclass(frozen=True)
class Raises(Squares):
    """Work that fails of the data."""

    def __call__(self, rows, tick):
        if 7 in rows["n"]:
            refuse(f"text number {7}")
        return super().__call__(rows, tick)


def refuse(text):
    """`text` is what no log may say."""
    raise ValueError("seven is not liked", len(text))


@dataclass(frozen=True)
class NotesNode(Squares):
    """Leaves the name of the Ray node it runs on."""

    def __call__(self, rows, tick):
        node = ray_node()
        if node:
            (Path(self.folder) / f"node-{node}").touch()
        return super().__call__(rows, tick)


@dataclass(frozen=True)
class HangsOn(Squares):
    """On one node every shard hangs, once it has said so in the file `hangs`."""

    node: str

    def __call__(self, rows, tick):
        if ray_node() == self.node:
            (Path(self.folder) / "hangs").touch()
            signal.pause()
        return super().__call__(rows, tick)


@dataclass(frozen=True)
class WaitsForWord(Squares):
    """Stops for good at 7, unless the file `go` is there, and says so in the file `waiting`."""

    def __call__(self, rows, tick):
        if 7 in rows["n"] and not (Path(self.folder) / "go").exists():
            (Path(self.folder) / "waiting").touch()
            signal.pause()
        return super().__call__(rows, tick)


def ray_node():
    """The id of the Ray node this process runs on; "" outside Ray."""
    try:
        import ray
    except ImportError:
        return ""
    return ray.get_runtime_context().get_node_id() if ray.is_initialized() else ""


def noted(folder, first):
    with (Path(folder) / f"shard-{first}").open("ab") as stream:
        stream.write(b".")


def times(folder, first):
    """How often the shard that starts with `first` was worked on."""
    path = Path(folder) / f"shard-{first}"
    return path.stat().st_size if path.exists() else 0
