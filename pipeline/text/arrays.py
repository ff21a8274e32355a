"""Arrays that are added to."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def grown(table: NDArray[Any], rows: int) -> NDArray[Any]:
    """`table` if it has `rows` rows; else with zeros behind it, at least twice as long."""
    more = max(len(table), rows - len(table)) if rows > len(table) else 0
    return np.concatenate([table, np.zeros((more, *table.shape[1:]), table.dtype)]) if more else table
