"""The classic in-toto envelope: one JSON object, its ECDSA signature over OLPC canonical JSON.

Written here and not by `in_toto`, whose import takes longer than most of our stages' lineage; the
tests hold both to the same bytes. Classic and not DSSE because `in-toto-match-products` 3.1.0
cannot read DSSE links.

Sources: in-toto specification 1.0 section 4.1 (Metablock); securesystemslib 1.x `formats.py`
(canonical JSON: sorted keys, no blanks, only quote and backslash escaped, no floats) and
`signer/_key.py` (the default key id).
"""

import json
from collections.abc import Iterable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from pipeline.lineage.manifest import sha256
from pipeline.lineage.sign import SigningKey, parse_json, public_pem, sign_bytes
from pipeline.schema.errors import NotVerified


def canonical(value: object) -> bytes:
    """`value` as OLPC canonical JSON.

    Raises:
        TypeError: a float or another value this form cannot hold.
    """
    return _canonical(value).encode()


def _canonical(value: object) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if value is None or isinstance(value, bool | int):
        return json.dumps(value)
    if isinstance(value, list):
        return "[" + ",".join(map(_canonical, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{_canonical(key)}:{_canonical(value[key])}" for key in sorted(value)) + "}"
    raise TypeError(f"canonical JSON holds no {type(value).__name__}")


def key_entry(key: ec.EllipticCurvePublicKey) -> dict[str, object]:
    """A P-256 key as in-toto writes it, without its id."""
    return {"keytype": "ecdsa", "scheme": "ecdsa-sha2-nistp256", "keyval": {"public": public_pem(key).decode()}}


def keyid(key: ec.EllipticCurvePublicKey) -> str:
    """in-toto's name of a key: the sha256 of its canonical entry."""
    return sha256(canonical(key_entry(key)))


def sign_metablock(signed: dict[str, object], key: SigningKey) -> bytes:
    """`signed` (a link or a layout) with one signature, as `in_toto.models.metadata.Metablock.dump` writes it."""
    signature = {"keyid": keyid(key.public_key()), "sig": sign_bytes(canonical(signed), key).hex()}
    return json.dumps({"signatures": [signature], "signed": signed}, indent=1, separators=(",", ": "),
                      sort_keys=True).encode()


def open_metablock(text: bytes, keys: Iterable[ec.EllipticCurvePublicKey], name: str) -> tuple[str, dict[str, object]]:
    """The key id and the signed object of a metablock signed by one of `keys`.

    Raises:
        NotVerified: malformed, an unknown field, not exactly one signature, no accepted key, or the
            signature does not fit.
    """
    block = parse_json(text, name)
    try:
        if set(block) != {"signatures", "signed"}:  # type: ignore[call-overload]
            raise ValueError("unknown fields")
        signed, [signature] = block["signed"], block["signatures"]  # type: ignore[index]
        if not isinstance(signed, dict) or set(signature) != {"keyid", "sig"}:
            raise ValueError("unknown fields")
        signer, raw, payload = str(signature["keyid"]), bytes.fromhex(signature["sig"]), canonical(signed)
    except (KeyError, TypeError, ValueError, RecursionError) as err:
        raise NotVerified(name, "malformed in-toto metadata", wanted="one signature over one object") from err
    known = {keyid(key): key for key in keys}
    if signer not in known:
        raise NotVerified(name, "signed by a key that is not accepted", got=f"key {signer[:8]}",
                          wanted=" or ".join(sorted(short[:8] for short in known)) or "some key",
                          do="`pedigree keys add` accepts a colleague's key; in a clone, `make repro` signs anew")
    try:
        known[signer].verify(raw, payload, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as err:
        raise NotVerified(name, "the signature does not fit the content") from err
    return signer, signed
