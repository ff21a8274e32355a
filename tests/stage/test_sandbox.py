"""What a stage did not declare it cannot touch, whoever tries: Python, a native reader, a child."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load_file, save_file

from pipeline.schema.errors import BadInput, BrokenContract
from pipeline.stage import confined, network
from pipeline.stage.declared import declared_stage
from pipeline.stage.landlock import TCP_ABI, Right, abi
from pipeline.stage.outputs import output_dir, output_file, work_folder
from pipeline.stage.policy import policy_of
from pipeline.stage.run import run_recorded
from tests.stage.test_run import PARAMS, observation

DVC_YAML = """\
stages:
  made_before:
    cmd: "true"
    deps: [lake]
    outs: [data/before, lineage/made_before: {cache: false}]
  work:
    cmd: "true"
    deps: [data/known, data/known.safetensors, pipeline/known.py]
    params: [env]
    outs: [models/work, models/work.train/metrics.json, lineage/work: {cache: false}]
  online:
    cmd: "true"
    deps: [data/known]
    meta: {network: true, caches: [.cache/kept]}
    outs: [models/work, lineage/online: {cache: false}]
"""
needs_landlock = pytest.mark.skipif(abi() < TCP_ABI, reason="this kernel has no Landlock, or an old one")
pytestmark = needs_landlock


def alone(*values: object) -> object:
    """A parameter set whose test runs in a process of its own."""
    return pytest.param(*values, marks=pytest.mark.alone)


MAKE_TABLE = "import polars as pl; pl.DataFrame({'a': [1, 2]}).write_parquet('table.parquet')"


@pytest.fixture(scope="session")
def table(tmp_path_factory):
    """A Parquet file, written by another process: threads of Polars do not survive the kernel's fork."""
    folder = tmp_path_factory.mktemp("table")
    subprocess.run([sys.executable, "-c", MAKE_TABLE], cwd=folder, check=True)
    return folder / "table.parquet"


@pytest.fixture(scope="session")
def empty_repository(tmp_path_factory):
    """What `dvc init` makes, once."""
    folder = tmp_path_factory.mktemp("repository")
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q", "--no-scm"], cwd=folder, check=True)
    return folder


@pytest.fixture(autouse=True)
def repository(tmp_path, monkeypatch, table, empty_repository):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(empty_repository, tmp_path, dirs_exist_ok=True)
    for path, text in {"dvc.yaml": DVC_YAML, "params.yaml": PARAMS, "lake/a.txt": "raw", "data/known/a.txt": "known",
                       "data/before/part.txt": "before", "pipeline/known.py": "x = 1", "pipeline/unknown.py": "x = 2",
                       "requirements.lock": "torch==2.13.0", "models/other/weights": "other"}.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text)
    for name in ("known", "secret"):
        shutil.copy(table, f"data/{name}.parquet")
        save_file({"w": np.zeros(3, np.float32)}, f"data/{name}.safetensors")
    return tmp_path


def finish() -> None:
    with output_dir(Path("models/work")) as folder:
        (folder / "weights").write_text("trained")
    with output_file(Path("models/work.train/metrics.json")) as scratch:
        scratch.write_text("{}")


def run(act=lambda: None, stage: str = "work") -> None:
    def work() -> None:
        act()
        finish()

    run_recorded(stage, work)


def test_a_stage_that_keeps_to_its_declaration_is_recorded_as_hermetic():
    run(lambda: [Path("data/known/a.txt").read_text(), load_file("data/known.safetensors"), os.listdir("data/known")])
    assert observation("work") == {"hermetic": True, "method": "landlock", "network": "none", "elsewhere": []}
    assert Path("models/work/weights").read_text() == "trained"
    left = sorted(path.as_posix() for path in Path("models").rglob("*") if path.name.startswith("."))
    assert left == []


@pytest.mark.parametrize("read", [
    lambda: Path("data/secret.parquet").read_bytes(),
    alone(lambda: duckdb.sql("select * from 'data/secret.parquet'").fetchall()),
    lambda: load_file("data/secret.safetensors"),
    alone(lambda: pl.read_parquet("data/secret.parquet")),
    alone(lambda: pl.scan_parquet("data/secret.parquet").collect()),
], ids=["python", "duckdb", "safetensors", "polars", "polars lazily"])
def test_an_undeclared_read_fails_with_the_path_and_the_cure(read):
    wanted = r"reads `data/secret\.\w+`.*add `- data/secret\.\w+` to `stages\.work\.deps`"
    with pytest.raises(BrokenContract, match=wanted):
        run(read)
    assert not Path("models/work").exists()
    assert not Path("lineage/work").exists()


def test_an_undeclared_file_inside_an_out_is_cured_by_declaring_the_out():
    with pytest.raises(BrokenContract, match=r"reads `data/before/part.txt`.*add `- data/before` to"):
        run(lambda: Path("data/before/part.txt").read_text())


def test_a_library_that_swallows_the_refusal_does_not_turn_it_into_silence():
    def probe() -> None:
        for read in (lambda: Path("data/secret.parquet").read_bytes(), lambda: os.listdir("data/before")):
            with pytest.raises(PermissionError):
                read()

    with pytest.raises(BrokenContract, match=r"reads `data/before`, reads `data/secret.parquet`"):
        run(probe)
    assert not Path("models/work").exists()


def test_a_glob_that_finds_nothing_because_it_may_not_look_is_named():
    with pytest.raises(BrokenContract, match="reads `data/before`"):
        run(lambda: list(Path("data/before").rglob("*")))


def test_an_error_after_a_swallowed_refusal_names_the_refusal():
    def act() -> None:
        assert list(Path("data/before").glob("*")) == []
        raise BadInput("data/before", "is empty")

    with pytest.raises(BrokenContract, match=r"reads `data/before`.*it then failed: data/before: is empty"):
        run(act)


@pytest.mark.parametrize("err", [KeyError("recall"), ValueError("column 'chars' not found")])
def test_an_error_that_quotes_a_word_is_not_taken_for_a_file_of_that_name(err, capfd):
    def act() -> None:
        raise err

    with pytest.raises(SystemExit):
        run(act)
    assert f"{type(err).__name__}: {err}" in capfd.readouterr().err


@pytest.mark.parametrize(("write", "named"), [
    (lambda: Path("data/new.txt").write_text("x"), "data/new.txt"),
    (lambda: Path("data/known/a.txt").write_text("x"), "data/known/a.txt"),
    (lambda: Path("models/other/weights").write_text("x"), "models/other/weights"),
    (lambda: Path("models/new").mkdir(), "models/new"),
    (lambda: Path("models/other/weights").unlink(), "models/other/weights"),
    (lambda: Path("models/other").rename("models/work"), "models/(other|work)"),
    alone(lambda: pl.DataFrame({"a": [1]}).write_parquet("models/other/table.parquet"), "models/other/table.parquet"),
    (lambda: os.truncate("data/known/a.txt", 0), "data/known/a.txt"),
], ids=["new file", "a dep", "a sibling's out", "new folder", "removal", "rename", "native writer", "truncation"])
def test_an_undeclared_write_fails_with_the_path_and_changes_nothing(write, named):
    before = {path: path.read_bytes() for top in ("data", "models") for path in Path(top).rglob("*") if path.is_file()}
    with pytest.raises(BrokenContract, match=f"writes `{named}`|reads `{named}`"):
        run(write)
    after = {path: path.read_bytes() for top in ("data", "models") for path in Path(top).rglob("*") if path.is_file()}
    assert after == before


def test_a_child_process_is_held_too():
    def act() -> None:
        done = subprocess.run([sys.executable, "-c", "open('data/secret.parquet')"], capture_output=True, text=True)
        if done.returncode:
            raise BadInput("child", done.stderr.splitlines()[-1])

    with pytest.raises(BrokenContract, match="reads `data/secret"):
        run(act)


def test_a_forked_worker_that_swallows_the_refusal_is_named():
    def act() -> None:
        child = os.fork()
        if child == 0:
            try:
                Path("data/secret.parquet").read_bytes()
            finally:
                os._exit(0)
        os.waitpid(child, 0)

    with pytest.raises(BrokenContract, match="reads `data/secret"):
        run(act)


def test_scratch_is_writable_and_gone_afterwards():
    import tempfile

    def act() -> None:
        with tempfile.NamedTemporaryFile("w", delete=False) as stream:
            stream.write("x")
        with work_folder(Path("models/work")) as folder:
            (folder / "shard").write_text(stream.name)
        (Path("models/.work.resume") / "kept").write_text(stream.name)

    run(act)
    assert not Path(Path("models/.work.resume/kept").read_text()).exists()


def test_home_is_a_fresh_folder_so_that_no_cache_of_another_run_is_read():
    real = Path.home()

    def act() -> None:
        assert list(Path.home().iterdir()) == []
        (Path.home() / "cache").write_text("x")
        assert Path.home() != real

    run(act)


def test_code_outside_the_closure_cannot_be_loaded():
    def load(name: str) -> None:
        import importlib.util

        spec = importlib.util.spec_from_file_location("loaded", f"pipeline/{name}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules["loaded"] = module
        spec.loader.exec_module(module)

    run(lambda: load("known"))
    with pytest.raises(BrokenContract, match=r"reads `pipeline/unknown.py`.*`# code` of `stages.work.deps`"):
        run(lambda: load("unknown"))


def test_undeclared_code_that_was_loaded_before_the_work_is_refused(monkeypatch):
    module = type(sys)("loaded_before")
    module.__file__ = str(Path("pipeline/unknown.py").resolve())
    monkeypatch.setitem(sys.modules, "loaded_before", module)
    with pytest.raises(BrokenContract, match=r"reads `pipeline/unknown\.py`"):
        run()


def listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


@pytest.mark.parametrize("native", [False, True], ids=["python", "child"])
def test_the_network_is_closed_to_a_stage_that_does_not_declare_it(native):
    with listener() as server:
        address = server.getsockname()
        code = f"import socket; socket.create_connection({address!r})"

        def act() -> None:
            if native:
                subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
            else:
                socket.create_connection(address)

        with pytest.raises((BrokenContract, SystemExit)) as caught:
            run(act)
        if not native:
            assert f"uses the network: `127.0.0.1:{address[1]}`" in str(caught.value)
            assert "meta: {network: true}" in str(caught.value)
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_an_attempt_to_reach_a_host_is_named_though_the_library_goes_on():
    def act() -> None:
        with pytest.raises(OSError, match=r""):
            socket.create_connection(("192.0.2.1", 443), timeout=1)

    with pytest.raises(BrokenContract, match=r"uses the network: `192\.0\.2\.1:443`"):
        run(act)


def test_a_stage_that_declares_the_network_has_it_and_is_not_called_hermetic():
    with listener() as server:
        def work() -> None:
            socket.create_connection(server.getsockname()).close()
            Path(".cache/kept/x").write_text("kept")
            with output_dir(Path("models/work")) as folder:
                (folder / "weights").write_text("trained")

        run_recorded("online", work)
    assert observation("online") == {"hermetic": False, "method": "landlock", "network": "open", "elsewhere": []}
    assert Path(".cache/kept/x").read_text() == "kept"


def test_work_that_runs_elsewhere_is_not_called_hermetic():
    run(lambda: confined.note_elsewhere("slurm"))
    assert observation("work")["hermetic"] is False
    assert observation("work")["elsewhere"] == ["slurm"]


def test_an_exit_status_comes_out_and_nothing_is_left():
    with pytest.raises(SystemExit) as stopped:
        run(lambda: sys.exit(3))
    assert stopped.value.code == 3
    assert not Path("models/.work.partial").exists()


def test_work_that_ends_without_a_result_is_no_success():
    with pytest.raises(SystemExit, match="ended before its work was done"):
        run(lambda: os._exit(0))


DIES = """\
import os, signal, sys, time
from pathlib import Path
from pipeline.stage.run import run_recorded
signal.signal(signal.SIGINT, signal.default_int_handler)  # a suite run in the background ignores it
def wait():
    while True:  # not signal.pause(): a signal just before it would be waited for in vain
        time.sleep(0.05)
def work():
    Path("models/.work.partial/pid").write_text(str(os.getpid()))
    {act}
run_recorded("work", work)
"""


def start(act: str) -> subprocess.Popen:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen([sys.executable, "-c", DIES.format(act=act)], env=environment,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_signal_that_ends_the_work_ends_the_stage():
    process = start("os.kill(os.getpid(), signal.SIGKILL)")
    _, said = process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert "stage work: ended by SIGKILL" in said


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_stage_ends_the_work(number):
    process = start("print('at work', flush=True); wait()")
    assert process.stdout.readline() == "at work\n"
    worker = int(Path("models/.work.partial/pid").read_text())
    os.kill(process.pid, number)
    assert process.wait() == -number
    handle = os.pidfd_open(worker) if Path(f"/proc/{worker}").exists() else None
    if handle is not None:  # ended when the kernel has delivered the death signal
        import select

        assert select.select([handle], [], [], 30)[0]


def test_workers_that_use_tcp_get_loopback_and_nothing_else():
    if not _in_a_fork(network.loopback_only):
        pytest.skip("this system lets nobody make a network of its own")
    with listener() as server:
        port = server.getsockname()[1]

        def alone() -> bool:
            assert network.loopback_only()
            with socket.create_server(("127.0.0.1", 0)) as own:
                socket.create_connection(own.getsockname()).close()
            try:
                socket.create_connection(("127.0.0.1", port))
            except ConnectionRefusedError:
                return True
            return False

        assert _in_a_fork(alone)


@pytest.mark.parametrize(("world_size", "engine", "network"), [
    (1, "local", "none"), (2, "local", "loopback"), (1, "ray", "open"), (1, "slurm", "open")])
def test_who_gets_which_network(world_size, engine, network):
    Path("execution.yaml").write_text((Path(__file__).parents[2] / "execution.yaml").read_text().replace(
        "engine: local", f"engine: {engine}"))
    declared = declared_stage("work")._replace(
        code=("pipeline/engine/launch.py", "pipeline/engine/executors.py"),
        params={"sft": {"training": {"world_size": world_size, "deepspeed": ""}}})
    assert policy_of(declared, Path("scratch"), Path()).network == network


@pytest.mark.parametrize(("engine", "code", "reached"), [
    ("ray", "pipeline/engine/executors.py", True), ("local", "pipeline/engine/executors.py", False),
    ("ray", "pipeline/known.py", False)])
def test_a_driver_of_ray_reaches_the_sockets_of_its_sessions(engine, code, reached, monkeypatch, tmp_path):
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    Path("execution.yaml").write_text((Path(__file__).parents[2] / "execution.yaml").read_text().replace(
        "engine: local", f"engine: {engine}"))
    policy = policy_of(declared_stage("work")._replace(code=(code,)), Path("scratch"), Path())
    assert policy.allows(str(tmp_path / "ray/session_latest/sockets/raylet"), Right.WRITE_FILE) is reached


DVC_STAGE = """\
import sys
from pathlib import Path
from pipeline.stage.outputs import output_dir
from pipeline.stage.run import run_stage

def main(reader: str, out: Path) -> None:
    if reader == "python":
        Path("data/secret.parquet").read_bytes()
    elif reader == "duckdb":
        import duckdb
        duckdb.sql("select * from 'data/secret.parquet'").fetchall()
    elif reader == "safetensors":
        from safetensors.numpy import load_file
        load_file("data/secret.safetensors")
    with output_dir(out) as folder:
        (folder / "x").write_text(reader)

if __name__ == "__main__":
    run_stage(main, None)
"""
READERS = ("honest", "python", "duckdb", "safetensors")


def test_dvc_repro_fails_at_the_stage_that_reads_one_undeclared_file():
    root = Path(__file__).parents[2]
    shutil.rmtree("pipeline")
    Path("pipeline").symlink_to(root / "pipeline")
    Path("work.py").write_text(DVC_STAGE)
    Path("dvc.yaml").write_text("stages:\n" + "".join(
        f"  {reader}:\n    cmd: {sys.executable} work.py --reader {reader} --out models/{reader}\n    deps: [work.py]\n"
        f"    outs: [models/{reader}, lineage/{reader}: {{cache: false}}]\n" for reader in READERS))
    done = subprocess.run([sys.executable, "-m", "dvc", "repro", "--keep-going"], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(Path.cwd())}, check=False)
    assert done.returncode != 0
    errors = sorted(re.split(" [(]|; ", line)[0] for line in done.stderr.splitlines() if line.startswith("error: "))
    kinds = {"duckdb": "parquet", "python": "parquet", "safetensors": "safetensors"}
    assert errors == [f"error: stage {reader}: reads `data/secret.{kind}`, which dvc.yaml does not declare"
                      for reader, kind in kinds.items()]
    assert [path.name for path in Path("lineage").iterdir()] == ["honest"]


def _in_a_fork(act) -> bool:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if act() else 1
        finally:
            os._exit(status)
    return os.waitpid(child, 0)[1] == 0
