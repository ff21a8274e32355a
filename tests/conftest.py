"""Fixtures shared by all tests."""

import os
import subprocess
import sys

import pytest
from hypothesis import settings

from pipeline.stage import confined

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
settings.register_profile("untimed", deadline=None)  # a busy machine fails no test
settings.load_profile("untimed")


@pytest.fixture(autouse=True, scope="session")
def _keys_of_the_tests(tmp_path_factory):
    """Records are signed; no test makes a key in the user's own folder."""
    os.environ["PEDIGREE_KEYS"] = str(tmp_path_factory.mktemp("keys"))


@pytest.fixture(autouse=True)
def _nothing_ran_elsewhere():
    """A process is one stage run, and remembers what it sent to a cluster; a process of tests is many."""
    yield
    confined._ELSEWHERE.clear()


def pytest_pyfunc_call(pyfuncitem):
    """Run a test marked `alone` in a process of its own.

    The kernel forks, and threads that another test started in this process (of Polars, DuckDB) do not
    survive a fork: work that needs them would wait for ever. A stage forks before it uses either.
    """
    if not pyfuncitem.get_closest_marker("alone") or os.environ.get("PYTEST_ALONE"):
        return None
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:xdist", "-W", "ignore", pyfuncitem.nodeid],
        cwd=pyfuncitem.config.rootpath, env={**os.environ, "PYTEST_ALONE": "1", "COLUMNS": "200"}, capture_output=True,
        text=True, check=False)
    if done.returncode:
        pytest.fail(done.stdout + done.stderr, pytrace=False)
    return True
