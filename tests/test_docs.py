"""The commands of docs/verify.md work as printed, and fail on a changed file; the checks it speaks of exist."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.audit import verify
from pipeline.audit.findings import Check
from pipeline.audit.summary import table
from tests.clients.release_world import build_release

ROOT = Path(__file__).parent.parent
DOC = ROOT / "docs/verify.md"
WORLD = {"models.merged": "models.dacpt", "lineage/merge/": "lineage/dacpt/"}
"""The page speaks of the last checkpoint, the tests' world has another."""
PEDIGREE = f'pedigree() {{ PYTHONPATH={ROOT} "{sys.executable}" -m pipeline.audit.cli "$@"; }}\n'
"""The command, installed or not."""


def as_in_world(block: str) -> str:
    for page, world in WORLD.items():
        block = block.replace(page, world)
    return block


SHELL = [as_in_world(block) for block in re.findall(r"```sh\n(.*?)```", DOC.read_text(encoding="utf-8"), re.DOTALL)]


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return build_release(tmp_path_factory.mktemp("release")).parent


@pytest.fixture
def folder(original, tmp_path):
    shutil.copytree(original / "release", tmp_path / "release")
    shutil.copy(original / "producer.pub", tmp_path)
    return tmp_path


def run(block: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["bash", "-euc", PEDIGREE + block], cwd=folder, capture_output=True, text=True, check=False)


def test_there_are_seven_blocks():
    assert len(SHELL) == 7


@pytest.mark.parametrize("number", range(7))
def test_a_block_holds_on_an_untouched_release(folder, number):
    done = run(SHELL[number], folder)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("number", "path"), [
    (0, "model/config.json"), (0, "lineage/curate_mix/statement.json"), (1, "policy.yaml"), (1, "card/README.md"),
    (2, "model/config.json"), (3, "lineage/dacpt/models.dacpt.sha256sums"), (4, "lineage/dacpt/statement.json"),
    (4, "attestation/key.pub"), (5, "attestation/keyring.json"), (5, "attestation/key.pub"),
    (6, "lineage/curate_mix/statement.json"),
])
def test_a_block_fails_on_a_changed_file(folder, number, path):
    data = bytearray((folder / "release" / path).read_bytes())
    place = len(data) // 2
    data[place] = data[place] ^ 1 or 1
    (folder / "release" / path).write_bytes(bytes(data))
    assert run(SHELL[number], folder).returncode != 0


def test_the_checks_are_listed_once_at_the_top_of_the_verifier():
    listed = re.findall(r"^ +(\d+ \w+) {2,}", verify.__doc__ or "", re.MULTILINE)
    assert listed == [check.value for check in Check]


def test_every_check_that_the_threat_model_names_exists_and_every_check_stops_something():
    text = (ROOT / "docs/threat-model.md").read_text(encoding="utf-8")
    named = {int(number) for group in re.findall(r"\((\d+(?:, \d+)*)\)", text) for number in group.split(", ")}
    replay = max(int(check.value.split()[0]) for check in Check)
    assert named | {replay} == {int(check.value.split()[0]) for check in Check}


def test_the_table_in_the_readme_is_that_of_the_committed_run():
    summary = json.loads((ROOT / "report/summary.json").read_text(encoding="utf-8"))
    shown = re.search(r"<!-- table -->\n```\n(.*?)\n```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert shown
    assert shown[1] == table(summary)
