import gc
import subprocess
import sys

import pytest

from pipeline.stage.lean import frozen, without


def test_a_package_is_not_there_inside_and_there_afterwards(tmp_path, monkeypatch):
    (tmp_path / "heavy_one.py").write_text("weight = 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    with without("heavy_one"), pytest.raises(ImportError):
        import heavy_one
    import heavy_one

    assert heavy_one.weight == 3
    with without("heavy_one"):
        import heavy_one as again
    assert again is heavy_one


def test_it_is_there_again_after_an_error():
    with pytest.raises(ZeroDivisionError), without("no_such_package"):
        _ = 1 / 0
    assert "no_such_package" not in sys.modules


@pytest.mark.parametrize("stage", ["curate_filter", "curate_dedup", "curate_redact", "curate_decontaminate"])
def test_a_worker_of_curation_does_not_load_torch(stage):
    check = f"import sys, pipeline.stages.{stage}; print({{'torch', 'transformers'}} & sys.modules.keys())"
    run = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_the_collector_has_all_again_after_an_error():
    before = gc.get_freeze_count()
    with pytest.raises(ZeroDivisionError), frozen():
        assert gc.get_freeze_count() > before
        _ = 1 / 0
    assert gc.get_freeze_count() == 0
