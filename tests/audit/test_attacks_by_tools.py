"""Attacks that need more than an edited file: another tool, a running stage, a second signer."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.audit.findings import Check
from pipeline.lineage.manifest import sha256
from pipeline.schema.errors import BrokenContract
from pipeline.stage.outputs import output_file
from pipeline.stage.run import run_recorded
from tests.audit.forge import edit_layout, named, put, reattest, relink, two_trainers, verify
from tests.world import World, build_world

_PREFIX, _REST = "d131dd02c5e6eec4693d9a0698aff95c2fcab5", (
    "712467eab4004583eb8fb7f8955ad340609f4b30283e4888325", "1415a085125e8f7cdc99fd91dbd",
    "280373c5bd8823e3156348f5bae6dacd436c919c6dd53e2", "487da03fd02396306d248cda0e99f33420f577ee8ce54b67080",
    "80d1ec69821bcb6a8839396f965", "b6ff72a70")
WANG = [bytes.fromhex(_PREFIX + "".join(map("".join, zip(digits, _REST, strict=True))))
        for digits in ("87fba2", "0f732a")]
"""Two blocks of 128 bytes with one md5. Source: Wang, Feng, Lai and Yu 2004, IACR ePrint 2004/199."""


def dvc(world: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "dvc", *arguments], cwd=world.root, capture_output=True, text=True,
                          check=False)


def test_the_two_blocks_of_wang_have_one_md5_and_two_sha256():
    assert WANG[0] != WANG[1]
    assert [len(block) for block in WANG] == [128, 128]
    assert {hashlib.md5(block, usedforsecurity=False).hexdigest() for block in WANG} == {
        "79054025255fb1a26e4bc422aef54eb4"}
    assert len({sha256(block) for block in WANG}) == 2


def test_attack_md5_twin_of_a_lake_file(tmp_path, capsys):
    """DVC calls the lake unchanged; we do not."""
    twins = [block + b"Keys are rotated every quarter.\n" for block in WANG]
    world = build_world(tmp_path / "tree", tmp_path / "keys", own_keys=True, lake={"policy.bin": twins[0]})
    assert dvc(world, "init", "--no-scm", "-q").returncode == 0
    assert dvc(world, "add", "-q", "data/lake").returncode == 0
    (world.root / "data/lake/policy.bin").unlink()
    (world.root / "data/lake/policy.bin").write_bytes(twins[1])
    assert "up to date" in dvc(world, "status").stdout
    code, answer = verify(world, capsys, "--deep")
    assert code == 1
    assert named(answer, Check.BYTES, "data/lake")


@pytest.fixture
def remote(world: World) -> Path:
    """The world's dataset pushed to a DVC remote, the local copies gone; returns the object of the shard."""
    shard = "data/curate_mix/documents/part-00000.parquet"
    for command in (["init", "--no-scm", "-q"], ["remote", "add", "-d", "store", str(world.root.parent / "store")],
                    ["add", "-q", shard], ["push", "-q"]):
        assert dvc(world, *command).returncode == 0, command
    shutil.rmtree(world.root / ".dvc/cache")
    (world.root / shard).unlink()
    [stored] = [path for path in (world.root.parent / "store").rglob("*") if path.is_file()]
    return stored


def poison(stored: Path) -> None:
    """Overwrite an object, its mode kept: DVC trusts a read-only object of a folder without looking."""
    mode = stored.stat().st_mode
    stored.chmod(0o644)
    stored.write_text("poison")
    stored.chmod(mode)


def test_attack_overwritten_object_in_a_dvc_remote(world, remote, capsys):
    """`dvc pull` takes it and `dvc status` is content; check 12 names the file, check 16 the remote."""
    poison(remote)
    assert dvc(world, "pull", "-q").returncode == 0
    assert "up to date" in dvc(world, "status").stdout
    assert (world.root / "data/curate_mix/documents/part-00000.parquet").read_text() == "poison"
    code, answer = verify(world, capsys, "--deep")
    assert code == 1
    assert named(answer, Check.BYTES, "data/curate_mix/documents/part-00000.parquet")
    assert named(answer, Check.REMOTES, ".dvc/config: remote")


def test_a_remote_that_is_verified_gives_no_overwritten_object(world, remote, capsys):
    poison(remote)
    assert dvc(world, "remote", "modify", "store", "verify", "true").returncode == 0
    assert dvc(world, "pull", "-q").returncode != 0
    _, answer = verify(world, capsys)
    assert not named(answer, Check.REMOTES, ".dvc/config")


def test_attack_dvc_commit_of_code_that_was_never_run(world, capsys):
    """`dvc commit` makes dvc.lock agree with code that made nothing; the record still names what ran."""
    stage = {"cmd": "false", "deps": ["pipeline/code.py"], "outs": ["data/curate_mix/documents"]}
    put(world.root / "dvc.yaml", json.dumps({"stages": {"curate_mix": stage}}))
    assert dvc(world, "init", "--no-scm", "-q").returncode == 0
    put(world.root / "pipeline/code.py", "print('never run')")
    assert dvc(world, "commit", "-q", "-f").returncode == 0
    assert "up to date" in dvc(world, "status").stdout
    code, answer = verify(world, capsys)
    assert code == 1
    assert named(answer, Check.CODE, "pipeline/code.py")


def test_attack_change_of_an_input_while_a_stage_runs(tmp_path, monkeypatch):
    """Hashed, exchanged, read: the kernel refuses the run and names the file; no record is written."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PEDIGREE_KEYS", str(tmp_path.with_name("keys-of-the-kernel")))
    stage = {"cmd": "true", "deps": ["lake"], "params": ["env"], "outs": ["made", {"lineage/first": {"cache": False}}]}
    for path, text in {"dvc.yaml": json.dumps({"stages": {"first": stage}}), "lake/a.txt": "text",
                       "params.yaml": "env: {python: '3.11', threads: 1, packages: {}}",
                       "requirements.lock": ""}.items():
        put(Path(path), text)
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q", "--no-scm"], check=True)

    reader, writer = os.pipe()
    attacker = subprocess.Popen([sys.executable, "-c", "import os, pathlib; os.read(int(os.sys.argv[1]), 1); "
                                 "pathlib.Path('lake/a.txt').write_text('evil')", str(reader)], pass_fds=[reader])

    def work() -> None:
        with output_file(Path("made")) as scratch:
            scratch.write_text("made")
        os.write(writer, b".")
        while Path("lake/a.txt").read_text() != "evil":
            pass

    with pytest.raises(BrokenContract, match="`lake` changed while the stage ran"):
        run_recorded("first", work)
    assert attacker.wait() == 0
    assert not Path("lineage/first").exists()


def test_a_threshold_of_two_met_by_two_holds(world, capsys):
    """The row above with the second signature: it fails for no other reason."""
    second = two_trainers(world)
    for stage in ("dacpt", "base@tiny", "choose_base"):
        [link] = (world.root / "lineage" / stage).glob("*.link")
        kept = link.read_bytes()
        relink(world, stage, second)
        link.write_bytes(kept)
    reattest(world)
    edit_layout(world, lambda layout: [step.update(threshold=2) for step in layout["steps"]
                                       if step["name"] in ("dacpt", "base@tiny", "choose_base")])
    code, answer = verify(world, capsys)
    assert (code, answer["failures"]) == (0, [])
