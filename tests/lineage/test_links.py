"""Links and layouts: in-toto's own bytes, read strictly, refused when one thing is off."""

import json

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from in_toto.models.link import Link as InTotoLink
from in_toto.models.metadata import Metablock
from securesystemslib.formats import encode_canonical
from securesystemslib.signer import Signature, SSlibKey

from pipeline.lineage.links import artifact_name, artifact_path, link_file, open_link, sign_link
from pipeline.lineage.metablock import canonical, keyid, sign_metablock
from pipeline.lineage.sign import load_private_key, new_private_key
from pipeline.schema.errors import NotVerified

KEY = load_private_key(new_private_key(), "k")
A, B = "a" * 64, "b" * 64

values = st.recursive(st.none() | st.booleans() | st.integers() | st.text(),
                      lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10)


@given(values)
def test_canonical_json_is_that_of_securesystemslib(value):
    assert canonical(value) == encode_canonical(value).encode()


def test_canonical_json_holds_no_float():
    with pytest.raises(TypeError, match="float"):
        canonical({"a": 0.5})


def test_a_key_has_the_id_in_toto_gives_it():
    assert keyid(KEY.public_key()) == SSlibKey.from_crypto(KEY.public_key()).keyid


class InTotoSigner:
    """What in-toto calls to sign."""

    def sign(self, payload: bytes) -> Signature:
        signature = KEY.sign(payload, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
        return Signature(SSlibKey.from_crypto(KEY.public_key()).keyid, signature.hex())


def test_a_link_has_the_bytes_that_in_toto_writes(tmp_path):
    block = Metablock(signed=InTotoLink(
        name="dpo@1", command=["python", "-m", "pipeline.stages.dpo", "--round", "1", "a b"],
        materials={"dir:models/sft": {"sha256": A}}, products={"m.json": {"sha256": B}}))
    block.create_signature(InTotoSigner())
    block.dump(str(tmp_path / "theirs"))
    ours = sign_link("dpo@1", "python -m pipeline.stages.dpo --round 1 'a b'", {"dir:models/sft": A}, {"m.json": B},
                     KEY)
    assert ours == (tmp_path / "theirs").read_bytes()


def signed(**changes: object) -> bytes:
    link = json.loads(sign_link("sft", "true", {"dir:m": A}, {"o": B}, KEY))["signed"]
    return sign_metablock(link | changes, KEY)


def test_a_link_is_read_as_it_was_written():
    link = open_link(signed(), [KEY.public_key()], "l")
    assert (link.stage, link.materials, link.products, link.command) == ("sft", {"dir:m": A}, {"o": B}, ["true"])
    assert link_file("sft", KEY.public_key()) == f"sft.{link.keyid[:8]}.link"


@pytest.mark.parametrize("changes", [
    {"more": 1}, {"_type": "layout"}, {"byproducts": {"return-value": 0}}, {"environment": {"host": "x"}},
    {"command": "true"}, {"materials": {"dir:m": {"sha512": A}}}, {"products": {"o": {"sha256": "0"}}},
    {"products": []}, {"command": [1]},
])
def test_a_signed_link_with_another_form_is_refused(changes):
    with pytest.raises(NotVerified, match="not a stage's link"):
        open_link(signed(**changes), [KEY.public_key()], "l")


def test_every_flipped_byte_of_a_link_is_refused():
    text = signed()
    for position in range(0, len(text), 7):
        flipped = bytearray(text)
        flipped[position] ^= 1
        if json.loads(text) != _parsed(flipped):
            with pytest.raises(NotVerified):
                open_link(bytes(flipped), [KEY.public_key()], "l")


def _parsed(text: bytes) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def test_a_link_of_a_stranger_is_refused():
    stranger = load_private_key(new_private_key(), "s").public_key()
    with pytest.raises(NotVerified, match="not accepted"):
        open_link(signed(), [stranger], "l")


def test_a_second_signature_is_refused():
    block = json.loads(signed())
    block["signatures"] *= 2
    with pytest.raises(NotVerified, match="malformed"):
        open_link(json.dumps(block).encode(), [KEY.public_key()], "l")


@given(st.text(min_size=1).filter(lambda path: not path.startswith("dir:")), st.booleans())
def test_a_path_survives_its_artefact_name(path, is_dir):
    assert artifact_path(artifact_name(path, is_dir)) == path
