"""The scale presets fit the schemas of the sections they replace, and name files that hold."""

from pathlib import Path

import pytest

from pipeline.engine.launch import read_deepspeed
from pipeline.schema.base import Base
from pipeline.schema.choose_base import ChooseBase
from pipeline.schema.dacpt import Dacpt
from pipeline.schema.dpo import Dpo
from pipeline.schema.pack import Pack
from pipeline.schema.rs_sft import RsSft
from pipeline.schema.sft import Sft
from pipeline.stage.params import load_section, read_yaml

SCHEMAS = {"base": Base, "choose_base": ChooseBase, "pack": Pack, "dacpt": Dacpt, "sft": Sft, "dpo": Dpo,
           "rs_sft": RsSft}
PRESETS = sorted(Path("params").glob("*.yaml"))


def test_there_are_presets():
    assert {path.name for path in PRESETS} >= {"7b-qlora.yaml", "70b-zero3.yaml"}


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)
def test_every_section_of_a_preset_fits_its_schema(preset):
    assert set(read_yaml(preset)) == set(SCHEMAS)
    for section, schema in SCHEMAS.items():
        load_section(schema, section, preset)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)
def test_a_presets_deepspeed_file_agrees_with_its_precision(preset):
    for training in (load_section(Dacpt, "dacpt", preset).training, load_section(Sft, "sft", preset).training,
                     load_section(Dpo, "dpo", preset).training, load_section(RsSft, "rs_sft", preset).training):
        if training.deepspeed:
            read_deepspeed(Path(training.deepspeed), training.precision)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda path: path.stem)
def test_a_presets_rows_are_as_long_as_its_examples(preset):
    assert load_section(Pack, "pack", preset).row_tokens >= load_section(Sft, "sft", preset).training.max_tokens
