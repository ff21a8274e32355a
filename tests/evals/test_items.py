"""Authored items are read strictly, and a bad line is named by file and number."""

import json

import pytest

from pipeline.evals.items import items_table
from pipeline.schema.errors import BadInput

QA = {"item_id": "Q1", "passages": ["One.", "Two."], "question": "Which?", "answer": "Two.", "source": 2}
TALK = {"item_id": "M1", "constraint": {"kind": "max_words", "value": 20}, "instruction": "Be short.",
        "passages": ["One."], "turns": ["A?", "B?"]}
GENERAL = {"item_id": "G1", "text": "Bread rises."}


def files(qa=(QA,), multi_turn=(TALK,), general=(GENERAL,)):
    return {name: (f"{name}.jsonl", "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
            for name, lines in (("qa", qa), ("multi_turn", multi_turn), ("general", general))}


def test_each_kind_of_item_becomes_a_row_with_empty_cells_elsewhere():
    table = items_table(files())
    assert table["item_id"].to_list() == ["G1", "M1", "Q1"]
    talk = table.row(1, named=True)
    assert (talk["constraint_kind"], talk["constraint_value"], talk["turns"]) == ("max_words", "20", ["A?", "B?"])
    assert (talk["question"], talk["source"], talk["text"]) == ("", 0, "")


def test_a_constraint_without_a_value_is_written_1_and_kept_as_empty():
    table = items_table(files(multi_turn=[{**TALK, "constraint": {"kind": "no_digits", "value": 1}}]))
    assert table.filter(task="multi_turn")["constraint_value"].item() == ""


def test_blank_lines_are_counted_but_not_read():
    with pytest.raises(BadInput, match=r"qa\.jsonl:3: .*`source` names passage 3 of 2"):
        items_table(files(qa=[QA, "", {**QA, "item_id": "Q2", "source": 3}]))


@pytest.mark.parametrize(("line", "sentence"), [
    ("{not json", "Invalid JSON"),
    ({**QA, "source": "2"}, "`source`"),
    ({**QA, "sauce": 1}, "`sauce`"),
    ({key: value for key, value in QA.items() if key != "answer"}, "`answer`"),
    ({**QA, "question": "  "}, "`question`"),
    ({**QA, "source": 0}, "`source` is 0 exactly when"),
    ({**QA, "item_id": "M1"}, "already at multi_turn.jsonl:1"),
])
def test_a_bad_line_is_refused_with_what_is_wrong(line, sentence):
    with pytest.raises(BadInput, match=r"qa\.jsonl:1") as caught:
        items_table(files(qa=[line]))
    assert sentence in str(caught.value)


@pytest.mark.parametrize(("kind", "value"), [("max_words", 0), ("no_word", ""), ("no_digits", 5), ("rhyme", 1)])
def test_a_constraint_that_cannot_be_checked_is_refused(kind, value):
    with pytest.raises(BadInput, match=r"multi_turn\.jsonl:1: .*constraint"):
        items_table(files(multi_turn=[{**TALK, "constraint": {"kind": kind, "value": value}}]))


def test_all_bad_lines_are_named_at_once():
    with pytest.raises(BadInput) as caught:
        items_table(files(qa=["{", QA, "{"], general=[]))
    assert all(name in str(caught.value) for name in ("qa.jsonl:1", "qa.jsonl:3", "general.jsonl: holds no item"))
