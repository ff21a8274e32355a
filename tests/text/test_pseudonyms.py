"""Pseudonyms are known by their form, which is that of the stage that makes them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.redact.pseudonyms import keyed
from pipeline.text.pseudonyms import PSEUDONYM, without_pseudonyms

KINDS = st.from_regex(r"[A-Z][A-Z_]+", fullmatch=True)


@given(KINDS, st.text(), st.integers(6, 64))
def test_every_pseudonym_that_redaction_makes_is_known(kind, value, digits):
    assert PSEUDONYM.fullmatch(keyed(b"key", digits, kind, value))
    assert PSEUDONYM.fullmatch(f"<{kind}>")


@pytest.mark.parametrize("text", ["a < b > c", "<br>", "<Name>", "x<y_0a1b2c>", "<|im_start|>", "List<T>"])
def test_other_brackets_stay(text):
    assert without_pseudonyms(text) == (text, 0)


def test_a_word_with_a_pseudonym_goes_whole_with_the_blanks_behind_it():
    text = "  Dear <PERSON_1a2b3c4d5e>,\nwrite to mailto:<EMAIL_0a1b2c3d4e>"
    assert without_pseudonyms(text) == ("  Dear write to ", 2)


@given(st.lists(st.sampled_from(["Dear", "<", "<PERSON_1a2b3c4d5e>,", "clerk.", "<IBAN>"])),
       st.sampled_from([" ", "\n\n", "\t"]))
def test_all_other_words_stay_in_order(words, blank):
    text, left_out = without_pseudonyms(blank.join(words))
    kept = [word for word in words if not re.search("PERSON|IBAN", word)]
    assert text.split() == kept
    assert left_out == len(words) - len(kept)
