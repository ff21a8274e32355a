"""The kernel, on a small DVC repository: what it records, and what it refuses."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.schema.errors import BadInput, BrokenContract
from pipeline.stage.env import check_environment
from pipeline.stage.outputs import output_file
from pipeline.stage.run import run_recorded

DVC_YAML = """\
stages:
  first:
    cmd: "true"
    deps: [lake]
    params: [env]
    outs: [made, lineage/first: {cache: false}]
  second:
    cmd: "true"
    deps: [made, pipeline/x.py]
    params: [second]
    outs: [models/second, lineage/second: {cache: false}]
  forgetful:
    cmd: "true"
    deps: [lake]
    outs: [elsewhere]
"""
PARAMS = "env: {python: '3.11', threads: 1, packages: {polars: 2.1.0}}\nsecond: {lr: 0.5}\n"


@pytest.fixture
def repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q", "--no-scm"], check=True)
    for path, text in {"dvc.yaml": DVC_YAML, "params.yaml": PARAMS, "lake/a.txt": "text", "pipeline/x.py": "x = 1",
                       "requirements.lock": "torch==2.13.0"}.items():
        Path(path).parent.mkdir(exist_ok=True)
        Path(path).write_text(text)
    return tmp_path


def make(path: str, text: str = "made") -> None:
    with output_file(Path(path)) as scratch:
        scratch.write_text(text)


def run_both() -> dict:
    run_recorded("first", lambda: make("made"))
    run_recorded("second", lambda: make("models/second", "weights") or {"optimizer": "adamw"})
    return json.loads(Path("lineage/second/statement.json").read_text())


def test_a_run_is_recorded_with_materials_code_params_and_resolved_configuration(repository):
    definition = run_both()["predicate"]["buildDefinition"]
    code, made = definition["resolvedDependencies"]
    assert code["name"] == "code"
    assert (made["name"], made["annotations"]["producer"]) == ("made", "first")
    assert definition["externalParameters"] == {"cmd": "true", "params": {"second": {"lr": 0.5}}, "stage": "second"}
    assert definition["internalParameters"]["resolved"] == {"optimizer": "adamw"}
    assert sorted(path.name for path in Path("lineage/second").iterdir() if path.suffix != ".link") == [
        "code.sha256sums", "models.second.sha256sums", "statement.json"]
    assert len(list(Path("lineage/second").glob("second.*.link"))) == 1


def test_the_same_run_leaves_the_same_bytes_and_no_path_of_this_machine(repository):
    run_both()
    first = {path: path.read_bytes() for path in Path("lineage").rglob("*") if path.is_file()}
    run_both()
    assert {path: path.read_bytes() for path in Path("lineage").rglob("*") if path.is_file()} == first
    assert not any(str(repository).encode() in text for text in first.values())


def test_an_input_that_changes_during_the_run_is_refused(repository):
    reader, writer = os.pipe()
    other = subprocess.Popen([sys.executable, "-c", "import os, pathlib; os.read(int(os.sys.argv[1]), 1);"
                              "pathlib.Path('lake/a.txt').write_text('tex2')", str(reader)], pass_fds=[reader])

    def work() -> None:
        make("made")
        os.write(writer, b".")
        while Path("lake/a.txt").read_text() != "tex2":
            pass

    with pytest.raises(BrokenContract, match="`lake` changed while the stage ran"):
        run_recorded("first", work)
    assert other.wait() == 0
    assert not Path("lineage/first").exists()


def test_an_out_that_was_not_written_is_refused(repository):
    with pytest.raises(BadInput, match="made: does not exist"):
        run_recorded("first", lambda: None)


def test_a_stage_without_its_lineage_among_the_outs_is_refused(repository):
    with pytest.raises(BrokenContract, match="lineage/forgetful"):
        run_recorded("forgetful", lambda: make("elsewhere"))


def test_another_version_than_the_params_name_is_refused(repository):
    check_environment()
    Path("params.yaml").write_text(PARAMS.replace("2.1.0", "2.0.9"))
    with pytest.raises(BadInput, match=r"polars 2.0.9 \(installed: 2.1.0\)"):
        check_environment()


def observation(stage: str) -> dict:
    """How the kernel says it watched `stage`."""
    statement = json.loads(Path("lineage", stage, "statement.json").read_text())
    return statement["predicate"]["buildDefinition"]["internalParameters"]["observation"]
