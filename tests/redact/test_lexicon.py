import pytest

from pipeline.redact.lexicon import load_lexicon, make_lexicon, partly_hidden, save_lexicon
from pipeline.redact.wordlists import word_lists
from pipeline.schema.errors import BadInput

WORDS = [f"word{letter}{other}" for letter in "abcdefghij" for other in "abcdefghij"]
LEXICON = make_lexicon(["Anna Maria"], ["O'Brien", "Ek-Lund"], ["grace and grace, Grace"], ["mark"], ["mark"])


def test_a_word_may_be_on_several_lists_however_it_is_written():
    assert LEXICON.knows("ANNA") == LEXICON.knows("maria") == 0b0001
    assert LEXICON.knows("O'Brien") == LEXICON.knows("Lund") == 0b0010
    assert LEXICON.knows("grace") == 0b0100  # twice in small letters
    assert LEXICON.knows("Mark") == 0b1100
    assert LEXICON.knows("elsewhere") == 0


def test_a_part_of_a_list_is_hidden_and_it_is_always_the_same_part():
    whole = make_lexicon([], [], [], WORDS, WORDS)
    part = partly_hidden(whole, 0.0, 0.3)
    assert 55 <= len(part.seen) <= 85
    assert part == partly_hidden(whole, 0.9, 0.3)
    assert part.common == part.seen  # a word is hidden from all word lists or from none


def test_a_saved_lexicon_is_the_lexicon_and_a_damaged_one_is_refused(tmp_path):
    save_lexicon(LEXICON, tmp_path)
    assert load_lexicon(tmp_path) == LEXICON
    (tmp_path / "lexicon.json").write_text('{"given": []}')
    with pytest.raises(BadInput, match="not a lexicon"):
        load_lexicon(tmp_path)


def test_word_lists_hold_casual_words_and_names_apart():
    lists = word_lists()
    assert {"glad", "tired"} <= set(lists.common)
    assert "Emily" in lists.frequent_given
    assert "Anderson" in lists.frequent_surnames
    assert set(lists.frequent_given) <= set(lists.given)
