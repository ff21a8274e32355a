"""Front matter."""

from pipeline.text.front_matter import split_front_matter


def test_fields_and_body_are_parted_and_quotes_taken_off():
    assert split_front_matter('---\nid: POL-1\nversion: "2.1"\n---\n\n# Title\n---\n') == (
        {"id": "POL-1", "version": "2.1"}, "# Title\n---\n")


def test_a_rule_in_the_text_is_not_front_matter():
    assert split_front_matter("Text\n\n---\na: b\n---\n") == ({}, "Text\n\n---\na: b\n---\n")
