"""Stage card on a small finished run: sources, states, what it refuses, what it never holds."""

import json
import re
from pathlib import Path

import pytest
from huggingface_hub import ModelCard
from jinja2 import UndefinedError

from pipeline.cards.card import all_fields, problems
from pipeline.cards.render import readme
from pipeline.schema.errors import BadInput, NotVerified
from pipeline.stages.card import main
from tests.cards import world

FACTS = (Path(__file__).parents[2] / "data/card.yaml").read_text()


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    world.build(FACTS)


def card(name="sft", out=None):
    folder = Path(out or f"models/{name}.card")
    main(Path(f"models/{name}"), Path(f"models/{name}.eval/metrics.json"), Path(f"models/{name}.gate/gate.json"),
         Path("lineage"), Path("data/card.yaml"), folder)
    return json.loads((folder / "card.json").read_text()), (folder / "README.md").read_text()


def by_key(found):
    return {field["key"]: field for field in all_fields(found)}


@pytest.mark.usefixtures("run")
def test_every_field_says_where_it_is_from_or_why_it_is_missing():
    found, _ = card()
    for field in all_fields(found):
        if field["state"] == "not_provided":
            assert len(field["reason"]) > 15
            assert field["owner"]
        else:
            assert field["sources"]
            assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in field["sha256"])


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize("name", ["base", "dacpt", "sft", "dpo_1"])
def test_every_checkpoint_gets_a_card_that_its_sources_confirm(name):
    found, text = card(name)
    assert problems(found) == []
    assert f"models/{name}" in text


@pytest.mark.usefixtures("run")
def test_an_edited_number_is_named():
    found, _ = card()
    for key in ("format_adherence", "format_adherence.change", "parameters", "sft.flop", "digest"):
        edited = json.loads(json.dumps(found))
        field = by_key(edited)[key]
        field["value"] = "0" * 64 if key == "digest" else field["value"] + 1
        assert any(problem.startswith(f"{key}: the card says") for problem in problems(edited)), key


@pytest.mark.usefixtures("run")
def test_an_edited_source_is_named():
    found, _ = card()
    path = Path("models/sft.eval/metrics.json")
    path.write_text(path.read_text().replace('"rubric": 0', '"rubric": 9', 1))
    assert any("models/sft.eval/metrics.json" in problem for problem in problems(found))


@pytest.mark.usefixtures("run")
def test_numbers_that_the_lineage_does_not_record_are_refused():
    Path("models/sft.eval/metrics.json").write_text("{}")
    with pytest.raises(NotVerified, match=r"metrics\.json: is not what stage evaluate@sft recorded"):
        card()
    assert not Path("models/sft.card").exists()


@pytest.mark.usefixtures("run")
def test_training_compute_is_six_times_parameters_times_tokens():
    found, _ = card()
    assert by_key(found)["dacpt.flop"]["value"] == 6 * 20 * 1000  # a 4 x 5 matrix, 1000 tokens
    assert by_key(found)["sft.flop"]["value"] == 6 * (20 + 6) * 1000  # and an adapter of 2 x 3 on it


@pytest.mark.usefixtures("run")
def test_missing_human_words_make_a_draft_and_are_printed():
    found, text = card()
    assert found["status"] == "draft"
    assert "review.reviewer" in found["missing"]
    assert "DRAFT, NOT FOR RELEASE" in text
    assert "NOT PROVIDED" in text


def test_a_card_with_every_mandatory_word_is_no_draft(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    world.build(FACTS.replace("review:", 'contact: desk@provider.example\nreview:\n  reviewer: A. Person\n'
                              '  date: "2026-01-02"')
                .replace("eu_ai_act:", "eu_ai_act:\n  provider_determination: not a provider"))
    found, text = card()
    assert (found["status"], found["missing"]) == ("release", [])
    assert "DRAFT" not in text


@pytest.mark.parametrize(("old", "new", "sentence"), [
    ("licence: apache-2.0\nlang", "license: apache-2.0\nlang", "`license`"),
    ("  direct: >-", "  direct: TODO", "placeholder"),
    ("  direct: >-\n    Running", "  direct: >-\n    Compliant with the AI Act. Running", "claims conformity"),
    ("task: interaction support", "task: chatting", "`oecd.task`"),
    ("language: [en]", "language: [no, 3]", "`language.1`"),
])
def test_bad_human_words_are_refused_with_their_field(tmp_path, monkeypatch, old, new, sentence):
    assert old in FACTS
    monkeypatch.chdir(tmp_path)
    world.build(FACTS.replace(old, new, 1))
    with pytest.raises(BadInput) as caught:
        card()
    assert "data/card.yaml" in str(caught.value)
    assert sentence in str(caught.value) or "YAML" in str(caught.value)


@pytest.mark.usefixtures("run")
def test_the_front_matter_is_what_the_hub_reads():
    _, text = card()
    data = ModelCard(text).data
    assert (data.license, data.language, data.library_name, data.base_model_relation) == (
        "apache-2.0", ["en"], "peft", "adapter")
    assert {result.metric_name for result in data.eval_results} >= {"format_adherence", "in_domain_perplexity"}


@pytest.mark.usefixtures("run")
def test_the_card_holds_no_text_of_the_lake_and_no_answer():
    found, text = card()
    assert "PRIVATE TEXT" not in text + json.dumps(found)


@pytest.mark.usefixtures("run")
def test_the_card_claims_no_conformity():
    _, text = card()
    assert "not issued or endorsed by the OECD" in text
    assert not re.search(r"compliant with|certified|conforms to", text)


@pytest.mark.usefixtures("run")
def test_an_undefined_variable_is_an_error_and_not_a_blank():
    found, _ = card()
    del found["facts"]["summary"]
    with pytest.raises(UndefinedError):
        readme(found)


def test_human_words_cannot_smuggle_markup(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    world.build(FACTS.replace("name: Pedigree embedded example", "name: '<script>x</script> | `y`'"))
    _, text = card()
    body = text.split("---", 2)[2]
    assert "<script>" not in body


@pytest.mark.usefixtures("run")
def test_same_inputs_same_bytes():
    assert card(out="one") == card(out="two")
