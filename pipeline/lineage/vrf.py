"""A keyed hash of a document whose value its holder can prove without giving the key away.

A verifiable random function: `evaluate` needs the secret; `verify` needs only the public key and
accepts exactly one value per input (full uniqueness: even whoever made the key cannot prove two).
Scalar multiplication is OpenSSL's, through its Diffie-Hellman; only adding two points is done here.

Source: RFC 9381, ciphersuite ECVRF-P256-SHA256-TAI (sections 5.1 to 5.5; test vectors: B.1).
Bytes in, bytes out.
"""

import hashlib
import hmac
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec

from pipeline.schema.errors import NotVerified

PROOF_BYTES = 81
"""A compressed point (33), the challenge (16), the response (32)."""

_CURVE = ec.SECP256R1()
_SUITE = b"\x01"
_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
_Q = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Field, curve coefficient b (a is -3) and group order of P-256: FIPS 186-4, D.1.2.3. Cofactor 1."""


class Point(NamedTuple):
    """An affine point of P-256, never the one at infinity."""

    x: int
    y: int


class Secret:
    """A secret scalar, ready to be used on many inputs."""

    def __init__(self, seed: bytes) -> None:
        """The key that 32 uniform bytes stand for (as a big-endian number below the group's order).

        Raises:
            ValueError: zero, or not below the order (for random bytes: less than one in 2**32).
        """
        self.scalar = int.from_bytes(seed, "big")
        self._key = ec.derive_private_key(self.scalar, _CURVE)
        self.public = _encode(_numbers(self._key.public_key()))

    def evaluate(self, alpha: bytes) -> bytes:
        """The value at `alpha`, 32 bytes: the hash of Gamma's x-coordinate.

        RFC 9381's own output hashes Gamma with the sign of y as well. The sign adds nothing and
        would cost a second multiplication a document: x determines Gamma up to its sign, and a
        proof holds for one Gamma only.
        """
        return _value(self._key.exchange(ec.ECDH(), _encode_to_curve(self.public, alpha)))

    def prove(self, alpha: bytes) -> bytes:
        """The proof of `evaluate(alpha)`: RFC 9381 section 5.1."""
        base = _numbers(_encode_to_curve(self.public, alpha))
        gamma = _times(self.scalar, base)
        nonce = _nonce(self.scalar, _encode(base))
        commitments = _encode(_times_base(nonce)), _encode(_times(nonce, base))
        challenge = _challenge(self.public, _encode(base), _encode(gamma), *commitments)
        response = (nonce + challenge * self.scalar) % _Q
        return _encode(gamma) + challenge.to_bytes(16, "big") + response.to_bytes(32, "big")


def verify(public: bytes, alpha: bytes, proof: bytes, name: str) -> bytes:
    """The value at `alpha` that `proof` shows, under the compressed public key: RFC 9381 section 5.3.

    Raises:
        NotVerified: the proof, called `name`, does not hold.
    """
    try:
        if len(proof) != PROOF_BYTES:
            raise ValueError(f"{len(proof)} bytes, not {PROOF_BYTES}")
        key, gamma = _decode(public), _decode(proof[:33])
        challenge, response = int.from_bytes(proof[33:49], "big"), int.from_bytes(proof[49:], "big")
        if not (challenge > 0 and 0 < response < _Q):
            raise ValueError("a number out of range")
        base = _numbers(_encode_to_curve(public, alpha))
        # s*B - c*Y and s*H - c*Gamma
        first = _add(_times_base(response), _times(_Q - challenge, key))
        second = _add(_times(response, base), _times(_Q - challenge, gamma))
        found = _challenge(public, _encode(base), _encode(gamma), _encode(first), _encode(second))
    except ValueError as err:
        raise NotVerified(name, f"not a proof of RFC 9381 ({err})", wanted="ECVRF-P256-SHA256-TAI") from err
    if found != challenge:
        raise NotVerified(name, "the key's owner did not compute this value for this document")
    return _value(gamma.x.to_bytes(32, "big"))


def _value(gamma_x: bytes) -> bytes:
    return hashlib.sha256(b"pedigree leaf v1\x00" + gamma_x).digest()


def _encode_to_curve(salt: bytes, alpha: bytes) -> ec.EllipticCurvePublicKey:
    """Try and increment, RFC 9381 section 5.4.1.1. Its time depends on `alpha`, which is no secret here."""
    for counter in range(256):
        x = hashlib.sha256(_SUITE + b"\x01" + salt + alpha + bytes([counter]) + b"\x00").digest()
        try:
            return ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, b"\x02" + x)
        except ValueError:
            continue
    raise ValueError("no point found")  # one input in 2**256


def _challenge(*points: bytes) -> int:
    return int.from_bytes(hashlib.sha256(_SUITE + b"\x02" + b"".join(points) + b"\x00").digest()[:16], "big")


def _nonce(scalar: int, message: bytes) -> int:
    """RFC 6979 section 3.2 with SHA-256, on the hash of `message`."""
    seed = scalar.to_bytes(32, "big") + (int.from_bytes(hashlib.sha256(message).digest(), "big") % _Q).to_bytes(
        32, "big")
    key, value = b"\x00" * 32, b"\x01" * 32
    for mark in (b"\x00", b"\x01"):
        key = hmac.digest(key, value + mark + seed, "sha256")
        value = hmac.digest(key, value, "sha256")
    while True:
        value = hmac.digest(key, value, "sha256")
        if 0 < (nonce := int.from_bytes(value, "big")) < _Q:
            return nonce
        key = hmac.digest(key, value + b"\x00", "sha256")
        value = hmac.digest(key, value, "sha256")


def _times_base(scalar: int) -> Point:
    return _numbers(ec.derive_private_key(scalar, _CURVE).public_key())


def _times(scalar: int, point: Point) -> Point:
    """`scalar * point`, with y recovered from the x of `scalar * point` and of `(scalar + 1) * point`.

    The chord through P and kP meets the curve at -(k+1)P, which fixes y(kP) (Okeya and Sakurai,
    CHES 2001, in affine coordinates).
    """
    key = _to_key(point)
    x, following = (int.from_bytes(ec.derive_private_key(k % _Q, _CURVE).exchange(ec.ECDH(), key), "big")
                    for k in (scalar, scalar + 1))
    numerator = _right_side(x) + _right_side(point.x) - (following + x + point.x) * (x - point.x) ** 2
    return Point(x, numerator * pow(2 * point.y, -1, _P) % _P)


def _add(one: Point, other: Point) -> Point:
    """Two different points that are not each other's opposite: the only case an honest proof has.

    Raises:
        ValueError: the same x.
    """
    slope = (other.y - one.y) * pow(other.x - one.x, -1, _P) % _P
    x = (slope * slope - one.x - other.x) % _P
    return Point(x, (slope * (one.x - x) - one.y) % _P)


def _right_side(x: int) -> int:
    return (x**3 - 3 * x + _B) % _P


def _encode(point: Point) -> bytes:
    return bytes([2 + point.y % 2]) + point.x.to_bytes(32, "big")


def _decode(data: bytes) -> Point:
    """A compressed point; raises ValueError for anything else (the point at infinity included)."""
    if len(data) != 33:
        raise ValueError("not a compressed point")
    return _numbers(ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, data))


def _to_key(point: Point) -> ec.EllipticCurvePublicKey:
    return ec.EllipticCurvePublicNumbers(point.x, point.y, _CURVE).public_key()


def _numbers(key: ec.EllipticCurvePublicKey) -> Point:
    numbers = key.public_numbers()
    return Point(numbers.x, numbers.y)
