"""Language by lid.176."""

from pipeline.text import language
from pipeline.text.language import foreign, language_of, windows_of

ENGLISH = "The settlement desk calls the client before noon and records the answer in the ledger."
DUTCH = "De afdeling afwikkeling belt de klant voor het middaguur en legt het antwoord vast in het grootboek."


def test_languages_are_told_apart():
    assert language_of(ENGLISH, 1000).code == "en"
    assert language_of(DUTCH, 1000).code == "nl"


def test_only_a_sure_answer_makes_a_text_foreign():
    assert foreign(DUTCH, ["en"], 1000, 3, 0.8).code == "nl"
    assert foreign(DUTCH, ["en", "nl"], 1000, 3, 0.8) is None
    assert foreign(DUTCH, ["en"], 1000, 3, 1.0) is None
    assert foreign(ENGLISH, ["en"], 1000, 3, 0.8) is None


def test_an_english_cover_hides_no_dutch_contract_and_a_dutch_quotation_spoils_no_english_report():
    contract, report = f"{ENGLISH} " * 12 + f"{DUTCH} " * 60, f"{ENGLISH} " * 60 + f"{DUTCH} " * 12
    assert foreign(contract, ["en"], 1000, 3, 0.8).code == "nl"
    assert foreign(contract, ["en"], 1000, 1, 0.8) is None
    assert foreign(report, ["en"], 1000, 3, 0.8) is None


def test_windows_go_from_the_start_to_the_end_and_a_short_text_has_one():
    assert windows_of("abcdefghij", 2, 3) == ["ab", "ef", "ij"]
    assert windows_of("abc", 5, 3) == ["abc"]
    assert windows_of("abc", 2, 3) == ["ab", "bc"]
    assert windows_of("", 2, 3) == [""]


def test_no_window_is_judged_that_cannot_change_the_answer(monkeypatch):
    judged = []

    def judge(part, max_chars):
        judged.append(part)
        return language_of(part, max_chars)

    monkeypatch.setattr(language, "language_of", judge)
    assert foreign(f"{ENGLISH} " * 80, ["en"], 1000, 3, 0.8) is None
    assert len(judged) == 2
