"""Prose out of documentation."""

import pytest

from pipeline.text.prose import ProseRules, is_prose, paragraphs, plain, prose

RULES = ProseRules(min_words=12, min_letter_share=0.92, min_function_word_share=0.28, max_code_word_share=0.12)
GOOD = "The values are sorted before they are counted, so that the order in which they came does not matter."


def test_sentences_are_prose():
    assert is_prose(GOOD, RULES)


@pytest.mark.parametrize("bad", [
    "Sort the values.",                                                           # too short
    GOOD.lower(),                                                                 # no capital at the start
    GOOD.removesuffix("."),                                                       # no end
    f"{GOOD} See http for more.",                                                 # a code mark
    "Array dtype shape axis keepdims initial where numpy float integer bool string object void.",   # a list of names
    "The a_b of c.d is 1.5 and x1 or y2 for the e_f in g.h and it is 3.5 of 4.5 to z3.",             # code words
    "The table has 1,234 and 5,678 and 9,012 and 3,456 and 7,890 and 2,345 and 6,789 in all of it.",  # digits
])
def test_what_is_not_sentences_is_not_prose(bad):
    assert not is_prose(bad, RULES)


def test_paragraphs_leave_lists_code_tables_and_headings_out():
    text = f"""{GOOD}

Parameters
----------
x : int
    {GOOD}

* {GOOD}

    indented = code

| a | b |

1. {GOOD}

Two lines
of one paragraph."""
    assert paragraphs(text) == [GOOD, "Two lines of one paragraph."]


def test_inline_markup_keeps_its_words():
    assert plain("See :func:`~numpy.linalg.norm`, :ref:`the guide <guide>` and ``axis``.") == (
        "See norm, the guide and axis.")
    text = "A *good* [link](https://a.example/x) and `another <b.example>`__ [1]_."
    assert plain(text) == "A good link and another ."


def test_prose_is_in_order_of_appearance():
    second = GOOD.replace("values", "names")
    assert prose(f"{GOOD}\n\n- list\n\n{second}", RULES) == [GOOD, second]
