"""The declaration is true: code deps, names in four places, every material made by somebody."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from pipeline.stage.closure import import_closure
from tests.code_deps import with_code_deps
from tests.dag_picture import dag_svg

ROOT = Path(__file__).parent.parent
UNRECORDED = {"card", "data_card", "attest", "curation_report", "report"}
STAGES = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text())["stages"]
NAMES = sorted(STAGES)


def body(stage: str) -> dict:
    return STAGES[stage].get("do", STAGES[stage])


@pytest.mark.parametrize("stage", NAMES)
def test_code_deps_are_the_import_closure(stage):
    declared = {dep for dep in body(stage)["deps"] if dep.startswith("pipeline/")}
    closure = set(import_closure(Path(f"pipeline/stages/{stage}.py"), ROOT))
    add, drop = sorted(closure - declared), sorted(declared - closure)
    assert (add, drop) == ([], []), f"dvc.yaml, stage {stage}: add {add}, drop {drop} (`make code-deps` does it)"


def test_code_deps_are_as_the_writer_leaves_them():
    text = (ROOT / "dvc.yaml").read_text()
    assert with_code_deps(text, ROOT) == text


@pytest.mark.parametrize("stage", NAMES)
def test_a_stage_has_its_file_its_test_and_its_command(stage):
    assert (ROOT / f"pipeline/stages/{stage}.py").is_file()
    assert (ROOT / f"tests/stages/test_{stage}.py").is_file()
    assert f"python -m pipeline.stages.{stage} " in body(stage)["cmd"] + " "


def test_every_stage_file_is_a_stage():
    files = {path.stem for path in (ROOT / "pipeline/stages").glob("*.py")} - {"__init__"}
    assert files == set(NAMES)


@pytest.mark.parametrize("stage", NAMES)
def test_every_path_of_a_command_is_declared(stage):
    declared = [*body(stage)["deps"], *outs(stage)]
    for flag, value in re.findall(r"--([\w-]+)\s+(\S+)", body(stage)["cmd"]):
        if "/" in value or (value.startswith("${") and "path" in value):
            assert value in declared, f"dvc.yaml, stage {stage}: --{flag} {value} is neither a dep nor an out"


@pytest.mark.parametrize("stage", [name for name in NAMES if name not in UNRECORDED])
def test_a_recorded_stage_writes_its_lineage(stage):
    name = f"{stage}@${{key}}" if "foreach" in STAGES[stage] else stage
    assert f"lineage/{name}" in outs(stage)


def test_nobody_reads_the_truth_of_the_sample_lake():
    readers = [stage for stage in NAMES for dep in body(stage)["deps"] if dep.startswith("data/sample_lake")]
    assert readers == []


def test_package_markers_are_empty():
    full = [str(path) for path in (ROOT / "pipeline").rglob("__init__.py") if path.stat().st_size]
    assert full == [], "a full __init__.py is a hidden dep of every stage"


def test_the_auditors_command_loads_neither_torch_nor_polars():
    code = "import sys, json, pipeline.audit.cli; print(json.dumps(sorted(sys.modules)))"
    modules = json.loads(subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True,
                                        capture_output=True, text=True).stdout)
    assert not {"torch", "transformers", "polars", "dvc"} & set(modules)


def test_imports_go_down_only():
    tool = Path(sys.executable).parent / "lint-imports"
    result = subprocess.run([tool, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


def outs(stage: str) -> list[str]:
    found = []
    for kind in ("outs", "metrics", "plots"):
        for entry in body(stage).get(kind, []):
            found += list(entry) if isinstance(entry, dict) else [entry]
    return found


def test_the_picture_of_the_stages_is_that_of_the_declaration():
    assert dag_svg(ROOT) == (ROOT / "docs/dag.svg").read_text(encoding="utf-8"), "`make dag` draws it again"
