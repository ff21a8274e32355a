"""Sign the record of a run at once: the in-toto link beside the statement it covers."""

from collections.abc import Mapping
from pathlib import Path

from pipeline.lineage.links import artifact_name, code_name, link_file, sign_link, statement_name
from pipeline.lineage.roles import role_of_stage
from pipeline.lineage.sign import SigningKey
from pipeline.stage.declared import Declared
from pipeline.stage.hashing import Artefact, file_sha256
from pipeline.stage.keyring import current_key, current_keyring


def signer_of(stage: str) -> SigningKey:
    """The key that signs the stage's record; the kernel asks for it before the work, so that none is done in vain.

    Raises:
        BadInput: there is none that the keyring gives the role.
    """
    return current_key(role_of_stage(stage), current_keyring())


def write_link(folder: Path, declared: Declared, materials: Mapping[str, Artefact],
               products: Mapping[str, Artefact]) -> None:
    """Add the link of the run whose statement and code manifest are in `folder`, by the key of the stage's role.

    Raises:
        BadInput: that key cannot be used.
    """
    name, key = declared.name, signer_of(declared.name)
    used = _named(materials, declared.materials) | {code_name(name): file_sha256(folder / "code.sha256sums")}
    made = _named(products, declared.products) | {statement_name(name): file_sha256(folder / "statement.json")}
    link = sign_link(name, declared.cmd, used, made, key)
    (folder / link_file(name, key.public_key())).write_bytes(link)


def _named(artefacts: Mapping[str, Artefact], paths: tuple[str, ...]) -> dict[str, str]:
    return {artifact_name(path, artefacts[path].is_dir): artefacts[path].digest for path in paths}
