"""Ray with two nodes on this machine; skipped where the `scale` group is not installed."""

import threading
from pathlib import Path

import polars as pl
import pytest

from pipeline.engine.shards import ShardsFailed, gathered, sharded
from pipeline.redact.pseudonyms import PUBLIC_KEY
from pipeline.redact.tagger import save_tagger
from pipeline.schema.curate_decontaminate import CurateDecontaminate
from pipeline.schema.curate_filter import CurateFilter
from pipeline.schema.documents import DOCUMENTS
from pipeline.stage.hashing import hash_artefact
from pipeline.stages.curate_decontaminate import decontaminated
from pipeline.stages.curate_filter import filtered
from pipeline.stages.curate_redact import redact
from pipeline.tables.eval_items import TEXTS
from pipeline.tables.parquet import read_table, write_table
from tests.curation import params, written
from tests.engine.test_resume import ROWS, SQUARES, TWO, killed_driver
from tests.engine.works import DiesOnce, HangsOn, NotesNode, Raises, WaitsForWord, times
from tests.redact.worlds import LEXICON, redact_params, silent_grid
from tests.stages.test_curate_filter import dates, quality, scorer  # noqa: F401
from tests.stages.test_parts import PASSAGE, lake, small_parts  # noqa: F401

ray = pytest.importorskip("ray", reason="the `scale` group is not installed")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    from ray.cluster_utils import Cluster

    settings = {"num_cpus": 1, "object_store_memory": 80 << 20, "include_dashboard": False}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_worker_niceness", "0")  # by default a busy machine leaves its workers next to no time
        started = Cluster(initialize_head=True, head_node_args=settings)
        started.second = started.add_node(**settings)
    yield started
    ray.shutdown()
    started.shutdown()


def run(folder, work, cluster, **changes):
    execution = TWO.model_copy(update={"engine": "ray", "ray_address": cluster.address, **changes})
    with sharded(work, ROWS, folder / "out", execution, "rows", sort={"squares": "n"}) as tables:
        found = gathered(tables)["squares"].sort("n").rows()
        return found, {name: [file.read_bytes() for file in files] for name, files in tables.items()}


@pytest.fixture
def notes(tmp_path):
    (tmp_path / "notes").mkdir()
    return str(tmp_path / "notes")


def test_two_nodes_share_the_work_and_give_the_bytes_of_this_process(tmp_path, notes, cluster):
    work = NotesNode(notes)
    rows, remote = run(tmp_path, work, cluster)
    assert rows == SQUARES
    assert len(list(Path(notes).glob("node-*"))) == 2
    alone = TWO.model_copy(update={"workers": 1, "shards_per_worker": 4})
    with sharded(work, ROWS, tmp_path / "alone", alone, "rows", sort={"squares": "n"}) as tables:
        assert {name: [file.read_bytes() for file in files] for name, files in tables.items()} == remote


def test_a_killed_ray_worker_costs_one_more_try_and_no_row(tmp_path, notes, cluster):
    assert run(tmp_path, DiesOnce(notes), cluster)[0] == SQUARES
    assert [times(notes, first) for first in range(4)] == [1, 1, 1, 2]


def test_work_that_raises_on_a_node_stops_the_run_with_its_reason(tmp_path, notes, cluster):
    with pytest.raises(ShardsFailed, match=r"1 of 4 shards did not finish.*seven is not liked"):
        run(tmp_path, Raises(notes), cluster)


def test_no_log_of_a_node_says_what_work_that_raises_had_in_hand(tmp_path, notes, cluster):
    with pytest.raises(ShardsFailed):
        run(tmp_path, Raises(notes), cluster)
    places = (tmp_path, ".out.resume/*/log/logs/*.log"), (Path(cluster.head_node.get_logs_dir_path()), "worker*")
    said = "".join(log.read_text() for folder, logs in places for log in folder.glob(logs))
    assert "seven is not liked" in said
    assert "text number 7" not in said


@pytest.mark.parametrize("engine", ["local", "ray"])
def test_a_killed_driver_is_resumed_with_what_its_nodes_had_done(tmp_path, notes, cluster, engine):
    killed_driver(tmp_path, cluster.address)
    assert run(tmp_path, WaitsForWord(notes), cluster, engine=engine)[0] == SQUARES
    assert [times(notes, first) for first in range(4)] == [1, 1, 1, 1]
    assert not list(tmp_path.glob(".out*"))


def test_a_lost_node_costs_no_row(tmp_path, notes, cluster):
    found: dict[str, object] = {}
    work = HangsOn(notes, cluster.second.node_id)
    thread = threading.Thread(target=lambda: found.update(rows=run(tmp_path, work, cluster)[0]))
    thread.start()
    while thread.is_alive() and not Path(notes, "hangs").exists():
        thread.join(0.05)
    cluster.remove_node(cluster.second, allow_graceful=False)
    thread.join(120)
    assert found["rows"] == SQUARES
    assert Path(notes, "hangs").exists()


def test_a_stage_on_two_nodes_writes_the_bytes_of_this_process(tmp_path, cluster):
    (tmp_path / "documents").mkdir()
    texts = [f"Staff BW-{number}8213 wrote to ann{number}@firm.example." for number in range(1, 9)]
    rows = [{**dict.fromkeys(DOCUMENTS, ""), "doc_id": str(number), "text": text, "title": None}
            for number, text in enumerate(texts)]
    write_table(pl.DataFrame(rows, schema=DOCUMENTS), tmp_path / "documents", ["doc_id"], DOCUMENTS)
    (tmp_path / "model").mkdir()
    save_tagger(silent_grid(), LEXICON, tmp_path / "model")
    digests = []
    for execution in (TWO, TWO.model_copy(update={"engine": "ray", "ray_address": cluster.address})):
        run = tmp_path / execution.engine
        redact(tmp_path / "documents", tmp_path / "model", *(run / name for name in ("out", "ledger", "spans")),
               redact_params(max_density=1.0), PUBLIC_KEY, execution, tmp_path / f"cache-{execution.engine}")
        digests.append(hash_artefact(run).digest)
    assert read_table(tmp_path / "ray" / "spans").height == 16
    assert digests[0] == digests[1]


def test_a_table_of_many_parts_is_filtered_and_compared_on_two_nodes_as_in_this_process(
        tmp_path, lake, quality, cluster):
    item = {"item_id": "QA-001", "passages": [], "turns": [], "question": "", "answer": "", "text": PASSAGE}
    items = written(tmp_path / "items", pl.DataFrame([item], schema={"item_id": pl.String(), **TEXTS}), "item_id")
    filtering = params(CurateFilter, "curate_filter", default_max_loss=1.0, min_quality=0.0)
    comparing = params(CurateDecontaminate, "curate_decontaminate", default_max_loss=0.5)
    for execution in (TWO, TWO.model_copy(update={"engine": "ray", "ray_address": cluster.address})):
        run = tmp_path / execution.engine
        filtered(lake, *quality, run / "kept", run / "kept-ledger", filtering, execution)
        decontaminated(lake, items, run / "clean", run / "clean-ledger", comparing, execution)
    assert hash_artefact(tmp_path / "local").digest == hash_artefact(tmp_path / "ray").digest
    assert "eval_overlap" in set(read_table(tmp_path / "ray" / "clean-ledger")["reason"])
