"""A wrong params.yaml is refused with the field, what is wanted and what was found."""

from pathlib import Path

import pytest
from pydantic import Field

from pipeline.schema.errors import BadInput
from pipeline.schema.section import Section
from pipeline.stage.params import load_section


class Tiny(Section):
    lr: float = Field(gt=0)
    names: tuple[str, ...]


def load(tmp_path: Path, text: str) -> Tiny:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    return load_section(Tiny, "tiny", path)


def test_scientific_notation_without_a_point_is_a_number(tmp_path):
    assert load(tmp_path, "tiny: {lr: 2e-5, names: [a]}").lr == pytest.approx(2e-5)


@pytest.mark.parametrize(("text", "said"), [
    ("tiny: {lr: '2e-5', names: [a]}", "`tiny.lr` is wrong"),
    ("tiny: {lr: 1.0, names: [a], learning_rate: 2}", "`tiny.learning_rate` is not a parameter (known: lr, names)"),
    ("tiny: {lr: 1.0}", "`tiny.names` is missing"),
    ("tiny: {lr: -1.0, names: [a]}", "greater than 0"),
    ("other: {}", "section `tiny` is missing"),
    ("tiny: [", "not readable as YAML"),
    ("- 1", "is not a mapping"),
])
def test_a_mistake_is_named(tmp_path, text, said):
    with pytest.raises(BadInput) as raised:
        load(tmp_path, text)
    assert said in str(raised.value)


def test_every_mistake_is_in_one_error(tmp_path):
    with pytest.raises(BadInput) as raised:
        load(tmp_path, "tiny: {lr: x, names: 3}")
    assert "tiny.lr" in str(raised.value)
    assert "tiny.names" in str(raised.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(BadInput, match="no such file"):
        load_section(Tiny, "tiny", tmp_path / "params.yaml")
