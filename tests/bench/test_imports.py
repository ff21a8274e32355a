import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).resolve().parents[2] / "bench"


@pytest.mark.parametrize("script", sorted(path.stem for path in BENCH.glob("*.py")))
def test_a_bench_finds_what_it_imports(script):
    run = subprocess.run([sys.executable, "-c", f"import {script}"], cwd=BENCH.parent, capture_output=True, text=True,
                         check=False, env={"PYTHONPATH": f"{BENCH}:{BENCH.parent}", "PATH": ""})
    assert run.returncode == 0, run.stderr
