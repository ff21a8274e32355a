"""What was handed over: a tree, or a release folder, and where in it each recorded path lies.

A tree keeps every artefact at the path its record names. A release folder has one checkpoint and
gathers what belongs to it:

    model/  card/  attestation/      models/<ckpt>, models/<ckpt>.card, models/<ckpt>.attestation
    evaluation/metrics.json          models/<ckpt>.eval/metrics.json
    evaluation/gate.json             models/<ckpt>.gate/gate.json
    base/                            the model an adapter sits on, when it was asked for
    products/<recorded path>         the other outs of the checkpoint's own stage
    lineage/<stage>/                 as in the tree
"""

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pipeline.lineage.chain import CHAIN_TYPE
from pipeline.lineage.sign import parse_json
from pipeline.schema.errors import BadInput, NotVerified
from pipeline.stage.records import read_bounded

RELEASE_MARK = "attestation"
"""A folder of this name directly under the root makes it a release."""


class Scene(NamedTuple):
    """Where things are."""

    root: Path
    checkpoints: list[str]
    """As recorded: `models/rs_sft`."""
    released: bool
    places: dict[str, str]
    """Release only: recorded path or prefix -> path under the root."""

    def shown(self, recorded: str) -> str:
        """The path under the root where the recorded path should lie, for reading and for errors."""
        for prefix, place in self.places.items():
            if recorded == prefix or recorded.startswith(f"{prefix}/"):
                return place + recorded[len(prefix):]
        return f"products/{recorded}" if self.released else recorded

    def place(self, recorded: str) -> Path:
        """The same, on disk."""
        return self.root / self.shown(recorded)


def open_tree(root: Path, checkpoints: list[str]) -> Scene:
    """A tree: every recorded path is a path under `root`."""
    return Scene(root, checkpoints, released=False, places={})


def open_release(root: Path) -> Scene:
    """A release folder; which checkpoint it holds, its signed chain says (check 9 verifies that claim).

    Raises:
        BadInput: the folder has no readable chain claim, so there is nothing to check against.
    """
    checkpoint = _named_checkpoint(root)
    places = {checkpoint: "model", f"{checkpoint}.card": "card", f"{checkpoint}.attestation": "attestation",
              f"{checkpoint}.eval/metrics.json": "evaluation/metrics.json",
              f"{checkpoint}.gate/gate.json": "evaluation/gate.json"}
    return Scene(root, [checkpoint], released=True, places=places)


def _named_checkpoint(root: Path) -> str:
    claims = root / RELEASE_MARK / "claims.jsonl"
    try:
        for line in read_bounded(claims, "attestation/claims.jsonl").splitlines():
            bundle = parse_json(line, "attestation/claims.jsonl")
            payload = base64.b64decode(bundle["dsseEnvelope"]["payload"], validate=True)  # type: ignore[index]
            statement = parse_json(payload, "attestation/claims.jsonl")
            if statement["predicateType"] == CHAIN_TYPE:  # type: ignore[index]
                return _plain_checkpoint(statement["subject"][0]["name"])  # type: ignore[index]
    except (NotVerified, OSError, KeyError, TypeError, ValueError, IndexError) as err:
        raise BadInput(str(claims), f"not readable as claims ({err})", do="ask for the release again") from err
    raise BadInput(str(claims), "holds no chain claim, so it names no checkpoint", wanted=CHAIN_TYPE)


def _plain_checkpoint(name: object) -> str:
    parts = str(name).split("/")
    if len(parts) != 2 or parts[0] != "models" or parts[1] in ("", ".", ".."):
        raise ValueError(f"checkpoint {name!r}")
    return str(name)


def is_release(folder: Path) -> bool:
    """Whether a folder is laid out as a release."""
    return (folder / RELEASE_MARK).is_dir() and (folder / "lineage").is_dir()


def walk(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Every entry below `folder` but plain folders, in byte order of path, following no link, skipping nothing."""
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name.encode(errors="surrogateescape")):
        if entry.is_dir(follow_symlinks=False):
            yield from walk(Path(entry.path))
        else:
            yield entry
