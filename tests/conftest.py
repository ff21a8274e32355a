"""Fixtures shared by all tests."""

import os

import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


@pytest.fixture(autouse=True, scope="session")
def _keys_of_the_tests(tmp_path_factory):
    """Records are signed; no test makes a key in the user's own folder."""
    os.environ["PEDIGREE_KEYS"] = str(tmp_path_factory.mktemp("keys"))
