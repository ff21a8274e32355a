"""Read authored evaluation items: one JSON object a line, every field checked, errors by file:line.

Pure functions: text in, rows of `EVAL_ITEMS` out.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.schema.errors import BadInput
from pipeline.schema.eval_items import EVAL_ITEMS
from pipeline.text.answers import NO_SOURCE, REFUSAL
from pipeline.text.constraints import check_constraint

Text = Annotated[str, Field(pattern=r"\S")]
"""At least one character that is not blank."""

VALUED = ("max_words", "no_word")
"""Constraint kinds that take a value; for the others authors write `1`, meaning "on"."""

MAX_PROBLEMS = 20
"""How many problems one error names; the rest is counted."""


class _Item(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    item_id: Text


class QaItem(_Item):
    """A question on passages; `source` 0 means that no passage answers it."""

    passages: Annotated[list[Text], Field(min_length=1)]
    question: Text
    answer: Text
    source: Annotated[int, Field(ge=NO_SOURCE)]


class Constraint(BaseModel):
    """What every answer of a conversation must keep."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    kind: str
    value: int | str


class MultiTurnItem(_Item):
    """A conversation with scripted user turns under one constraint."""

    constraint: Constraint
    instruction: Text
    passages: Annotated[list[Text], Field(min_length=1)]
    turns: Annotated[list[Text], Field(min_length=1)]


class GeneralItem(_Item):
    """A piece of general English."""

    text: Text


TASKS: dict[str, type[_Item]] = {"qa": QaItem, "multi_turn": MultiTurnItem, "general": GeneralItem}
"""Task -> the shape of a line of `<task>.jsonl`."""


def items_table(files: Mapping[str, tuple[str, str]]) -> pl.DataFrame:
    """All items as one table, in `EVAL_ITEMS` columns, sorted by `item_id`.

    Args:
        files: task -> (name for errors, text of its JSONL file).

    Raises:
        BadInput: names every bad line (the first `MAX_PROBLEMS`), or a file without items.
    """
    rows: list[dict[str, object]] = []
    problems: list[str] = []
    seen: dict[str, str] = {}
    for task, (name, text) in sorted(files.items()):
        for place, line in numbered_lines(name, text):
            try:
                row = parse_item(task, line)
                _claim_id(str(row["item_id"]), place, seen)
                rows.append(row)
            except ValueError as err:
                problems.append(f"{place}: {err}")
        if not text.strip():
            problems.append(f"{name}: holds no item")
    if problems:
        raise BadInput(problems[0].split(": ")[0], _all_problems(problems), do="correct these lines")
    return pl.DataFrame(rows, schema=EVAL_ITEMS).sort("item_id")


def numbered_lines(name: str, text: str) -> Iterator[tuple[str, str]]:
    """`("<name>:<line number>", line)` for every line that is not blank."""
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield f"{name}:{number}", line


def parse_item(task: str, line: str) -> dict[str, object]:
    """One JSONL line as a row of `EVAL_ITEMS`.

    Raises:
        ValueError: one sentence on what is wrong with the line.
    """
    try:
        item = TASKS[task].model_validate_json(line)
    except ValidationError as err:
        raise ValueError("; ".join(_sentence(problem) for problem in err.errors())) from err
    match item:
        case QaItem():
            return _row(task, item.item_id, **_qa_fields(item))
        case MultiTurnItem():
            return _row(task, item.item_id, **_multi_turn_fields(item))
        case _:
            return _row(task, item.item_id, text=item.model_dump()["text"])


def constraint_value(kind: str, value: int | str) -> str:
    """An authored value as `pipeline.text.constraints` takes it: a string, "" where the kind takes none.

    Raises:
        ValueError: the kind is unknown or the value does not fit it.
    """
    if kind not in VALUED and value != 1:
        raise ValueError(f"constraint {kind}: takes no value, wanted 1 (on), got {value!r}")
    text = str(value) if kind in VALUED else ""
    try:
        check_constraint(kind, text)
    except BadInput as err:
        raise ValueError(str(err)) from err
    return text


def _qa_fields(item: QaItem) -> dict[str, object]:
    if item.source > len(item.passages):
        raise ValueError(f"`source` names passage {item.source} of {len(item.passages)}")
    if (item.source == NO_SOURCE) != (item.answer == REFUSAL):
        raise ValueError(f"`source` is 0 exactly when `answer` is {REFUSAL!r}, got {item.source} with {item.answer!r}")
    return item.model_dump(exclude={"item_id"})


def _multi_turn_fields(item: MultiTurnItem) -> dict[str, object]:
    kind = item.constraint.kind
    return {"constraint_kind": kind, "constraint_value": constraint_value(kind, item.constraint.value),
            **item.model_dump(include={"instruction", "passages", "turns"})}


def _row(task: str, item_id: str, **fields: object) -> dict[str, object]:
    empty: dict[str, object] = {name: [] if isinstance(dtype, pl.List) else 0 if dtype == pl.Int64 else ""
                                for name, dtype in EVAL_ITEMS.items()}
    return {**empty, "item_id": item_id, "task": task, **fields}


def _claim_id(item_id: str, place: str, seen: dict[str, str]) -> None:
    if item_id in seen:
        raise ValueError(f"`item_id` {item_id!r} is already at {seen[item_id]}")
    seen[item_id] = place


def _sentence(problem: Any) -> str:  # pydantic's ErrorDetails
    where = ".".join(str(part) for part in problem["loc"])
    return f"`{where}`: {problem['msg']}" if where else str(problem["msg"])


def _all_problems(problems: list[str]) -> str:
    first = problems[0].split(": ", 1)[1]
    rest = problems[1:MAX_PROBLEMS]
    more = len(problems) - 1 - len(rest)
    return "; ".join([first, *rest, *([f"and {more} more"] if more else [])])
