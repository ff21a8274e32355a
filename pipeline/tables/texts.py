"""Texts on disk that are asked for one by one."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import overload

import numpy as np
from numpy.typing import NDArray


class TextFile:
    """Texts end to end in one file, in the order they were added; where each begins is in memory (8 bytes a text)."""

    def __init__(self, path: Path) -> None:
        """`path`: a new file on a disk with room for all texts as they are."""
        self._stream = path.open("xb+")
        self._ends = [0]

    def __enter__(self) -> "TextFile":
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._stream.close()

    def add(self, texts: Iterable[str]) -> None:
        """Put `texts` behind those that are there."""
        for text in texts:
            data = text.encode()
            self._stream.write(data)
            self._ends.append(self._ends[-1] + len(data))

    def __len__(self) -> int:
        return len(self._ends) - 1

    def text(self, place: int) -> str:
        """The text that was added as number `place`, from 0."""
        self._stream.flush()
        start, end = self._ends[place], self._ends[place + 1]
        return os.pread(self._stream.fileno(), end - start, start).decode()


class OrderedTexts(Sequence[str]):
    """Texts of a file in another order, read when asked for: what `near_duplicates` and the like go through."""

    def __init__(self, file: TextFile, order: NDArray[np.int64]) -> None:
        """`order`: for each place here the place in `file`."""
        self.file, self.order = file, order

    def __len__(self) -> int:
        return len(self.order)

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> "OrderedTexts": ...

    def __getitem__(self, place: int | slice) -> "str | OrderedTexts":
        if isinstance(place, slice):
            return OrderedTexts(self.file, self.order[place])
        return self.file.text(int(self.order[place]))
