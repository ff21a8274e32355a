"""The keyring of this machine's keys: `keyring.json` in the key folder, or what the key folder implies.

`pedigree keys` writes the file. Without one, the keys that are there hold their roles without a date:
derived, not stored, so two machines with the same keys attest the same bytes.
"""

from pipeline.lineage.keyring import Keyring, entry_of, open_keyring, sign_keyring
from pipeline.lineage.roles import ROLES
from pipeline.lineage.sign import SigningKey, key_hint
from pipeline.schema.errors import BadInput
from pipeline.stage.keys import KEYRING, find_key, key_folder, signing_key

ROOT = "root"


def root_key(*, make: bool = True) -> SigningKey:
    """The key that signs the keyring: `root.pem`, else the shared key."""
    return signing_key(ROOT, make=make)


def current_keyring(*, make: bool = True) -> Keyring:
    """The stored keyring, or the one that the key folder implies; `make` as for `signing_key`.

    Raises:
        BadInput: there is no key.
        NotVerified: the stored one is malformed or not signed by the root key.
    """
    path = key_folder() / KEYRING
    if path.is_file():
        return open_keyring(path.read_bytes(), [root_key(make=False).public_key()], str(path))
    own = {role: find_key(role) for role in ROLES}
    entries = [entry_of(key.public_key(), [role]) for role, key in own.items() if key is not None]
    shared = [role for role, key in own.items() if key is None]
    if shared:
        entries.append(entry_of(signing_key(shared[0], make=make).public_key(), shared))
    return Keyring(tuple(entries), 1)


def signed_keyring() -> bytes:
    """`current_keyring`, as an attestation carries it: the stored bytes, or the implied ring signed now."""
    path = key_folder() / KEYRING
    keyring = current_keyring()
    return path.read_bytes() if path.is_file() else sign_keyring(keyring, root_key())


def current_key(role: str, keyring: Keyring) -> SigningKey:
    """The key that signs for `role`.

    Raises:
        BadInput: the keyring gave the role to another key since, or to none, or revoked this one.
    """
    key = signing_key(role)
    hint = key_hint(key.public_key())
    if not any(entry.hint == hint and entry.revoked_at is None for entry in keyring.holders(role)):
        raise BadInput(str(key_folder() / KEYRING), f"does not give role {role} to the key that would sign",
                       got=f"key {hint[:16]}", do=f"`pedigree keys make --role {role}`, or rotate it")
    return key
