"""The local signing key: made on first use, outside the repository, readable by its owner only."""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from pipeline.lineage.sign import load_private_key, new_private_key, public_pem
from pipeline.schema.errors import BadInput
from pipeline.stage.progress import say


def key_folder() -> Path:
    """`$PEDIGREE_KEYS`, else `pedigree` in the user's configuration folder (XDG base directories)."""
    named = os.environ.get("PEDIGREE_KEYS")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "pedigree"


def signing_key() -> ec.EllipticCurvePrivateKey:
    """The key in `key_folder()`, made with mode 0600 if there is none.

    Raises:
        BadInput: the folder cannot be made or written, lies in the repository, or the key is
            readable by others.
    """
    path = key_folder() / "key.pem"
    if not path.exists():
        _make(path)
    if path.stat().st_mode & 0o077:
        raise BadInput(str(path), "others may read the private key", wanted="mode 0600",
                       got=oct(path.stat().st_mode & 0o777), do=f"chmod 600 {path}")
    return load_private_key(path.read_bytes(), str(path))


def _make(path: Path) -> None:
    if path.resolve().is_relative_to(Path.cwd().resolve()):
        raise BadInput(str(path), "the key folder lies inside the repository",
                       do="set PEDIGREE_KEYS to a folder outside")
    pem = new_private_key()
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(pem)
        public = public_pem(load_private_key(pem, str(path)).public_key())
        path.with_suffix(".pub").write_bytes(public)
    except OSError as err:
        raise BadInput(str(path), f"cannot keep a signing key there ({err.strerror})",
                       do="make the folder writable, or set PEDIGREE_KEYS to one that is") from err
    say(f"made a signing key: {path} (its public half: {path.with_suffix('.pub')})")
