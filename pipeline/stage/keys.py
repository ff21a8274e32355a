"""The private keys: outside the repository, readable by their owner only, one for each role or one for all.

Where the key of a role comes from, first match:
    PEDIGREE_SIGNER_<ROLE>    URI of a KMS or PKCS#11 key (securesystemslib), public half in <role>.pub
    PEDIGREE_KEY_PEM_<ROLE>   the PEM text itself, as a CI's secret store hands it over
    <role>.pem                in the key folder
    PEDIGREE_SIGNER, PEDIGREE_KEY_PEM, key.pem: the same three for every role; key.pem is made on first use
<ROLE> is DATA_OWNER, TRAINER, EVALUATOR, ATTESTER or ROOT (the keyring's). A PEM may be encrypted:
the passphrase is $PEDIGREE_KEY_PASSPHRASE, or is asked for on a terminal.
"""

import getpass
import os
import sys
from functools import cache
from pathlib import Path

from pipeline.lineage.sign import SigningKey, load_private_key, load_public_key, new_private_key, public_pem
from pipeline.schema.errors import BadInput
from pipeline.stage.progress import say

KEYRING = "keyring.json"
SHARED = "key"
"""Base name of the key that serves every role without one of its own."""


def key_folder() -> Path:
    """`$PEDIGREE_KEYS`, else `pedigree` in the user's configuration folder (XDG base directories)."""
    named = os.environ.get("PEDIGREE_KEYS")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "pedigree"


def signing_key(role: str, *, make: bool = True) -> SigningKey:
    """The key that signs for `role`. Where there is no key and no keyring yet, a shared one is made if `make`.

    Raises:
        BadInput: there is none, or the folder cannot be made or written, lies in the repository, or
            the key is readable by others, of another kind, or encrypted with another passphrase.
    """
    found = find_key(role) or find_key("")
    if found is not None:
        return found
    if not make or (key_folder() / KEYRING).exists():
        raise BadInput(str(key_folder()), f"holds no key that signs for {role}",
                       do=f"`pedigree keys make{'' if role == 'root' else f' --role {role}'}` makes one")
    return make_key(SHARED)


def find_key(role: str) -> SigningKey | None:
    """The key of `role` alone ("" for the shared one), or None when it has none."""
    suffix = "_" + role.upper().replace("-", "_") if role else ""
    name = role or SHARED
    if uri := os.environ.get(f"PEDIGREE_SIGNER{suffix}"):
        return _from_uri(uri, key_folder() / f"{name}.pub")
    if pem := os.environ.get(f"PEDIGREE_KEY_PEM{suffix}"):
        return load_private_key(pem.encode(), f"PEDIGREE_KEY_PEM{suffix}", _passphrase)
    path = key_folder() / f"{name}.pem"
    return read_key(path) if path.exists() else None


def read_key(path: Path) -> SigningKey:
    """The private key in `path`.

    Raises:
        BadInput: others may read it, or it is not a P-256 key that the passphrase opens.
    """
    if path.stat().st_mode & 0o077:
        raise BadInput(str(path), "others may read the private key", wanted="mode 0600",
                       got=oct(path.stat().st_mode & 0o777), do=f"chmod 600 {path}")
    return load_private_key(path.read_bytes(), str(path), _passphrase)


def make_key(name: str, passphrase: bytes = b"") -> SigningKey:
    """A new key `<name>.pem` (mode 0600) with its public half `<name>.pub` in the key folder.

    Raises:
        BadInput: there is one already, or the folder cannot be written or lies in the repository.
    """
    path = key_folder() / f"{name}.pem"
    if path.resolve().is_relative_to(Path.cwd().resolve()):
        raise BadInput(str(path), "the key folder lies inside the repository",
                       do="set PEDIGREE_KEYS to a folder outside")
    pem = new_private_key(passphrase)
    key = load_private_key(pem, str(path), lambda _: passphrase)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(path, pem)
        path.with_suffix(".pub").write_bytes(public_pem(key.public_key()))
    except FileExistsError as err:
        raise BadInput(str(path), "there is a key already", do="`pedigree keys rotate` replaces it") from err
    except OSError as err:
        raise BadInput(str(path), f"cannot keep a signing key there ({err.strerror})",
                       do="make the folder writable, or set PEDIGREE_KEYS to one that is") from err
    say(f"made a signing key: {path} (its public half: {path.with_suffix('.pub')})")
    return key


def write_private(path: Path, data: bytes) -> None:
    """A new file that its owner alone may read, from its first byte on.

    Raises:
        FileExistsError: it exists.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)


def _passphrase(name: str) -> bytes:
    given = os.environ.get("PEDIGREE_KEY_PASSPHRASE")
    if given is not None:
        return given.encode()
    return _asked(name)


@cache
def _asked(name: str) -> bytes:
    """Asked for once in a process: a stage opens its key before the work and signs after it."""
    if not sys.stdin.isatty():
        raise BadInput(name, "is encrypted", wanted="PEDIGREE_KEY_PASSPHRASE or a terminal to ask on")
    return getpass.getpass(f"passphrase of {name}: ").encode()


def _from_uri(uri: str, public: Path) -> SigningKey:
    from pipeline.stage.remote_key import RemoteKey  # securesystemslib loads slowly; most signers need it not

    if not public.is_file():
        raise BadInput(str(public), "no such file", wanted=f"the public half of {uri.split(':', 1)[0]}: key",
                       do="export it from the key store as PEM")
    return RemoteKey(uri, load_public_key(public.read_bytes(), str(public)))
