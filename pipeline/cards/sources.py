"""Where a card's number comes from: `path#/json/pointer`, read back whenever the card is checked.

    report.json#/a/b     the value at an RFC 6901 pointer, in a JSON or YAML file
    any.file#sha256      the file's sha256
    model.safetensors    the number of parameters in the file's header
    data/x/documents     a table: its number of rows
"""

import json
import struct
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.schema.errors import BadInput
from pipeline.stage.hashing import file_sha256, hash_artefact
from pipeline.stage.params import read_json, read_yaml

MAX_HEADER = 100_000_000
"""Bytes of a safetensors header that are read at most (the format's own limit)."""


def resolve(source: str) -> Any:
    """The value a source names.

    Raises:
        BadInput: the file, the pointer's target or the table is not there.
    """
    name, _, pointer = source.partition("#")
    path = Path(name)
    if pointer == "sha256":
        return file_sha256(path)
    if pointer:
        loaded = read_yaml(path) if path.suffix in (".yaml", ".yml") else read_json(path)
        return at_pointer(loaded, pointer, source)
    return num_parameters(path) if path.suffix == ".safetensors" else num_rows(path)


def digest(source: str) -> str:
    """The sha256 of the source's file; of a table, its tree digest."""
    return hash_artefact(Path(source.partition("#")[0])).digest


def at_pointer(value: Any, pointer: str, source: str) -> Any:
    """The target of an RFC 6901 JSON pointer.

    Raises:
        BadInput: nothing is there.
    """
    for token in pointer.removeprefix("/").split("/"):
        key = token.replace("~1", "/").replace("~0", "~")
        try:
            value = value[int(key)] if isinstance(value, list) else value[key]
        except (KeyError, IndexError, ValueError, TypeError) as err:
            raise BadInput(source, "names nothing in that file", do="run the stage that writes it again") from err
    return value


def token(key: str) -> str:
    """`key` as one step of a pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def num_parameters(path: Path) -> int:
    """Elements of all tensors, from the header alone (safetensors format: u64 length, then JSON).

    Raises:
        BadInput: not a safetensors file.
    """
    try:
        with path.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            header = json.loads(stream.read(min(length, MAX_HEADER)))
        return sum(_product(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__")
    except (OSError, struct.error, ValueError, KeyError, TypeError, AttributeError) as err:
        raise BadInput(str(path), f"is not a safetensors file ({type(err).__name__})") from err


def num_rows(folder: Path) -> int:
    """Rows of a table, from its parts' footers.

    Raises:
        BadInput: no table is there.
    """
    parts = sorted(folder.glob("part-*.parquet"))
    if not parts:
        raise BadInput(str(folder), "is not a table", wanted="part-*.parquet", do="run the stage that makes it")
    return int(pl.scan_parquet(parts).select(pl.len()).collect().item())


def _product(shape: list[int]) -> int:
    result = 1
    for size in shape:
        result *= size
    return result
