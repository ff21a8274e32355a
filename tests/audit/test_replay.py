"""`--replay`: a cheap stage is run again elsewhere; other bytes are a failure, what cannot be run is said."""

import json
import shutil
from typing import Any

import pytest

from pipeline.audit.checks import replay
from pipeline.audit.cli import main
from pipeline.audit.findings import Check
from tests.audit.forge import keys, named, put
from tests.world import CHECKPOINT, GATE, THRESHOLDS, World, inside, sign_checkpoint, stage

STAGE = "gate@dacpt"
PRODUCT = "models/dacpt.gate/gate.json"
CODE = "pipeline/stages/gate.py"
VERDICT = json.dumps(GATE)
PROGRAM = f"""\
import json, os, pathlib, sys
assert "PEDIGREE_KEYS" not in os.environ and "DVC_STAGE" not in os.environ
arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
assert json.loads(pathlib.Path("params.yaml").read_text()) == {{"gate": {THRESHOLDS!r}}}
assert pathlib.Path(arguments["--in"]).read_text() == '{{"perplexity": 9.5}}'
out = pathlib.Path(arguments["--out"])
out.parent.mkdir(parents=True)
out.write_text(VERDICT)
"""


def make(world: World, program: str) -> World:
    """The world with a stage `gate` that is a real program."""
    put(world.root / CODE, program)
    with inside(world.root, keys(world)):
        shutil.rmtree(f"lineage/{STAGE}")
        stage(STAGE, ["models/dacpt.eval/metrics.json"], {PRODUCT: VERDICT}, {"gate": THRESHOLDS}, code=CODE)
        sign_checkpoint()
    return world


@pytest.fixture(autouse=True)
def _only_the_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """The world's other stages are no programs."""
    monkeypatch.setattr(replay, "CHEAP", frozenset({"gate"}))


@pytest.fixture
def honest(world: World) -> World:
    return make(world, PROGRAM.replace("VERDICT", repr(VERDICT)))


def verify(world: World, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    code = main(["verify", str(world.root / CHECKPOINT), "--key", str(keys(world) / "root.pub"), "--json", "--replay"])
    return code, json.loads(capsys.readouterr().out)


def unseen(answer: dict[str, Any]) -> str:
    return " ".join(each["why"] for each in answer["not_seen"] if each["artefact"] == f"replay of stage {STAGE}")


def test_a_stage_that_makes_the_same_bytes_again_holds(honest, capsys):
    code, answer = verify(honest, capsys)
    assert (code, answer["failures"]) == (0, [])
    assert answer["held"][Check.REPLAY.value] == 1


def test_nothing_is_left_in_the_tree_or_beside_it(honest, capsys):
    before = sorted(honest.root.parent.rglob("*"))
    verify(honest, capsys)
    assert sorted(honest.root.parent.rglob("*")) == before


def test_attack_a_result_that_the_stage_does_not_make(world, capsys):
    """By all key holders: the record says what the code never wrote. Only running it again tells."""
    forged = make(world, PROGRAM.replace("VERDICT", repr(VERDICT.replace("pass", "regression"))))
    code, answer = verify(forged, capsys)
    assert code == 1
    assert {failure["check"] for failure in answer["failures"]} == {Check.REPLAY.value}
    assert named(answer, Check.REPLAY, PRODUCT)


def test_a_stage_that_fails_when_it_is_run_again_is_named(world, capsys):
    code, answer = verify(make(world, "raise SystemExit('no such file')"), capsys)
    assert code == 1
    assert named(answer, Check.REPLAY, f"lineage/{STAGE}/statement.json")


def test_code_that_is_not_as_it_ran_is_not_run(honest, capsys, tmp_path):
    put(honest.root / CODE, f"open({str(tmp_path / 'ran')!r}, 'w')")
    _, answer = verify(honest, capsys)
    assert unseen(answer) == "its code is not here as it ran"
    assert not (tmp_path / "ran").exists()


def test_a_stage_without_its_materials_is_not_seen(honest, capsys):
    (honest.root / "models/dacpt.eval/metrics.json").unlink()
    _, answer = verify(honest, capsys)
    assert unseen(answer) == "not here as it was read: models/dacpt.eval/metrics.json"


def test_a_stage_that_trains_is_not_seen(honest, capsys):
    _, answer = verify(honest, capsys)
    assert "replay of stage dacpt" in {each["artefact"] for each in answer["not_seen"]}


def test_another_environment_is_not_reproducible_here_and_never_equal(honest, capsys, monkeypatch):
    monkeypatch.setattr(replay, "_other_versions", lambda environment: iter(["polars 9.9.9 (installed: 2.1.0)"]))
    _, answer = verify(honest, capsys)
    assert unseen(answer) == "not reproducible here: polars 9.9.9 (installed: 2.1.0)"
    assert Check.REPLAY.value not in answer["held"]


def test_versions_are_compared_with_what_is_installed():
    from importlib.metadata import version

    installed = {"cryptography": version("cryptography")}
    assert list(replay._other_versions({"python": "3.11", "packages": installed})) == []
    assert list(replay._other_versions({"python": "3.9", "packages": {"no-such-package": "1"}})) == [
        "python 3.9 (running 3.11)", "no-such-package 1 (installed: nothing)"]


@pytest.mark.parametrize("command", [
    "sh -c 'touch x'", "python -c 1", "python -m http.server", "python -m pipeline.stages.dacpt --in a"])
def test_a_command_that_is_not_the_stages_own_is_never_run(honest, command):
    from pipeline.schema.errors import NotVerified
    from pipeline.stage.records import read_record

    record = read_record(honest.root / "lineage" / STAGE)
    with pytest.raises(NotVerified, match="not that of a stage"):
        replay._arguments(record._replace(run=record.run._replace(cmd=command)), "statement")


def test_dotted_parameters_become_sections():
    assert replay.nested({"base.candidates.a": 1, "base.candidates.b": 2, "env": {}}) == {
        "base": {"candidates": {"a": 1, "b": 2}}, "env": {}}

