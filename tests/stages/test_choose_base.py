"""Stage choose_base: the better candidate wins whatever its tokenizer, and is copied unchanged."""

import json
from pathlib import Path

import pytest
import torch

from pipeline.lm.load import load_model, load_tokenizer
from pipeline.lm.save import save_model
from pipeline.schema.choose_base import ChooseBase
from pipeline.schema.errors import BadInput
from pipeline.stage.hashing import hash_artefact
from pipeline.stages.choose_base import main
from tests import tiny

PARAMS = ChooseBase(context=64, batch_rows=4, max_documents=4, seed=1)


@pytest.fixture
def bases(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tiny.write_env(tmp_path)
    tiny.write_documents(Path("docs"), tiny.documents())
    better = tiny.write_base(Path("bases/better"))
    model = load_model(better)
    with torch.no_grad():  # sure of the wrong is worse than sure of nothing
        model.get_input_embeddings().weight.mul_(50)
    save_model(model, load_tokenizer(better), Path("bases/a_worse_one"))
    return Path("bases")


def test_the_ranking_is_by_bits_per_byte_with_its_counts(bases):
    main(bases, Path("docs"), Path("out"), Path("ranking.json"), PARAMS)
    ranking = json.loads(Path("ranking.json").read_text())
    assert [entry["candidate"] for entry in ranking["ranking"]] == ["better", "a_worse_one"]
    assert ranking["ranked_by"] == "bits_per_byte"
    assert ranking["documents"] == 4
    assert ranking["ranking"][0]["bytes"] > 0
    assert hash_artefact(Path("out")).entries == hash_artefact(bases / "better").entries


def test_same_inputs_same_bytes(bases):
    for name in ("one", "two"):
        main(bases, Path("docs"), Path(name), Path(f"{name}.json"), PARAMS)
    assert Path("one.json").read_bytes() == Path("two.json").read_bytes()


def test_no_candidate_is_a_sentence_and_leaves_nothing(bases):
    Path("empty").mkdir()
    with pytest.raises(BadInput, match="holds no candidate"):
        main(Path("empty"), Path("docs"), Path("out"), Path("ranking.json"), PARAMS)
    assert not Path("out").exists()
