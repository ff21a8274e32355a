import re

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from pipeline.redact.analyse import Analyser
from pipeline.redact.recognisers import FLAGS
from pipeline.redact.visible import ASCII_TWINS, plain, shape, visible
from tests.redact.worlds import redact_params, silent_tagger


@given(st.text())
def test_the_plain_form_is_as_long_and_the_visible_form_leads_back(text):
    assert len(plain(text)) == len(text)
    seen = visible(text)
    for place, letter in enumerate(seen.text):
        start, _ = seen.original(place, place + 1)
        assert text[start] == letter


@given(st.text())
def test_the_shape_is_ascii_and_as_long(text):
    seen = shape(text)
    assert len(seen) == len(text)
    assert seen.isascii()
    assert all((one == "a") == letter.isalpha() for one, letter in zip(seen, text, strict=True))
    assert all((one == "0") == letter.isdecimal() for one, letter in zip(seen, text, strict=True))


@pytest.mark.parametrize("letter", [letter for letter in map(chr, range(128, 0x11000))
                                    if regex.fullmatch("[a-z]", letter, FLAGS) or re.fullmatch("[a-z]", letter, re.I)])
def test_a_letter_that_passes_for_a_latin_one_without_regard_to_capitals_is_made_that_letter(letter):
    assert re.fullmatch("[A-Za-z]", plain(letter))


def test_twins_are_single_ascii_characters():
    assert all(len(twin) == 1 and twin.isascii() for twin in ASCII_TWINS.values())


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("４１１１ 1111 1111 1111", "CREDIT_CARD"),
        ("4111\u200b1111\u200b1111\u200b1111", "CREDIT_CARD"),
        ("+44\u2011131\u2011496\u20110182", "PHONE"),
        ("+44\u00a0131\u00a0496\u00a00182", "PHONE"),
        ("+٤٤ ١٣١ ٤٩٦ ٠١٨٢", "PHONE"),
        ("ВW-48213", "EMPLOYEE_CODE"),  # a Cyrillic letter
        ("BW\u201348213", "EMPLOYEE_CODE"),
        ("a\u00adnn@firm.example", "EMAIL"),
        ("GB82 WEST 1234 5698 7654 З2".replace("З", "3"), "IBAN"),
    ],
)
def test_a_disguised_value_is_found_whole_in_its_own_places(value, kind):
    text = f"the value {value} was disguised"
    (find,) = Analyser(silent_tagger(), redact_params()).found([text])[0]
    assert (text[find.start : find.end], find.kind) == (value, kind)


def test_a_name_in_another_script_is_not_mistaken_for_a_code():
    assert Analyser(silent_tagger(), redact_params()).found(["Рената Ковальчук и Μαρία"]) == [[]]
