"""A driver to be killed: `python -m tests.engine.driver FOLDER [RAY_ADDRESS]`."""

import sys
from pathlib import Path

from pipeline.engine.shards import sharded
from tests.engine.test_resume import ROWS, TWO
from tests.engine.works import WaitsForWord

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    on_ray = {"engine": "ray", "ray_address": sys.argv[2]} if len(sys.argv) > 2 else {}
    with sharded(WaitsForWord(str(folder / "notes")), ROWS, folder / "out", TWO.model_copy(update=on_ray), "rows"):
        pass
