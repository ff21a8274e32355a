"""The verifiable random function, against the RFC's vectors and against whoever would cheat with it."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.lineage import vrf
from pipeline.schema.errors import NotVerified

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
# RFC 9381, appendix B.1, examples 10 to 12: secret, public, alpha, proof
VECTORS = [
    ("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
     "0360fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6", b"sample",
     "035b5c726e8c0e2c488a107c600578ee75cb702343c153cb1eb8dec77f4b5071b4a53f0a46f018bc2c56e58d383f2305e0"
     "975972c26feea0eb122fe7893c15af376b33edf7de17c6ea056d4d82de6bc02f"),
    ("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
     "0360fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6", b"test",
     "034dac60aba508ba0c01aa9be80377ebd7562c4a52d74722e0abae7dc3080ddb56c19e067b15a8a8174905b13617804534"
     "214f935b94c2287f797e393eb0816969d864f37625b443f30f1a5a33f2b3c854"),
    ("2ca1411a41b17b24cc8c3b089cfd033f1920202a6c0de8abb97df1498d50d2c8",
     "03596375e6ce57e0f20294fc46bdfcfd19a39f8161b58695b3ec5b3d16427c274d",
     b"Example using ECDSA key from Appendix L.4.2 of ANSI.X9-62-2005",
     "03d03398bf53aa23831d7d1b2937e005fb0062cbefa06796579f2a1fc7e7b8c667d091c00b0f5c3619d10ecea44363b5a5"
     "99cadc5b2957e223fec62e81f7b4825fc799a771a3d7334b9186bdbee87316b1"),
]
SECRET = vrf.Secret(bytes.fromhex(VECTORS[0][0]))
OTHER = vrf.Secret(bytes.fromhex(VECTORS[2][0]))


@pytest.mark.parametrize(("secret", "public", "alpha", "proof"), VECTORS)
def test_keys_and_proofs_are_those_of_the_rfc(secret, public, alpha, proof):
    key = vrf.Secret(bytes.fromhex(secret))
    assert key.public.hex() == public
    assert key.prove(alpha).hex() == proof
    assert vrf.verify(key.public, alpha, bytes.fromhex(proof), "proof") == key.evaluate(alpha)


@settings(max_examples=25)
@given(st.integers(1, ORDER - 2), st.binary(max_size=100))
def test_what_a_proof_shows_is_what_the_secret_computes(scalar, alpha):
    key = vrf.Secret(scalar.to_bytes(32, "big"))
    assert vrf.verify(key.public, alpha, key.prove(alpha), "proof") == key.evaluate(alpha)


@settings(max_examples=40)
@given(st.integers(0, 8 * vrf.PROOF_BYTES - 1))
def test_a_proof_with_one_bit_changed_is_refused(bit):
    proof = bytearray(SECRET.prove(b"sample"))
    proof[bit // 8] ^= 1 << bit % 8
    with pytest.raises(NotVerified):
        vrf.verify(SECRET.public, b"sample", bytes(proof), "proof")


def test_a_proof_for_another_input_or_of_another_key_is_refused():
    for public, alpha in ((SECRET.public, b"other"), (OTHER.public, b"sample")):
        with pytest.raises(NotVerified, match="did not compute"):
            vrf.verify(public, alpha, SECRET.prove(b"sample"), "proof")


def test_the_opposite_point_is_refused_although_it_has_the_same_x():
    proof = SECRET.prove(b"sample")
    with pytest.raises(NotVerified):
        vrf.verify(SECRET.public, b"sample", bytes([proof[0] ^ 1]) + proof[1:], "proof")


@pytest.mark.parametrize("proof", [
    b"", b"\x02" * 80, b"\x00" * 81, b"\xff" * 81, b"\x04" + b"\x01" * 80,
    VECTORS[0][3].encode(),
])
def test_what_is_not_even_a_proof_is_refused_in_the_same_words(proof):
    with pytest.raises(NotVerified, match="not a proof of RFC 9381"):
        vrf.verify(SECRET.public, b"sample", proof, "proof")


@pytest.mark.parametrize("number", [0, 1, ORDER - 1, ORDER])
@pytest.mark.parametrize("field", ["challenge", "response"])
def test_numbers_at_the_edges_are_refused_and_never_crash(number, field):
    proof = SECRET.prove(b"sample")
    if field == "challenge":
        forged = proof[:33] + (number % 2**128).to_bytes(16, "big") + proof[49:]
    else:
        forged = proof[:49] + number.to_bytes(32, "big")
    with pytest.raises(NotVerified):
        vrf.verify(SECRET.public, b"sample", forged, "proof")


@pytest.mark.parametrize("public", [b"", b"\x00" * 33, b"\x02" + b"\xff" * 32, b"\x05" + SECRET.public[1:]])
def test_a_public_key_off_the_curve_is_refused(public):
    with pytest.raises(NotVerified, match="not a proof of RFC 9381"):
        vrf.verify(public, b"sample", SECRET.prove(b"sample"), "proof")


@pytest.mark.parametrize("seed", [0, ORDER, 2**256 - 1])
def test_a_seed_that_is_no_scalar_is_refused(seed):
    with pytest.raises(ValueError):
        vrf.Secret(seed.to_bytes(32, "big"))


@settings(max_examples=20)
@given(st.integers(2, ORDER - 2), st.integers(2, ORDER - 2))
def test_our_point_arithmetic_agrees_with_openssl(one, other):
    def point(scalar):
        return vrf._times_base(scalar % ORDER)

    assert vrf._times(other, point(one)) == point(one * other)
    if one not in (other, ORDER - other):
        assert vrf._add(point(one), point(other)) == point(one + other)


def test_the_curve_constants_are_those_openssl_has():
    generator = ec.derive_private_key(1, ec.SECP256R1()).public_key().public_numbers()
    assert vrf._right_side(generator.x) == generator.y**2 % vrf._P
    assert vrf._times_base(ORDER - 1).x == generator.x
