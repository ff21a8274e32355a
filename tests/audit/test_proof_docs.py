"""Every `pedigree` command printed in docs/prove.md and docs/keyless.md is one the command line accepts."""

import re
import shlex
from pathlib import Path

import pytest

from pipeline.audit.cli import _parser

DOCS = Path(__file__).parents[2] / "docs"


def printed(name: str) -> list[list[str]]:
    text = (DOCS / name).read_text(encoding="utf-8").replace("\\\n", " ")
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("pedigree ")]
    return [shlex.split(line, comments=True)[1:] for line in lines]


@pytest.mark.parametrize(("name", "commands"), [("prove.md", ["prove", "check-proof"]),
                                                ("keyless.md", ["release", "check-keyless", "release"])])
def test_the_pages_commands_are_accepted(name, commands):
    found = printed(name)
    assert [words[0] for words in found] == commands
    for words in found:
        assert callable(_parser().parse_args(words).command)


@pytest.mark.parametrize("name", ["prove.md", "keyless.md"])
def test_the_files_a_page_names_exist(name):
    text = (DOCS / name).read_text(encoding="utf-8")
    for path in re.findall(r"`((?:pipeline|tests|bench)/[\w/]+\.py)`", text):
        assert (DOCS.parent / path).is_file(), path
