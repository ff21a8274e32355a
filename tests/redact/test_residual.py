import random

import pytest

from pipeline.redact.analyse import Found
from pipeline.redact.generate import Labelled, Lists
from pipeline.redact.residual import load_plants, make_plants, planted, residual, save_plants
from pipeline.schema.errors import BadInput

LISTS = Lists(["Ann", "Bo"], ["Lee", "Ek"], ["ask {FULL} at {phone}", "nothing here"], {"town": ["Leeds"]}, [])


def test_a_plant_stands_behind_a_paragraph_with_its_spans_moved():
    (one,) = planted([Labelled("ask Ann", [(4, 7, "PERSON")])], ["A paragraph."])
    assert one.text == "A paragraph. ask Ann"
    assert [one.text[start:end] for start, end, _ in one.spans] == ["Ann"]


def test_where_plants_stand_does_not_depend_on_the_order_of_paragraphs():
    plants, paragraphs = make_plants(LISTS, 1, 5), [f"paragraph {number}" for number in range(9)]
    shuffled = random.Random(0).sample(paragraphs, 9)
    assert planted(plants, paragraphs) == planted(plants, shuffled) == planted(plants, paragraphs * 2)


def test_every_plant_has_something_to_find_and_telephone_numbers_count():
    plants = make_plants(LISTS, 1, 5)
    assert [{kind for _, _, kind in plant.spans} for plant in plants] == [{"PERSON", "PHONE"}] * 5


def test_templates_without_personal_data_are_no_plants():
    with pytest.raises(BadInput, match="too little personal data"):
        make_plants(LISTS._replace(templates=["nothing here"]), 1, 5)


def test_the_share_that_stays_worked_by_hand():
    texts = [Labelled("ask Ann or Bo", [(4, 7, "PERSON"), (11, 13, "PERSON")]), Labelled("+44 1", [(0, 5, "PHONE")])]
    answer = residual(texts, lambda _: [[Found(4, 7, "PERSON", "tagger", 0.9)], [Found(0, 5, "PHONE", "x", 0.9)]])
    assert answer == {"planted": 3, "stay": 1, "share": 0.3333, "share_by_type": {"PERSON": 0.5, "PHONE": 0.0}}


def test_saved_plants_are_the_plants_and_a_damaged_file_is_refused(tmp_path):
    plants = make_plants(LISTS, 1, 5)
    save_plants(plants, tmp_path)
    assert load_plants(tmp_path) == plants
    (tmp_path / "plants.jsonl").write_text('{"text": 1}\n')
    with pytest.raises(BadInput, match="not readable"):
        load_plants(tmp_path)
