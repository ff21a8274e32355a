"""What a document of each kind offers."""

from pipeline.text.answers import REFUSAL
from pipeline.text.examples import Limits, clip, find_examples, key_sentence, passage_around
from pipeline.text.outline import Span, sentences

LIMITS = Limits(passage_chars=200, question_chars=160, answer_chars=100, min_answer_chars=10)

PLAYBOOK = """# Alert Playbook

## 1 Late alert
**Scenario:** An alert arrives after hours.

**Required action:** Call the duty lead within ten minutes. Then write.

**Justification:** ORC 7 counts minutes, not shifts. It is strict.
"""

TICKET = """# Quayside

**Question:** Why was my vote refused?

**Resolution:** The desk looked. Votes must arrive before 12:00 on the third day. We are sorry.
"""

TEMPLATE = """# Breach Notice

## Purpose
This notice must leave within a day.

## Template
Dear [name], a breach of [rule] occurred.

## Worked example
Dear Sir, a breach of CAR 4.2 occurred on 3 May.
"""


def found(text, title=""):
    return [(one, text[one.passage.start:one.passage.end]) for one in find_examples("d", text, title, LIMITS, seed=1)]


def test_a_playbook_gives_action_and_justification_in_one_passage():
    [(one, passage)] = found(PLAYBOOK)
    assert one.kind == "playbook"
    assert "An alert arrives after hours." in one.question
    assert one.answer.text == "Call the duty lead within ten minutes."
    assert one.answer.justification == "ORC 7 counts minutes, not shifts."
    assert passage.startswith("Call the duty lead")
    assert passage.endswith("not shifts.")


def test_a_resolved_question_gives_the_rule_of_its_resolution():
    [(one, passage)] = found(TICKET)
    assert (one.kind, one.answer.text) == ("resolved_qa", "Votes must arrive before 12:00 on the third day.")
    assert "Why was my vote refused?" in one.question
    assert one.answer.text in passage
    assert "Why" not in passage


def test_a_template_asks_for_its_worked_example_and_never_for_its_blanks():
    kinds = {one.kind: (one, passage) for one, passage in found(TEMPLATE)}
    assert set(kinds) == {"section_qa", "template"}
    one, passage = kinds["template"]
    assert "Breach Notice" in one.question
    assert one.answer.text == passage == "Dear Sir, a breach of CAR 4.2 occurred on 3 May."


def test_a_section_asks_with_its_heading_and_title():
    text = "# Leave Policy\n\n## 4 Sick days\nStaff rest. A note is required after 3 sick days. Ask.\n"
    [(one, passage)] = found(text)
    assert one.kind == "section_qa"
    assert "Sick days" in one.question
    assert "Leave Policy" in one.question
    assert one.answer.text == "A note is required after 3 sick days."
    assert passage == "Staff rest. A note is required after 3 sick days. Ask."


def test_wordings_vary_over_a_lake_and_not_over_runs():
    texts = [f"# Manual\n\n## Part\nThe engine {number} must be cold before service.\n" for number in range(40)]
    questions = [find_examples(str(number), text, "", LIMITS, 1)[0].question for number, text in enumerate(texts)]
    assert len(set(questions)) >= 4
    assert questions == [find_examples(str(number), text, "", LIMITS, 1)[0].question
                         for number, text in enumerate(texts)]


def test_a_document_without_structure_offers_nothing():
    assert found("Just prose. It has no headings at all.") == []


def test_a_sentence_outside_the_limits_is_no_answer():
    text = "Hm. " + "word " * 40 + "end."
    assert key_sentence(text, sentences(text, Span(0, len(text))), "word", LIMITS) is None


def test_a_passage_is_whole_sentences_within_its_limit():
    text = "One is here. Two is here. Three is here. Four is here."
    spans = sentences(text, Span(0, len(text)))
    around = passage_around(text, Span(0, len(text)), spans[2], 30)
    assert text[around.start:around.end] == "Three is here. Four is here."
    cut = clip(text, Span(0, len(text)), 5)
    assert text[cut.start:cut.end] == "One"
    assert REFUSAL not in text
