"""Sign statements: DSSE envelopes in Sigstore bundles, with one P-256 key and equal bytes on every run.

ECDSA is made deterministic by RFC 6979, so a rebuilt attestation is byte-identical; P-256 is the
curve that every client we name in docs/verify.md accepts.

Sources: DSSE v1.0.2 `protocol.md` (PAE); sigstore/protobuf-specs `sigstore_bundle.proto` v0.3;
RFC 6979 section 3.2.
"""

import base64
import json
import math
import re
from collections.abc import Callable
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from pipeline.lineage.manifest import sha256
from pipeline.schema.errors import BadInput, NotVerified

PAYLOAD_TYPE = "application/vnd.in-toto+json"
BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
MAX_BUNDLE_BYTES = 16 * 2**20
"""A claim is text about files, not the files; a larger one is not read."""
MAX_DEPTH = 64
"""Objects and arrays in each other; our statements have about 12."""

_BUNDLE_KEYS = {"mediaType", "verificationMaterial", "dsseEnvelope"}


class SigningKey(Protocol):
    """What signs: a P-256 private key of `cryptography`, or one kept in hardware behind the same two calls."""

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The public half."""

    def sign(self, data: bytes, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """An ECDSA signature of `data` in DER."""


def sign_bytes(data: bytes, key: SigningKey) -> bytes:
    """The signature of `data`; a key of ours gives the same bytes each time (RFC 6979)."""
    return key.sign(data, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))


def new_private_key(passphrase: bytes = b"") -> bytes:
    """A fresh P-256 key as PKCS#8 PEM, encrypted when there is a passphrase."""
    key = ec.generate_private_key(ec.SECP256R1())
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def load_private_key(pem: bytes, name: str, passphrase: Callable[[str], bytes] | None = None,
                     ) -> ec.EllipticCurvePrivateKey:
    """The key in `pem`; `name` is for errors. `passphrase(name)` is called only when it is encrypted.

    Raises:
        BadInput: not a P-256 key in PEM, or the passphrase does not open it.
    """
    encrypted = b"ENCRYPTED PRIVATE KEY" in pem
    secret = passphrase(name) if encrypted and passphrase is not None else None
    try:
        key = serialization.load_pem_private_key(pem, password=secret)
    except (ValueError, TypeError) as err:
        raise BadInput(name, "not a usable private key", wanted="P-256 PEM" + ", or its passphrase" * encrypted,
                       got=f"{type(err).__name__}: {err}") from err
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise BadInput(name, "wrong kind of key", wanted="ECDSA P-256", got=type(key).__name__)
    return key


def load_public_key(pem: bytes, name: str) -> ec.EllipticCurvePublicKey:
    """The public key in `pem`; `name` is for errors.

    Raises:
        BadInput: not a P-256 public key in PEM.
    """
    try:
        key = serialization.load_pem_public_key(pem)
    except ValueError as err:
        raise BadInput(name, f"not a public key ({err})", wanted="P-256 PEM") from err
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise BadInput(name, "wrong kind of key", wanted="ECDSA P-256", got=type(key).__name__)
    return key


def public_pem(key: ec.EllipticCurvePublicKey) -> bytes:
    """The key as SubjectPublicKeyInfo PEM."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def key_hint(key: ec.EllipticCurvePublicKey) -> str:
    """How a bundle names its key: sha256 of the PEM text (the hint OpenSSF Model Signing checks)."""
    return sha256(public_pem(key))


def pae(payload_type: str, payload: bytes) -> bytes:
    """The bytes that are signed: DSSE's pre-authentication encoding."""
    return b"DSSEv1 %d %s %d %s" % (len(payload_type), payload_type.encode(), len(payload), payload)


def sign_bundle(payload: bytes, key: SigningKey, payload_type: str = PAYLOAD_TYPE) -> bytes:
    """One line of JSON: a Sigstore bundle around the exact bytes of `payload` (an in-toto statement)."""
    signature = sign_bytes(pae(payload_type, payload), key)
    bundle = {
        "mediaType": BUNDLE_TYPE,
        "verificationMaterial": {"publicKey": {"hint": key_hint(key.public_key())}, "tlogEntries": []},
        "dsseEnvelope": {
            "payload": base64.b64encode(payload).decode(),
            "payloadType": payload_type,
            "signatures": [{"sig": base64.b64encode(signature).decode(), "keyid": ""}],
        },
    }
    return json.dumps(bundle, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def open_bundle(line: bytes, keys: list[ec.EllipticCurvePublicKey], name: str,
                wanted_type: str = PAYLOAD_TYPE) -> bytes:
    """The payload of a bundle signed by one of `keys`, exactly as signed.

    Raises:
        NotVerified: malformed, an unknown field or type, not exactly one signature, no accepted
            key, or the signature does not fit.
    """
    bundle = parse_json(line, name)
    if not isinstance(bundle, dict) or set(bundle) != _BUNDLE_KEYS or bundle["mediaType"] != BUNDLE_TYPE:
        raise NotVerified(name, "not a Sigstore bundle", wanted=BUNDLE_TYPE)
    try:
        envelope = bundle["dsseEnvelope"]
        payload = base64.b64decode(envelope["payload"], validate=True)
        [signature] = [base64.b64decode(entry["sig"], validate=True) for entry in envelope["signatures"]]
        hint, payload_type = bundle["verificationMaterial"]["publicKey"]["hint"], envelope["payloadType"]
    except (KeyError, TypeError, ValueError) as err:
        raise NotVerified(name, "malformed bundle", wanted="one DSSE signature over one payload") from err
    if payload_type != wanted_type:
        raise NotVerified(name, "wrong payload type", wanted=wanted_type, got=repr(payload_type))
    key = next((key for key in keys if key_hint(key) == hint), None)
    if key is None:
        raise NotVerified(name, "signed by a key that is not accepted", got=f"key {str(hint)[:16]}",
                          wanted=" or ".join(key_hint(key)[:16] for key in keys) or "some key")
    try:
        key.verify(signature, pae(wanted_type, payload), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as err:
        raise NotVerified(name, "the signature does not fit the payload") from err
    return payload


def parse_json(text: bytes, name: str) -> object:
    """JSON in UTF-8 without duplicate keys, numbers that are none, huge size or deep nesting.

    Raises:
        NotVerified: any of these, or not JSON.
    """
    if len(text) > MAX_BUNDLE_BYTES:
        raise NotVerified(name, "too large", wanted=f"at most {MAX_BUNDLE_BYTES} bytes", got=str(len(text)))
    try:
        value = json.loads(text.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_refuse)
        _check_depth(value)
        return value
    except (ValueError, RecursionError) as err:
        raise NotVerified(name, f"not acceptable JSON ({type(err).__name__}: {str(err)[:120]})") from err


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values: dict[str, object] = {}
    for key, value in pairs:
        if key in values:
            raise ValueError(f"key {key!r} occurs twice")
        values[key] = value
    return values


def _check_depth(value: object) -> None:
    """Whoever reads the value may recurse over it. Also refuses 1e999, which Python reads as infinity."""
    todo: list[tuple[object, int]] = [(value, 1)]
    while todo:
        item, depth = todo.pop()
        if isinstance(item, float) and not math.isfinite(item):
            raise ValueError("a number that is not finite")
        if not isinstance(item, dict | list):
            continue
        if depth > MAX_DEPTH:
            raise ValueError(f"nested deeper than {MAX_DEPTH}")
        todo += [(each, depth + 1) for each in (item.values() if isinstance(item, dict) else item)]


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")


def is_sha256(text: object) -> bool:
    """Whether `text` is 64 lower-case hex digits."""
    return isinstance(text, str) and re.fullmatch(r"[0-9a-f]{64}", text) is not None
