"""Trusted time for a signature: an RFC 3161 token over it, kept in its bundle.

A token says that a signature existed at a time, on the word of a timestamp authority. With it, what
a key signed before it was retired stays good; without it nobody can tell that from what a thief of
the retired key signs today.

Sources: RFC 3161 section 2.4 (query, answer, token); sigstore/protobuf-specs `sigstore_bundle.proto`,
`TimestampVerificationData`; `sigstore_trustroot.proto`, `CertificateAuthority`.
Bytes in, values out; the caller talks to the authority.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    PKIStatus,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerifierBuilder,
    decode_timestamp_response,
)
from rfc3161_client.tsp import TimeStampRequest

from pipeline.lineage.manifest import sha256
from pipeline.lineage.sign import parse_json
from pipeline.schema.errors import BadInput, NotVerified

MAX_TOKENS = 8
"""One is enough; a bundle with more than a few was made to keep a verifier busy."""


class Authority(NamedTuple):
    """A timestamp authority that the verifier trusts."""

    certificates: tuple[x509.Certificate, ...]
    """The one that signs first, the root last."""
    since: datetime
    until: datetime | None
    """From here on its word counts no more; what it said before still does."""


def read_authorities(trust: bytes, name: str) -> list[Authority]:
    """The timestamp authorities in a Sigstore client trust config or trusted root.

    Raises:
        BadInput: it names none, or not in that form.
    """
    try:
        value: Any = parse_json(trust, name)
        entries = value.get("trustedRoot", value)["timestampAuthorities"]
        found = [_authority(entry) for entry in entries]
    except (NotVerified, KeyError, TypeError, ValueError, AttributeError) as err:
        raise BadInput(name, f"no timestamp authorities readable ({type(err).__name__}: {err})",
                       wanted="a Sigstore client trust config or trusted root with timestampAuthorities") from err
    if not found:
        raise BadInput(name, "names no timestamp authority", wanted="at least one in timestampAuthorities")
    return found


def query(line: bytes, name: str) -> TimeStampRequest:
    """What to ask an authority: SHA-256 of the bundle's signature, a nonce, the certificate with the answer."""
    builder = TimestampRequestBuilder().data(signature_of(line, name)).hash_algorithm(HashAlgorithm.SHA256)
    return builder.nonce(nonce=True).cert_request(cert_request=True).build()


def add_token(line: bytes, asked: TimeStampRequest, answer: bytes, name: str) -> bytes:
    """The bundle with the authority's answer in it; everything else in it stays as it was.

    Checks that the answer is to this query. That the authority is one to trust is checked by who verifies.

    Raises:
        NotVerified: refused, malformed, another nonce, or about other bytes.
    """
    response = _decode(answer, name)
    if response.status != PKIStatus.GRANTED:
        raise NotVerified(name, "the timestamp authority refused", wanted="granted", got=f"status {response.status}")
    info = response.tst_info
    if info.nonce != asked.nonce or info.message_imprint.message != asked.message_imprint.message:
        raise NotVerified(name, "the timestamp authority answered another query")
    bundle: Any = parse_json(line, name)
    stamps = bundle["verificationMaterial"].setdefault("timestampVerificationData", {"rfc3161Timestamps": []})
    stamps["rfc3161Timestamps"].append({"signedTimestamp": base64.b64encode(answer).decode()})
    return json.dumps(bundle, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def signed_by(line: bytes, authorities: Sequence[Authority], name: str) -> datetime | None:
    """The earliest time by which, on some authority's word, the bundle was signed; None without a token.

    Raises:
        NotVerified: malformed, or any token in it is not such a word. A bundle with one good and one
            forged token is refused: somebody meant it to deceive.
    """
    tokens = _tokens(line, name)
    signature = signature_of(line, name)
    times = [_check(token, signature, authorities, f"{name}: token {number}")
             for number, token in enumerate(tokens, start=1)]
    return min(times, default=None)


def signature_of(line: bytes, name: str) -> bytes:
    """The raw bytes of a bundle's one DSSE signature.

    Raises:
        NotVerified: there is none.
    """
    bundle: Any = parse_json(line, name)
    try:
        [signature] = bundle["dsseEnvelope"]["signatures"]
        return base64.b64decode(signature["sig"], validate=True)
    except (KeyError, TypeError, ValueError) as err:
        raise NotVerified(name, "malformed bundle", wanted="one DSSE signature") from err


def _tokens(line: bytes, name: str) -> list[bytes]:
    bundle: Any = parse_json(line, name)
    try:
        stamps = bundle["verificationMaterial"].get("timestampVerificationData", {"rfc3161Timestamps": []})
        if set(stamps) != {"rfc3161Timestamps"} or len(stamps["rfc3161Timestamps"]) > MAX_TOKENS:
            raise ValueError("timestampVerificationData")
        return [base64.b64decode(stamp["signedTimestamp"], validate=True) for stamp in stamps["rfc3161Timestamps"]]
    except (KeyError, TypeError, ValueError, AttributeError) as err:
        raise NotVerified(name, "malformed timestamps in the bundle",
                          wanted=f"at most {MAX_TOKENS} RFC 3161 tokens") from err


def _check(token: bytes, signature: bytes, authorities: Sequence[Authority], name: str) -> datetime:
    response = _decode(token, name)
    reasons = []
    for authority in authorities:
        reason = _objection(response, signature, authority)
        if not reason:
            return response.tst_info.gen_time  # read before, in `_objection`
        reasons.append(reason)
    raise NotVerified(name, "no trusted authority gave this timestamp for this signature",
                      got="; ".join(reasons) or "no authority to trust")


def _objection(response: TimeStampResponse, signature: bytes, authority: Authority) -> str:
    """Why the token is not this authority's word for the signature; "" when it is."""
    leaf, *rest = authority.certificates
    builder = VerifierBuilder(tsa_certificate=leaf, intermediates=list(rest[:-1]), roots=[rest[-1] if rest else leaf])
    try:
        builder.build().verify_message(response, signature)
        time = response.tst_info.gen_time
    except Exception as err:  # hostile certificates and times make its parsers raise whatever they have
        return str(err) or type(err).__name__
    if time < authority.since or (authority.until is not None and time >= authority.until):
        return f"given at {time}, when the authority's word did not count"
    return ""


def _decode(answer: bytes, name: str) -> TimeStampResponse:
    try:
        return decode_timestamp_response(answer)
    except ValueError as err:
        raise NotVerified(name, f"not an RFC 3161 answer ({err})", got=f"sha256 {sha256(answer)[:16]}") from err


def _authority(entry: Mapping[str, Any]) -> Authority:
    certificates = [x509.load_der_x509_certificate(base64.b64decode(certificate["rawBytes"], validate=True))
                    for certificate in entry["certChain"]["certificates"]]
    if not certificates:
        raise ValueError("an authority without a certificate")
    window = entry["validFor"]
    until = window.get("end")
    return Authority(tuple(certificates), _time(window["start"]), None if until is None else _time(until))


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return time
