"""The secret behind the trees of documents: 32 random bytes beside the signing key, made on first use.

Whoever has it can tell from a tree which documents are in it, so it is readable by its owner only
and never leaves the key folder. Lost, the roots in old statements still stand but nothing can be
proved about them any more: back it up with the signing key.
"""

import hmac
import os
import secrets
from pathlib import Path

from pipeline.lineage.vrf import Secret
from pipeline.schema.errors import BadInput
from pipeline.stage.keys import key_folder
from pipeline.stage.progress import say

NAME = "merkle.key"
SECRET_BYTES = 32


def table_secret(secret: bytes, table: str) -> Secret:
    """The secret function of one table, so that leaves of two tables cannot be compared.

    HMAC-SHA256 over the table's path and a counter until the number is a scalar (the first is, but
    for one in 2**32).
    """
    counter = 0
    while True:
        seed = hmac.digest(secret, b"pedigree merkle table v1\x00%d\x00%s" % (counter, table.encode()), "sha256")
        try:
            return Secret(seed)
        except ValueError:
            counter += 1


def merkle_secret(*, make: bool = True) -> bytes:
    """The secret in `key_folder()`; made with mode 0600 if there is none and `make`.

    Raises:
        BadInput: missing and not to be made, readable by others, of another length, or its folder
            cannot be written or lies in the repository.
    """
    path = key_folder() / NAME
    if not path.exists():
        if not make:
            raise BadInput(str(path), "missing: without it nothing can be proved about the recorded trees",
                           do="restore the one that was there when the stages ran")
        _make(path)
    if path.stat().st_mode & 0o077:
        raise BadInput(str(path), "others may read the secret of the document trees", wanted="mode 0600",
                       got=oct(path.stat().st_mode & 0o777), do=f"chmod 600 {path}")
    secret = path.read_bytes()
    if len(secret) != SECRET_BYTES:
        raise BadInput(str(path), "not a secret of the document trees", wanted=f"{SECRET_BYTES} bytes",
                       got=f"{len(secret)}")
    return secret


def _make(path: Path) -> None:
    if path.resolve().is_relative_to(Path.cwd().resolve()):
        raise BadInput(str(path), "the key folder lies inside the repository",
                       do="set PEDIGREE_KEYS to a folder outside")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # written whole under another name and then linked: of two stages that start at once, one wins
        scratch = path.with_name(f".{NAME}.{os.getpid()}")
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(secrets.token_bytes(SECRET_BYTES))
        try:
            os.link(scratch, path)
        except FileExistsError:
            return
        finally:
            scratch.unlink()
    except OSError as err:
        raise BadInput(str(path), f"cannot keep a secret there ({err.strerror})",
                       do="make the folder writable, or set PEDIGREE_KEYS to one that is") from err
    say(f"made the secret of the document trees: {path}")
