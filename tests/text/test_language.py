"""Language by lid.176."""

from pipeline.text import language
from pipeline.text.language import foreign, languages_of, window, window_count

ENGLISH = "The settlement desk calls the client before noon and records the answer in the ledger."
DUTCH = "De afdeling afwikkeling belt de klant voor het middaguur en legt het antwoord vast in het grootboek."


def code_of(text, languages=("en",), windows=3, min_probability=0.8):
    (found,) = foreign([text], languages, 1000, windows, min_probability)
    return found and found.code


def test_languages_are_told_apart():
    assert [one.code for one in languages_of([ENGLISH, DUTCH], 1000)] == ["en", "nl"]
    assert languages_of([], 1000) == []


def test_a_text_is_judged_whatever_stands_beside_it():
    assert languages_of([ENGLISH, "", DUTCH], 50) == [languages_of([text], 50)[0] for text in (ENGLISH, "", DUTCH)]


def test_only_a_sure_answer_makes_a_text_foreign():
    assert code_of(DUTCH) == "nl"
    assert code_of(DUTCH, languages=["en", "nl"]) is None
    assert code_of(DUTCH, min_probability=1.0) is None
    assert code_of(ENGLISH) is None


def test_an_english_cover_hides_no_dutch_contract_and_a_dutch_quotation_spoils_no_english_report():
    contract, report = f"{ENGLISH} " * 12 + f"{DUTCH} " * 60, f"{ENGLISH} " * 60 + f"{DUTCH} " * 12
    assert code_of(contract) == "nl"
    assert code_of(contract, windows=1) is None
    assert code_of(report) is None


def test_half_of_the_windows_are_not_most_of_them():
    assert code_of(f"{DUTCH} " * 10 + f"{ENGLISH} " * 12, windows=2) is None


def test_windows_go_from_the_start_to_the_end_and_a_short_text_has_one():
    def windows_of(text, max_chars, most):
        count = window_count(text, max_chars, most)
        return [window(text, max_chars, number, count) for number in range(count)]

    assert windows_of("abcdefghij", 2, 3) == ["ab", "ef", "ij"]
    assert windows_of("abc", 5, 3) == ["abc"]
    assert windows_of("abc", 2, 3) == ["ab", "bc"]
    assert windows_of("", 2, 3) == [""]


def test_no_window_is_judged_that_cannot_change_the_answer(monkeypatch):
    judged = []

    def judge(parts, max_chars):
        judged.append(list(parts))
        return languages_of(parts, max_chars)

    monkeypatch.setattr(language, "languages_of", judge)
    long_english, long_dutch = f"{ENGLISH} " * 80, f"{DUTCH} " * 80
    assert [one and one.code for one in foreign([long_english, ENGLISH, long_dutch], ["en"], 1000, 3, 0.8)] == [
        None, None, "nl"]
    assert [len(parts) for parts in judged] == [3, 2, 1]
