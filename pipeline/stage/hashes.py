"""Digests of files known from their `stat`, so that an artefact is read once and not once per consumer.

A digest counts for (device, inode, size, mtime, ctime) of the file it was computed from. ctime cannot
be set by a program, so a later change shows, except one that falls into the same tick of the file
system's clock as the stat before it (the "racy git" problem). Hence a digest is kept only when the
file had settled: its times lay longer before the hashing than any clock tick.

Only the kernel uses it, to describe its own run. It is never consulted to verify: `pedigree verify`
reads every byte. A file that another process holds mapped for writing can change without its times
moving at once; a stage's inputs are not writable for the stage itself.
"""

import sqlite3
import threading
import time
from pathlib import Path
from typing import Self

from pipeline.stage.hashing import file_sha256, list_files
from pipeline.stage.progress import say

CACHE = Path(".cache/hashes.sqlite")
TICK_NS = 20_000_000
"""Longest tick of the kernel's file clock (10 ms at 100 Hz), twice."""
COARSE_TICK_NS = 2_000_000_000
"""Where a time has no fraction of a second: file systems that keep whole (or, FAT, even) seconds."""
TABLE = """\
CREATE TABLE IF NOT EXISTS hashes (device INTEGER, inode INTEGER, size INTEGER, mtime INTEGER, ctime INTEGER,
                                   sha256 TEXT, PRIMARY KEY (device, inode)) WITHOUT ROWID"""
FIND = "SELECT sha256 FROM hashes WHERE device = ? AND inode = ? AND size = ? AND mtime = ? AND ctime = ?"
KEEP = "INSERT OR REPLACE INTO hashes VALUES (?, ?, ?, ?, ?, ?)"

Key = tuple[int, int, int, int, int]

_SEEN: dict[Key, str] = {}
"""What this run of the kernel knows; the stage's process inherits it."""


class KnownHashes:
    """Digests by stat, kept in a SQLite file; safe to use from several threads.

    `num_read` counts the files whose bytes were read.
    """

    def __init__(self, path: Path = CACHE) -> None:
        self.new: dict[Key, str] = {}
        self.num_read = 0
        self.table = _opened(path)
        self.lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.table.executemany(KEEP, [(*key, digest) for key, digest in self.new.items()])
        self.table.commit()
        self.table.close()

    def sha256(self, path: Path) -> str:
        """The sha256 of the file at `path`, read only if its stat is not known."""
        key = stat_key(path)
        known = _SEEN.get(key) or self._kept(key)
        if known:
            _SEEN[key] = known
            return known
        now = time.time_ns()
        digest = file_sha256(path)
        with self.lock:
            self.num_read += 1
            if stat_key(path) == key and is_settled(key, now):
                _SEEN[key] = self.new[key] = digest
        return digest

    def _kept(self, key: Key) -> str | None:
        with self.lock:
            row = self.table.execute(FIND, key).fetchone()
        return row[0] if row else None


def seen_sha256(path: Path) -> str:
    """The sha256 of the file at `path`, not read again if the kernel has hashed it for this very run."""
    return _SEEN.get(stat_key(path)) or file_sha256(path)


def settle(outs: list[Path]) -> None:
    """Wait, for one tick at most, until the files of outs just written count as settled."""
    files = [file for out in outs for file in (list_files(out) if out.is_dir() else [out] if out.exists() else [])]
    newest = max((max(stat_key(file)[3:]) for file in files), default=0)
    ahead = newest + TICK_NS - time.time_ns()
    if 0 <= ahead <= TICK_NS:
        time.sleep(ahead / 1e9)


def stat_key(path: Path) -> Key:
    """What a digest is known by."""
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def is_settled(key: Key, now_ns: int) -> bool:
    """Whether a change after `now_ns` would show in the file's times."""
    return all(now_ns - stamp >= (TICK_NS if stamp % 1_000_000_000 else COARSE_TICK_NS) for stamp in key[3:])


def _opened(path: Path) -> sqlite3.Connection:
    """The table at `path`, empty when there is none or it cannot be read."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _with_table(str(path))
    except (OSError, sqlite3.Error) as err:
        say(f"{path}: not usable as a cache ({err}), every file is hashed again")
        return _with_table(":memory:")


def _with_table(name: str) -> sqlite3.Connection:
    table = sqlite3.connect(name, timeout=60, check_same_thread=False)  # hashing threads share it, serialised
    table.execute(TABLE)
    table.commit()
    return table
