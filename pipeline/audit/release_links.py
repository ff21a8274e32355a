"""The links of a release: ours, those of other builders, and in place of a retired key's its successor's.

A link carries no trusted time, so a verifier cannot tell whether a retired key signed it in its day.
The producer can: the key that has the role now signs the same record once more, in the release only.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from pipeline.lineage.keyring import Keyring
from pipeline.lineage.links import link_file, open_links
from pipeline.lineage.metablock import keyid, open_metablock, sign_metablock
from pipeline.lineage.roles import role_of_stage
from pipeline.lineage.sign import key_hint
from pipeline.schema.errors import NotVerified
from pipeline.stage.keyring import current_key
from pipeline.stage.records import Record


def links_of(record: Record, others: Iterable[Path], keyring: Keyring) -> dict[str, bytes]:
    """File name -> link, of one stage.

    Args:
        others: `lineage/` folders of other builders.

    Raises:
        NotVerified: a link is by a key that never had the role or is revoked, or disagrees with the record.
    """
    stage = record.run.stage
    files = {name: text for name, text in record.files.items() if name.endswith(".link")}
    for lineage in others:
        files |= {path.name: path.read_bytes() for path in sorted((lineage / stage).glob("*.link"))}
    role = role_of_stage(stage)
    open_links(files, record.run, keyring.functionaries(role), f"lineage/{stage}")
    retired = _retired(keyring, role)
    kept = {name: text for name, text in files.items() if name not in {f"{stage}.{short}.link" for short in retired}}
    return kept | _signed_again(stage, files, kept, keyring)


def _retired(keyring: Keyring, role: str) -> set[str]:
    """The beginnings of the ids of keys that had the role and gave it up."""
    holders = {entry.hint for entry in keyring.holders(role)}
    return {keyid(key)[:8] for key in keyring.functionaries(role) if key_hint(key) not in holders}


def _signed_again(stage: str, files: Mapping[str, bytes], kept: Mapping[str, bytes],
                  keyring: Keyring) -> dict[str, bytes]:
    """One link by our current key, when a retired one's was taken out."""
    dropped = sorted(set(files) - set(kept))
    if not dropped:
        return {}
    role = role_of_stage(stage)
    key = current_key(role, keyring)
    _, signed = open_metablock(files[dropped[0]], keyring.functionaries(role), f"lineage/{stage}/{dropped[0]}")
    return {link_file(stage, key.public_key()): sign_metablock(signed, key)}


def check_in_step(attested: Keyring, now: Keyring, where: str, checkpoint: str) -> None:
    """The attestation carries the keyring as it is.

    Raises:
        NotVerified: keys were made, rotated or revoked since.
    """
    if (sorted(attested.entries), attested.version) != (sorted(now.entries), now.version):
        raise NotVerified(where, "is not the keyring of today", wanted=f"version {now.version}",
                          got=f"version {attested.version}",
                          do=f"`dvc repro --force --single-item attest@{checkpoint.rsplit('/', 1)[-1]}` signs anew")
