"""Trusted time for a release: ask an RFC 3161 authority, and read what it said."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from pipeline.lineage.sign import MAX_BUNDLE_BYTES
from pipeline.lineage.timestamp import Authority, add_token, query, signed_by
from pipeline.schema.errors import BadInput, NotVerified
from pipeline.stage.outputs import output_file

STAMPED = ("claims.jsonl", "model.sig", "keyring.json")
"""The files of an attestation folder that hold bundles; one bundle a line."""
JUDGED = ("claims.jsonl", "model.sig")
"""Those whose time says when the checkpoint was attested; a keyring may be older or newer."""
TIMEOUT_S = 30
MAX_ANSWER_BYTES = 2**20


def timestamp_attestation(folder: Path, url: str) -> list[Path]:
    """Put a token of the authority at `url` into every bundle of attestation folder `folder`.

    Returns:
        The files written anew.
    Raises:
        BadInput: the authority cannot be asked, or a file is missing.
        NotVerified: its answer is not to our query.
    """
    written = []
    for name in STAMPED:
        path = folder / name
        stamped = [_stamp(line, url, f"{name}:{number}") for number, line in enumerate(_lines(path), start=1)]
        with output_file(path) as scratch:
            scratch.write_bytes(b"".join(stamped))
        written.append(path)
    return written


def attested_by(folder: Path, authorities: Sequence[Authority]) -> datetime:
    """The time by which all of `folder`'s claims and its model.sig had been signed: the latest of theirs.

    Raises:
        BadInput: a file is missing.
        NotVerified: a bundle has no token, or one that no trusted authority gave for it.
    """
    times = []
    for name in JUDGED:
        for number, line in enumerate(_lines(folder / name), start=1):
            time = signed_by(line, authorities, f"{name}:{number}")
            if time is None:
                raise NotVerified(f"{name}:{number}", "has no timestamp", wanted="an RFC 3161 token over its signature",
                                  do="ask for a release made with --timestamp")
            times.append(time)
    if not times:
        raise NotVerified(str(folder), "holds no bundle", wanted=" and ".join(JUDGED))
    return max(times)


def _stamp(line: bytes, url: str, name: str) -> bytes:
    asked = query(line, name)
    return add_token(line, asked, _ask(url, asked.as_bytes()), name)


def _ask(url: str, body: bytes) -> bytes:
    if urlsplit(url).scheme not in ("http", "https"):
        raise BadInput(url, "not the address of a timestamp authority", wanted="http:// or https://")
    request = Request(url, data=body, headers={"Content-Type": "application/timestamp-query"})  # noqa: S310  checked above
    try:
        with urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            content: bytes = answer.read(MAX_ANSWER_BYTES)
    except (URLError, OSError, ValueError) as err:
        raise BadInput(url, f"the timestamp authority gave no answer ({err})",
                       do="try again, or release without --timestamp") from err
    return content


def _lines(path: Path) -> list[bytes]:
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BUNDLE_BYTES + 1)
    except OSError as err:
        raise BadInput(str(path), f"not readable ({err.strerror})") from err
    if len(content) > MAX_BUNDLE_BYTES:
        raise NotVerified(str(path), "too large", wanted=f"at most {MAX_BUNDLE_BYTES} bytes")
    return content.splitlines()
