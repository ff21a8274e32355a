"""The keyring of this machine's keys: `keyring.json` in the key folder, or what the key folder implies.

`pedigree keys` writes the file. Without one, the keys that are there hold their roles without a date:
derived, not stored, so two machines with the same keys attest the same bytes.
"""

from pipeline.lineage.keyring import Keyring, entry_of, open_keyring, sign_keyring
from pipeline.lineage.roles import ROLES
from pipeline.lineage.sign import SigningKey
from pipeline.schema.errors import BadInput
from pipeline.stage.keys import find_key, key_folder, signing_key

ROOT = "root"
FILE = "keyring.json"


def root_key() -> SigningKey:
    """The key that signs the keyring: `root.pem`, else the shared key."""
    return signing_key(ROOT)


def current_keyring() -> Keyring:
    """The stored keyring, or the one that the key folder implies.

    Raises:
        NotVerified: the stored one is malformed or not signed by the root key.
    """
    path = key_folder() / FILE
    if path.is_file():
        return open_keyring(path.read_bytes(), [root_key().public_key()], str(path))
    own = {role: find_key(role) for role in ROLES}
    entries = [entry_of(key.public_key(), [role]) for role, key in own.items() if key is not None]
    shared = [role for role, key in own.items() if key is None]
    if shared:
        entries.append(entry_of(signing_key(shared[0]).public_key(), shared))
    return Keyring(tuple(entries), 1)


def signed_keyring() -> bytes:
    """`current_keyring`, as an attestation carries it: the stored bytes, or the implied ring signed now."""
    path = key_folder() / FILE
    keyring = current_keyring()
    return path.read_bytes() if path.is_file() else sign_keyring(keyring, root_key())


def current_key(role: str, keyring: Keyring) -> SigningKey:
    """The key that signs for `role` now.

    Raises:
        BadInput: the keyring does not give it this role, or has ended or revoked it.
    """
    key = signing_key(role)
    held = [entry for entry in keyring.of_key(key.public_key()) if role in entry.roles]
    if not any(entry.until is None and entry.revoked_at is None for entry in held):
        raise BadInput(str(key_folder() / FILE), f"does not give role {role} to the key that would sign",
                       do=f"`pedigree keys make --role {role}`, or rotate it")
    return key
