"""Typed parameters: one section of `params.yaml`, validated before anything runs."""

import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from pipeline.schema.errors import BadInput
from pipeline.schema.section import Section

T = TypeVar("T", bound=Section)


def read_yaml(path: Path) -> dict[str, object]:
    """The mapping in a YAML 1.2 file (the dialect DVC reads: `2e-5` is a number).

    Raises:
        BadInput: the file is missing, is not YAML, or does not hold a mapping.
    """
    try:
        loaded = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as err:
        raise BadInput(str(path), "no such file", do="run from the repository root") from err
    except (YAMLError, UnicodeDecodeError) as err:
        reason = " ".join(str(err).split())
        raise BadInput(str(path), f"not readable as YAML ({reason})", do="mend the file") from err
    if not isinstance(loaded, dict):
        raise BadInput(str(path), "is not a mapping", wanted="key: value", got=type(loaded).__name__)
    return loaded


def load_section(schema: type[T], section: str, path: Path = Path("params.yaml")) -> T:
    """Section `section` of `path` as a `schema`, every failure named in one error.

    Raises:
        BadInput: the section is missing, or a field is missing, unknown, of a wrong type or range.
    """
    sections = read_yaml(path)
    if section not in sections:
        raise BadInput(str(path), f"section `{section}` is missing", do=f"add `{section}:`")
    try:
        return schema.model_validate_json(json.dumps(sections[section]))
    except ValidationError as err:
        known = ", ".join(schema.model_fields)
        problems = "; ".join(_sentence(section, problem, known) for problem in err.errors())
        raise BadInput(str(path), problems, do="correct params.yaml") from err


def _sentence(section: str, problem: object, known: str) -> str:
    assert isinstance(problem, dict)  # pydantic's ErrorDetails
    field = ".".join([section, *(str(part) for part in problem["loc"])])
    if problem["type"] == "extra_forbidden":
        return f"`{field}` is not a parameter (known: {known})"
    if problem["type"] == "missing":
        return f"`{field}` is missing"
    got = problem["input"]
    return f"`{field}` is wrong: {problem['msg']}, got {got!r} ({type(got).__name__})"


def read_json(path: Path) -> Any:
    """The JSON value in a file.

    Raises:
        BadInput: the file is missing or not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise BadInput(str(path), f"not readable as JSON ({err})", do="run the stage that writes it again") from err
