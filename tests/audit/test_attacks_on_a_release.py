"""A release folder, one thing in it broken, and `pedigree verify` exits 1 naming file and check."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.audit.cli import main
from pipeline.audit.findings import Check
from pipeline.audit.release import Options
from tests.audit.forge import named, put
from tests.clients.release_world import release_of
from tests.world import build_world

STATEMENT = "lineage/dacpt/statement.json"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("original")
    world = build_world(folder / "tree", folder / "keys", own_keys=True)
    return release_of(world, folder / "release", Options())


@pytest.fixture
def release(original: Path, tmp_path: Path) -> Path:
    shutil.copy(original.with_name("producer.pub"), tmp_path)
    shutil.copytree(original, tmp_path / "release")
    return tmp_path / "release"


def verify(release: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = main(["verify", str(release), "--key", str(release.with_name("producer.pub")), "--json", *arguments])
    return code, json.loads(capsys.readouterr().out)


def write(path: str, text: str = "other") -> Callable[[Path], object]:
    return lambda release: put(release / path, text)


def link_out(path: str) -> Callable[[Path], object]:
    def breaks(release: Path) -> None:
        (release / path).unlink()
        (release / path).symlink_to("/etc/hostname")
    return breaks


def stage_of_another_model(release: Path) -> None:
    shutil.copytree(release / "lineage/gate@dacpt", release / "lineage/gate@other")


ATTACKS: list[tuple[str, Callable[[Path], object], Check, str]] = [
    ("edited weights", write("model/model.safetensors"), Check.BYTES, "model/model.safetensors"),
    ("edited chat template", write("model/chat_template.jinja"), Check.BYTES, "model/chat_template.jinja"),
    ("smuggled workflow", write("model/.github/workflow.yml"), Check.FOLDER, "model/.github/workflow.yml"),
    ("edited evaluation", write("evaluation/metrics.json", '{"perplexity": 1.0}'), Check.BYTES,
     "evaluation/metrics.json"),
    ("edited verdict", write("evaluation/gate.json", "{}"), Check.BYTES, "evaluation/gate.json"),
    ("edited card", write("card/README.md"), Check.CARD, "card/README.md"),
    ("extra file in the card", write("card/more.md"), Check.CARD, "card/more.md"),
    ("extra file at the top", write("run-me.sh"), Check.FOLDER, "run-me.sh"),
    ("hidden file at the top", write(".pedigree"), Check.FOLDER, ".pedigree"),
    ("extra file in products", write("products/models/extra.json"), Check.FOLDER, "products/models/extra.json"),
    ("extra evaluation", write("evaluation/better.json"), Check.FOLDER, "evaluation/better.json"),
    ("a base that is nobody's", write("base/model.safetensors"), Check.FOLDER, "base/model.safetensors"),
    ("extra stage", stage_of_another_model, Check.RECORDS, "lineage/gate@other"),
    ("missing stage", lambda release: shutil.rmtree(release / "lineage/choose_base"), Check.CHAIN,
     "lineage/choose_base/statement.json"),
    ("edited statement", lambda release: put(release / STATEMENT, (release / STATEMENT).read_text().replace(
        '"lr": 0.001', '"lr": 0.002')), Check.CHAIN, STATEMENT),
    ("missing manifest of a model", lambda release: (release / "lineage/dacpt/models.dacpt.sha256sums").unlink(),
     Check.MANIFESTS, "lineage/dacpt/models.dacpt.sha256sums"),
    ("missing card file", lambda release: (release / "card/card.json").unlink(), Check.CARD, "card/card.json"),
    ("symlink out of the folder", link_out("evaluation/gate.json"), Check.FOLDER, "evaluation/gate.json"),
    ("symlink in the record", link_out(STATEMENT), Check.RECORDS, STATEMENT),
]


def test_an_untouched_release_holds_and_says_what_it_does_not_show(release, capsys):
    code, answer = verify(release, capsys)
    assert (code, answer["failures"]) == (0, [])
    unseen = {each["artefact"] for each in answer["not_seen"]}
    assert {"data/curate_mix/documents", "manifest of data/curate_mix/documents", "data/lake",
            "models/base", "pipeline/code.py"} <= unseen


@pytest.mark.parametrize(("breaks", "check", "where"), [row[1:] for row in ATTACKS], ids=[row[0] for row in ATTACKS])
def test_attack(release, capsys, breaks, check, where):
    breaks(release)
    code, answer = verify(release, capsys)
    assert code == 1
    assert named(answer, check, where), "\n".join(map(str, answer["failures"]))


def test_a_release_of_somebody_else_is_refused(release, capsys, tmp_path):
    other = build_world(tmp_path / "tree", tmp_path / "keys", own_keys=True)
    assert other.root.is_dir()
    code = main(["verify", str(release), "--key", str(tmp_path / "keys/root.pub"), "--json"])
    assert code == 1
    assert named(json.loads(capsys.readouterr().out), Check.KEYRING, "attestation/keyring.json")


def test_a_folder_without_claims_is_not_checkable(release, capsys):
    (release / "attestation/claims.jsonl").unlink()
    assert main(["verify", str(release), "--key", str(release.with_name("producer.pub"))]) == 2
    assert "claims.jsonl" in capsys.readouterr().err


def test_the_command_needs_neither_torch_nor_dvc_nor_polars(release):
    """In a process of its own, where importing any of them is an error."""
    program = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(['torch', 'dvc', 'polars', 'duckdb', 'pyarrow', 'in_toto', 'transformers'],"
        " None))\n"
        "from pipeline.audit.cli import main\n"
        f"sys.exit(main(['verify', {str(release)!r}, '--deep', '--key', {str(release.with_name('producer.pub'))!r}]))")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].startswith("HOLDS: models/dacpt")
