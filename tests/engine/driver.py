"""A driver to be killed: `python -m tests.engine.driver FOLDER`."""

import sys
from pathlib import Path

from pipeline.engine.shards import sharded
from tests.engine.test_resume import ROWS, TWO
from tests.engine.works import WaitsForWord

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    with sharded(WaitsForWord(str(folder / "notes")), ROWS, folder / "out", TWO, "rows"):
        pass
