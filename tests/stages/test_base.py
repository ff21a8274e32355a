"""Stage base: scratch, hub and local candidates, and what each refuses."""

import json
from pathlib import Path

import pytest
import yaml

from pipeline.lm.load import load_model, load_tokenizer
from pipeline.schema.base import Base, HubBase, LocalBase, ScratchBase
from pipeline.schema.errors import BadInput, NotVerified
from pipeline.stage.hashing import file_sha256, hash_artefact, list_files
from pipeline.stages.base import main
from tests import tiny


@pytest.fixture(autouse=True)
def in_a_project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tiny.write_env(tmp_path)


def scratch() -> Base:
    return Base(candidates={"tiny": ScratchBase(kind="scratch", source="docs", vocab_size=320,
                                                architecture=tiny.SHAPE, training=tiny.training(epochs=2.0))})


def run(params: Base, source: Path, name: str) -> tuple[Path, dict]:
    out, metrics = Path(name), Path(f"{name}.json")
    main(next(iter(params.candidates)), source, out, metrics, params)
    return out, json.loads(metrics.read_text())


def test_a_scratch_base_is_trained_on_the_train_split_alone_and_to_the_same_bytes():
    table = tiny.documents()
    source = tiny.write_documents(Path("docs"), table)
    without_heldout = tiny.write_documents(Path("train"), table.filter(split="train"))
    one, facts = run(scratch(), source, "one")
    two, _ = run(scratch(), without_heldout, "two")
    assert hash_artefact(one).digest == hash_artefact(two).digest
    assert facts["training"]["last_loss"] < facts["training"]["first_loss"]
    assert not list(Path().glob(".*"))  # training state went with success
    assert load_tokenizer(one).chat_template is not None


def local(source: Path, chat: str = "keep") -> Base:
    return Base(candidates={"own": LocalBase(kind="local", source=str(source), licence="Apache-2.0", chat=chat)})


def test_a_local_base_is_copied_byte_for_byte_without_what_lies_beside_it():
    source = tiny.write_base(Path("source"))
    (source / "training_args.log").write_text("host, clock")
    out, facts = run(local(source), source, "out")
    (source / "training_args.log").unlink()
    assert hash_artefact(out).entries == hash_artefact(source).entries
    assert facts["licence"] == "Apache-2.0"


@pytest.mark.parametrize(("missing", "sentence"), [
    ("tokenizer.json", "no tokenizer.json: text cannot be encoded"),
    ("config.json", "no config.json"),
    ("model.safetensors", "no *.safetensors: there are no weights"),
])
def test_a_local_base_that_lacks_a_part_names_it_and_leaves_nothing(missing, sentence):
    source = tiny.write_base(Path("source"))
    (source / missing).unlink()
    with pytest.raises(BadInput) as refusal:
        run(local(source), source, "out")
    assert sentence in str(refusal.value)
    assert not Path("out").exists()
    assert not Path("out.json").exists()


def test_a_local_base_that_asks_for_code_of_its_own_is_refused():
    source = tiny.write_base(Path("source"))
    settings = json.loads((source / "config.json").read_text())
    (source / "config.json").write_text(json.dumps({**settings, "auto_map": {"AutoModel": "x.Y"}}))
    with pytest.raises(BadInput, match="code of its own"):
        run(local(source), source, "out")


def test_a_base_without_a_chat_template_can_adopt_ours():
    source = tiny.write_base(Path("source"))
    (source / "chat_template.jinja").unlink()
    settings = json.loads((source / "tokenizer_config.json").read_text())
    (source / "tokenizer_config.json").write_text(json.dumps(settings))
    out, _ = run(local(source, chat="chatml"), source, "out")
    assert "generation" in str(load_tokenizer(out).chat_template)
    assert len(load_model(out).generation_config.eos_token_id) == 2


def pin(served: Path, **changed: str) -> Path:
    files = {path.relative_to(served).as_posix(): file_sha256(path) for path in list_files(served)}
    Path("pin.yaml").write_text(yaml.safe_dump({"pin": {
        "repo": "owner/model", "revision": "a" * 40, "licence": "Apache-2.0", "files": {**files, **changed}}}))
    return Path("pin.yaml")


@pytest.fixture
def hub(monkeypatch):
    """A hub that serves one folder; returns it."""
    served = tiny.write_base(Path("served"))

    def serve(repo, revision, allow_patterns, local_dir):
        assert (repo, revision) == ("owner/model", "a" * 40)
        for name in allow_patterns:
            if (served / name).is_file():
                (Path(local_dir) / name).write_bytes((served / name).read_bytes())

    monkeypatch.setattr("pipeline.lm.hub.snapshot_download", serve)
    return served


def hub_base() -> Base:
    return Base(candidates={"hub": HubBase(kind="hub", source="pin.yaml", chat="keep")})


def test_a_hub_base_is_what_the_pin_names_and_its_licence_is_recorded(hub):
    out, facts = run(hub_base(), pin(hub), "out")
    assert hash_artefact(out).entries == hash_artefact(hub).entries
    assert facts["licence"] == "Apache-2.0"
    assert facts["revision"] == "a" * 40
    assert not list(Path().glob(".*"))


def test_bytes_that_differ_from_the_pin_are_refused_by_name(hub):
    wrong = pin(hub, **{"config.json": "0" * 64})
    with pytest.raises(NotVerified, match=r"config\.json: pinned 0000"):
        run(hub_base(), wrong, "out")
    assert not Path("out").exists()
    assert not list(Path().glob(".*"))


def test_a_file_the_hub_does_not_hold_is_named(hub):
    with pytest.raises(BadInput, match=r"does not hold \['LICENSE'\]"):
        run(hub_base(), pin(hub, LICENSE="0" * 64), "out")


@pytest.mark.parametrize("name", ["pytorch_model.bin", "weights.pt", "x.pkl", "modeling.py", "../escape.json"])
def test_a_pin_never_names_pickles_code_or_a_path_outside(hub, name):
    with pytest.raises(BadInput, match="never fetched"):
        run(hub_base(), pin(hub, **{name: "0" * 64}), "out")


def test_an_unknown_candidate_is_named():
    with pytest.raises(BadInput, match="has no `other`"):
        main("other", Path("docs"), Path("out"), Path("out.json"), scratch())


def test_a_tokenizer_that_cannot_end_a_document_is_refused():
    source = tiny.write_base(Path("source"))
    settings = json.loads((source / "tokenizer_config.json").read_text())
    (source / "tokenizer_config.json").write_text(json.dumps({**settings, "eos_token": None}))
    with pytest.raises(BadInput, match="no end-of-text token"):
        run(local(source), source, "out")
    assert not Path("out").exists()
