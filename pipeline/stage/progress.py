"""Progress on stderr. It changes no byte of any output, so no stage lists it as a dep."""

import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def progress(items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
    """Yield `items` unchanged under a progress bar named `what`."""
    # mininterval: logs of a scheduler without a terminal stay short
    interval = 0.2 if sys.stderr.isatty() else 5.0
    yield from tqdm(items, desc=what, total=total, mininterval=interval, file=sys.stderr)


def say(message: str) -> None:
    """One line on stderr."""
    print(message, file=sys.stderr, flush=True)
