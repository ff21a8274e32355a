"""Small and quick processes: libraries without what they only look for, models that the collector leaves alone."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(*packages: str) -> Iterator[None]:
    """Inside, `packages` cannot be imported, as if they were not installed; those that are loaded already stay.

    spaCy (by thinc) loads torch, and Presidio transformers, to offer recognisers that run on them. Nothing here uses
    those, and they cost every process that redacts or filters seconds and hundreds of megabytes.
    """
    hidden = [package for package in packages if package not in sys.modules]
    sys.modules |= dict.fromkeys(hidden)  # type: ignore[arg-type]  # None: what Python's import takes for "not there"
    try:
        yield
    finally:
        for package in hidden:
            del sys.modules[package]


@contextmanager
def frozen() -> Iterator[None]:
    """Inside, the collector leaves alone what is there now.

    Models and rules stay as long as the work does, and are so many objects that to look through them again and again
    costs more than all else it does.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
