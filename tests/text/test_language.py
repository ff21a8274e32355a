"""Language by lid.176."""

from pipeline.text.language import foreign, language_of

ENGLISH = "The settlement desk calls the client before noon and records the answer in the ledger."
DUTCH = "De afdeling afwikkeling belt de klant voor het middaguur en legt het antwoord vast in het grootboek."


def test_languages_are_told_apart():
    assert language_of(ENGLISH, 1000).code == "en"
    assert language_of(DUTCH, 1000).code == "nl"


def test_only_a_sure_answer_makes_a_text_foreign():
    assert foreign(DUTCH, ["en"], 1000, 0.8).code == "nl"
    assert foreign(DUTCH, ["en", "nl"], 1000, 0.8) is None
    assert foreign(DUTCH, ["en"], 1000, 1.0) is None
    assert foreign(ENGLISH, ["en"], 1000, 0.8) is None
