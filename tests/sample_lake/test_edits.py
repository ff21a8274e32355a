from pipeline.sample_lake.authored import Authored, plain_and_pii
from pipeline.sample_lake.blocks import parse, spans
from pipeline.sample_lake.edits import edited, garbled, jaccard, reformatted, truncated

BODY = "# Title\n\n" + "\n\n".join(
    f"Clause {word} of the old book was read aloud in the great hall while rain fell on the {word} roof of the mill. "
    f"Each {word} must then be kept by the harbour clerk in a green box under the {word} stairs of the customs house."
    for word in ("alder", "birch", "cedar", "damson", "elder", "fir", "gorse", "hazel", "ivy", "larch")) + "\n"
DOCUMENT = Authored("POL-001", "policies", "Title", "Desk", "1.0", "2025-01-01", BODY,
                    ({"type": "PERSON", "value": "zzz"},))


def test_stronger_edits_are_less_alike():
    likeness = [jaccard(BODY, edited(DOCUMENT, strength, 7).body) for strength in ("light", "medium", "heavy")]
    assert 1 > likeness[0] > likeness[1] > likeness[2] > 0


def test_an_edit_depends_on_its_seed_alone():
    assert edited(DOCUMENT, "medium", 7) == edited(DOCUMENT, "medium", 7) != edited(DOCUMENT, "medium", 8)


def test_personal_data_that_an_edit_cut_is_not_claimed():
    assert edited(DOCUMENT, "light", 1).pii == ()


def test_jaccard_worked_by_hand():
    # 5-grams of "a b c d e f": {abcde, bcdef}; of "a b c d e g": {abcde, bcdeg}; 1 shared of 3
    assert jaccard("a b c d e f", "a b c d e g") == round(1 / 3, 4)


def test_truncation_keeps_the_beginning():
    assert BODY.startswith(truncated(BODY).rstrip("\n"))


def test_reformatting_changes_dress_and_not_words():
    assert reformatted("## 3 Purpose\n\n- one") == "## PURPOSE\n\n* one"


def test_garbling_spoils_about_the_given_share():
    spoilt = garbled("a" * 2000, 0.3, 5).replace(" ", "")
    assert 0.2 < 1 - spoilt.count("a") / 2000 < 0.4


def test_marked_personal_data_is_planted_and_recorded():
    text, pii = plain_and_pii("Ask {{PERSON|Ann Lee}} at {{PHONE|+1 2}}.")
    assert text == "Ask Ann Lee at +1 2."
    assert pii == ({"type": "PERSON", "value": "Ann Lee"}, {"type": "PHONE", "value": "+1 2"})


def test_the_authors_markdown_in_blocks():
    blocks = parse("# T\n\nOne **two**\nthree\n- a\n- b\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\n1. first")
    assert [block.kind for block in blocks] == ["heading", "paragraph", "bullet", "bullet", "table", "number"]
    assert blocks[4].cells == (("x", "y"), ("1", "2"))
    assert [span.style for span in spans(blocks[1].text)] == ["", "bold", ""]
