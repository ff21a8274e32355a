"""The signed link of one stage run: in-toto's own record, beside our statement.

A folder is the artefact `dir:<path>` with its tree digest (what in-toto's `dir:` resolver computes),
a file is `<path>` with its sha256. The code closure is the material `lineage/<stage>/code.sha256sums`
and the statement the product `lineage/<stage>/statement.json`, so one signature covers command,
inputs, outputs, code and parameters.

Source: in-toto specification 1.0 section 4.4.
"""

import shlex
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec

from pipeline.lineage.chain import Run
from pipeline.lineage.metablock import keyid, open_metablock, sign_metablock
from pipeline.lineage.sign import SigningKey, is_sha256
from pipeline.schema.errors import NotVerified

DIRECTORY = "dir:"
_FIELDS = {"_type", "name", "materials", "products", "byproducts", "command", "environment"}


class Link(NamedTuple):
    """What one link says, read strictly."""

    stage: str
    keyid: str
    """In-toto's id of the key that signed."""
    materials: dict[str, str]
    """Artefact name -> sha256; folders are named `dir:<path>`."""
    products: dict[str, str]
    command: list[str]


def artifact_name(path: str, is_dir: bool) -> str:
    """How in-toto names what is at `path`."""
    return f"{DIRECTORY}{path}" if is_dir else path


def artifact_path(name: str) -> str:
    """The path behind an artefact's name."""
    return name.removeprefix(DIRECTORY)


def code_name(stage: str) -> str:
    """The material that stands for the stage's code closure."""
    return f"lineage/{stage}/code.sha256sums"


def statement_name(stage: str) -> str:
    """The product that stands for the stage's statement."""
    return f"lineage/{stage}/statement.json"


def link_file(stage: str, key: ec.EllipticCurvePublicKey) -> str:
    """The file name that `in-toto-verify` looks for."""
    return f"{stage}.{keyid(key)[:8]}.link"


def sign_link(stage: str, cmd: str, materials: Mapping[str, str], products: Mapping[str, str],
              key: SigningKey) -> bytes:
    """The link of one run; `materials` and `products` are artefact name -> sha256."""
    signed: dict[str, object] = {
        "_type": "link", "name": stage, "command": shlex.split(cmd), "byproducts": {}, "environment": {},
        "materials": {name: {"sha256": digest} for name, digest in materials.items()},
        "products": {name: {"sha256": digest} for name, digest in products.items()},
    }
    return sign_metablock(signed, key)


def open_link(text: bytes, keys: Iterable[ec.EllipticCurvePublicKey], name: str) -> Link:
    """The link in `text` (called `name` in errors), signed by one of `keys`.

    Raises:
        NotVerified: not a link of ours, a field missing or unknown, or no acceptable signature.
    """
    signer, signed = open_metablock(text, keys, name)
    try:
        if set(signed) != _FIELDS or signed["_type"] != "link" or signed["byproducts"] or signed["environment"]:
            raise ValueError("fields")
        command = signed["command"]
        if not isinstance(command, list) or not all(isinstance(word, str) for word in command):
            raise ValueError("command")
        return Link(str(signed["name"]), signer, _digests(signed["materials"]), _digests(signed["products"]), command)
    except (KeyError, TypeError, ValueError, AttributeError) as err:
        raise NotVerified(name, f"not a stage's link ({err})") from err


def _digests(artifacts: object) -> dict[str, str]:
    if not isinstance(artifacts, dict):
        raise TypeError("artefacts")
    for name, digest in artifacts.items():
        if set(digest) != {"sha256"} or not is_sha256(digest["sha256"]):
            raise ValueError(f"digest of {name!r}")
    return {name: digest["sha256"] for name, digest in artifacts.items()}


def check_link(link: Link, run: Run, name: str) -> None:
    """A link and the statement of the same run say the same.

    Raises:
        NotVerified: another stage or command, or an artefact missing, added or with another digest.
    """
    if link.stage != run.stage:
        raise NotVerified(name, "link of another stage", wanted=run.stage, got=link.stage)
    if link.command != shlex.split(run.cmd):
        raise NotVerified(name, "names another command than the statement", wanted=run.cmd,
                          got=shlex.join(link.command))
    materials = {material.path: material.digest for material in run.materials} | {code_name(run.stage): run.code_digest}
    products = run.products | {statement_name(run.stage): run.sha256}
    for said, wanted in ((link.materials, materials), (link.products, products)):
        found = {artifact_path(artifact): digest for artifact, digest in said.items()}
        for path in sorted(set(found) | set(wanted)):
            if found.get(path) != wanted.get(path):
                raise NotVerified(f"{name}: {path}", "is not what the statement says",
                                  wanted=wanted.get(path, "not named"), got=found.get(path, "not named"))


def open_links(files: Mapping[str, bytes], run: Run, keys: Iterable[ec.EllipticCurvePublicKey],
               folder: str) -> list[Link]:
    """Every link among the `files` (name -> bytes) of a record, each checked against its statement; by file name.

    Raises:
        NotVerified: one is not signed by one of `keys`, is named otherwise than by its signer, or
            disagrees with the statement.
    """
    accepted, links = list(keys), []
    for name in sorted(name for name in files if name.endswith(".link")):
        link = open_link(files[name], accepted, f"{folder}/{name}")
        if name != f"{run.stage}.{link.keyid[:8]}.link":
            raise NotVerified(f"{folder}/{name}", "misnamed", wanted=f"{run.stage}.{link.keyid[:8]}.link")
        check_link(link, run, f"{folder}/{name}")
        links.append(link)
    return links
