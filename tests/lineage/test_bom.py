"""The parts list is valid CycloneDX 1.6 by the library's own schema, and names what the chain names."""

import json

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from pipeline.lineage.bom import Parts, bom_statement, ml_bom
from pipeline.lineage.chain import Dependency

A, B, C = (letter * 64 for letter in "abc")
PARTS = Parts(
    checkpoint="models/sft", digest=A, files={"adapter_model.safetensors": B, "adapter_config.json": C},
    materials=[Dependency("data/lake", A, "dataset", ""), Dependency("models/base", B, "base", "choose_base"),
               Dependency("models/dacpt", C, "checkpoint", "dacpt")],
    packages={"torch": "2.13.0", "ruamel_yaml": "0.19.1"}, licence="apache-2.0",
    metrics={"perplexity": 9.5, "answered": 1, "intervals": {"perplexity": [9.0, 10.0, 50]}})


def problem(bom: dict) -> object:
    return JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bom))


def test_it_is_valid_cyclonedx():
    assert problem(ml_bom(PARTS)) is None


def test_an_empty_parts_list_is_valid_too():
    assert problem(ml_bom(PARTS._replace(files={}, materials=[], packages={}, metrics={}))) is None


@pytest.mark.parametrize("change", [{"version": "one"}, {"surprise": 1}, {"components": [{"type": "dragon"}]}])
def test_the_validator_would_notice(change):
    assert problem(ml_bom(PARTS) | change) is not None


def test_it_names_base_datasets_packages_and_files_by_digest():
    bom = ml_bom(PARTS)
    model = bom["metadata"]["component"]
    assert [item["name"] for item in model["pedigree"]["ancestors"]] == ["models/dacpt", "models/base"]
    assert model["hashes"] == [{"alg": "SHA-256", "content": A}]
    assert {item["name"]: item["hashes"][0]["content"] for item in model["components"]} == PARTS.files
    assert [item["bom-ref"] for item in bom["components"]] == [
        "data/lake", "pkg:pypi/ruamel-yaml@0.19.1", "pkg:pypi/torch@2.13.0"]
    [answered, perplexity] = model["modelCard"]["quantitativeAnalysis"]["performanceMetrics"]
    assert answered == {"type": "answered", "value": "1"}
    assert perplexity["confidenceInterval"] == {"lowerBound": "9.0", "upperBound": "10.0"}


def test_the_claim_is_about_the_checkpoint():
    assert bom_statement(PARTS)["subject"] == [{"name": "models/sft", "digest": {"sha256": A}}]
