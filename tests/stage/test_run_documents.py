"""The kernel records a tree over every table of documents that a stage makes, and over nothing else."""

import json
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import polars as pl
import pytest

from pipeline.schema.errors import BadInput
from pipeline.stage.document_tree import document_roots
from pipeline.stage.outputs import output_dir
from pipeline.stage.run import run_recorded

TABLE, LEDGER = "data/curate_mix/documents", "data/curate_mix/ledger"
DVC_YAML = f"""\
stages:
  curate_mix:
    cmd: "true"
    deps: [lake]
    outs: [{TABLE}, {LEDGER}, lineage/curate_mix: {{cache: false}}]
"""
ROWS = {"doc_id": ["a" * 16, "b" * 16], "raw_sha256": ["a" * 64, "b" * 64], "locator": ["", ""],
        "text": ["Keys are rotated.", "Lunch is at noon."]}


@pytest.fixture(autouse=True)
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q", "--no-scm"], check=True)
    for path, text in {"dvc.yaml": DVC_YAML, "params.yaml": "env: {python: '3.11', threads: 1, packages: {}}\n",
                       "lake/a.txt": "text", "requirements.lock": "polars==2.1.0"}.items():
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).write_text(text)
    return tmp_path


def run(rows: dict[str, list[str]]) -> dict[str, dict]:
    """Subject -> annotations, of a run that makes a table of `rows`."""
    part = BytesIO()  # filled here: Polars' threads do not survive a kernel that forks its work
    pl.DataFrame(rows).write_parquet(part)

    def work() -> None:
        for path in (TABLE, LEDGER):
            with output_dir(Path(path)) as folder:
                (folder / "part-00000.parquet").write_bytes(part.getvalue())

    run_recorded("curate_mix", work)
    statement = json.loads(Path("lineage/curate_mix/statement.json").read_text())
    return {subject["name"]: subject["annotations"] for subject in statement["subject"]}


def test_the_statement_names_the_tree_of_the_table_and_of_nothing_else():
    subjects = run(ROWS)
    assert subjects[TABLE]["merkleRoot"] == document_roots([TABLE])[TABLE]
    assert "merkleRoot" not in subjects[LEDGER]


def test_one_document_more_or_fewer_is_another_tree():
    both = run(ROWS)[TABLE]["merkleRoot"]
    one = run({column: values[:1] for column, values in ROWS.items()})[TABLE]["merkleRoot"]
    assert both != one
    assert run(ROWS)[TABLE]["merkleRoot"] == both


def test_a_table_that_is_none_is_not_recorded():
    with pytest.raises(BadInput, match="not a part of a table of documents"):
        run({"doc_id": ["a"]})
    assert not Path("lineage/curate_mix").exists()
