"""DVC resolves dvc.yaml; its answer is kept only as long as the files it follows from stay the same."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.schema.errors import BadInput
from pipeline.stage import graph
from pipeline.stage.declared import declared_stage
from pipeline.stage.graph import all_stages

DVC_YAML = """\
stages:
  make:
    foreach: ${rounds}
    do:
      cmd: echo ${key} ${item.lr}
      deps: [lake]
      params: [env, "rounds.${key}"]
      meta: {network: "${item.kind}"}
      outs: ["made/${key}", "lineage/make@${key}": {cache: false}]
"""
PARAMS = "env: {threads: 1}\nrounds: {a: {lr: 0.5, kind: hub}, b: {lr: 1.0e-5, kind: scratch}}\n"


@pytest.fixture(autouse=True)
def repository(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q", "--no-scm"], check=True)
    Path("dvc.yaml").write_text(DVC_YAML)
    Path("params.yaml").write_text(PARAMS)


def never(_):
    raise AssertionError("DVC was asked again")


def test_templates_are_resolved_and_the_answer_is_kept(monkeypatch):
    first = all_stages()
    assert first["make@b"].cmd == "echo b 1e-05"
    assert first["make@b"].params == {"env": {"threads": 1}, "rounds.b": {"lr": 1e-05, "kind": "scratch"}}
    assert (first["make@a"].meta, first["make@b"].meta) == ({"network": "hub"}, {"network": "scratch"})
    monkeypatch.setattr(graph, "_asked", never)
    assert all_stages() == first


@pytest.mark.parametrize(("name", "old", "new"), [("params.yaml", "0.5", "0.6"), ("dvc.yaml", "echo", "print")])
def test_a_changed_file_is_read_again(name, old, new):
    before = all_stages()["make@a"].cmd
    Path(name).write_text(Path(name).read_text().replace(old, new))
    assert all_stages()["make@a"].cmd == before.replace(old, new)


def test_an_answer_that_rests_on_further_files_is_not_kept():
    Path("dvc.yaml").write_text("vars: [more.yaml]\n" + DVC_YAML.replace("${item.lr}", "${more}"))
    Path("more.yaml").write_text("more: 1\n")
    assert all_stages()["make@a"].cmd == "echo a 1"
    Path("more.yaml").write_text("more: 2\n")
    assert all_stages()["make@a"].cmd == "echo a 2"


def test_a_tracked_lake_is_a_root(tmp_path):
    Path("lake").mkdir()
    Path("lake/a.txt").write_text("text")
    subprocess.run([sys.executable, "-m", "dvc", "add", "-q", "lake"], check=True)
    assert declared_stage("make@a").producers == {}


def test_an_unknown_stage_is_named():
    with pytest.raises(BadInput, match="has no stage `gone`"):
        declared_stage("gone")
