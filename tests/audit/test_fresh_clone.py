import json
import shutil

import pytest
from dvc.repo import Repo

from pipeline.audit.fresh_clone import main
from pipeline.lineage.metablock import keyid
from pipeline.stage.keys import make_key

DVC_YAML = """
stages:
  make:
    cmd: echo made > made && mkdir -p lineage/make && cp link lineage/make/make.link
    outs: [made, lineage/make: {cache: false}]
  judge:
    cmd: cat made > judged && mkdir -p lineage/judge && cp link lineage/judge/judge.link
    deps: [made]
    outs: [judged: {cache: false}, lineage/judge: {cache: false}]
"""


@pytest.fixture
def clone(tmp_path, tmp_path_factory, monkeypatch):
    """What somebody whose key is in `link` has committed, and nothing that DVC caches."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PEDIGREE_KEYS", str(tmp_path_factory.mktemp("keys")))
    (tmp_path / "link").write_text(json.dumps({"signatures": [{"keyid": "ab" * 32, "sig": ""}], "signed": {}}))
    (tmp_path / "dvc.yaml").write_text(DVC_YAML)
    Repo.init(no_scm=True).reproduce()
    (tmp_path / "made").rename(tmp_path / "cached-away")
    shutil.move(tmp_path / ".dvc/cache", tmp_path / "cache-away")
    return tmp_path


def test_a_record_by_another_key_goes_where_dvc_would_run_nothing(clone, capsys):
    main()
    assert not (clone / "lineage/judge").exists()
    assert (clone / "lineage/make").exists()  # its stage runs anyhow
    assert "judge" in capsys.readouterr().err
    Repo(".").reproduce()
    assert (clone / "lineage/judge/judge.link").exists()


def test_it_stays_when_it_bears_this_machines_key(clone):
    own = keyid(make_key("key").public_key())
    link = clone / "lineage/judge/judge.link"
    link.write_text(link.read_text().replace("ab" * 32, own))
    main()
    assert (clone / "lineage/judge").exists()


@pytest.mark.parametrize("there", ["made", ".dvc/cache"])
def test_it_stays_when_results_are_there_of_which_it_is_a_part(clone, there):
    shutil.move(clone / {"made": "cached-away", ".dvc/cache": "cache-away"}[there], clone / there)
    main()
    assert (clone / "lineage/judge").exists()
