"""Where the kernel has no Landlock, Python's own opens are refused and the record does not claim more."""

import subprocess
import sys
from pathlib import Path

from tests.stage import test_sandbox

NO_LANDLOCK = """\
import sys
from pathlib import Path
from pipeline.stage import confined
from pipeline.stage.outputs import output_dir
from pipeline.stage.run import run_recorded
confined.abi = lambda: 0
def work():
    {act}
    with output_dir(Path("models/work")) as folder:
        (folder / "weights").write_text("trained")
run_recorded("work", work)
"""
DVC_YAML = """\
stages:
  work:
    cmd: "true"
    deps: [data/known]
    outs: [models/work, lineage/work: {cache: false}]
"""


def run(tmp_path: Path, act: str) -> subprocess.CompletedProcess[str]:
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q", "--no-scm"], cwd=tmp_path, check=True)
    for path, text in {"dvc.yaml": DVC_YAML, "params.yaml": test_sandbox.PARAMS, "data/known/a.txt": "known",
                       "data/secret.txt": "secret", "requirements.lock": "",
                       "work.py": NO_LANDLOCK.format(act=act)}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return subprocess.run([sys.executable, "work.py"], cwd=tmp_path, capture_output=True, text=True, check=False,
                          env={"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/bin:/bin"})


def test_the_record_says_that_it_was_not_hermetic(tmp_path, monkeypatch):
    done = run(tmp_path, "Path('data/known/a.txt').read_text()")
    assert done.returncode == 0, done.stderr
    monkeypatch.chdir(tmp_path)
    assert test_sandbox.observation("work") == {
        "hermetic": False, "method": "audit hooks", "network": "open", "elsewhere": []}


def test_an_undeclared_read_by_python_is_refused_and_named(tmp_path):
    done = run(tmp_path, "Path('data/secret.txt').read_text()")
    assert done.returncode != 0
    assert "reads `data/secret.txt`, which dvc.yaml does not declare" in done.stderr
    assert not (tmp_path / "models/work").exists()


def test_an_undeclared_write_by_python_is_refused_and_named(tmp_path):
    done = run(tmp_path, "Path('data/known/a.txt').write_text('x')")
    assert "writes `data/known/a.txt`" in done.stderr
    assert (tmp_path / "data/known/a.txt").read_text() == "known"
