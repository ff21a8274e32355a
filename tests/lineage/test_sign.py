"""Signatures: equal bytes every time, accepted by openssl, refused after any change."""

import base64
import json
import subprocess

import pytest

from pipeline.lineage.sign import (
    PAYLOAD_TYPE,
    load_private_key,
    load_public_key,
    new_private_key,
    open_bundle,
    pae,
    parse_json,
    public_pem,
    sign_bundle,
)
from pipeline.schema.errors import BadInput, NotVerified

KEY = load_private_key(new_private_key(), "test")
PAYLOAD = b'{"_type": "x"}'


def test_the_same_payload_and_key_give_the_same_bundle():
    assert sign_bundle(PAYLOAD, KEY) == sign_bundle(PAYLOAD, KEY)


def test_the_pre_authentication_encoding_is_the_specifications_example():
    # DSSE v1 protocol.md: PAE(UTF8("http://example.com/HelloWorld"), UTF8("hello world"))
    assert pae("http://example.com/HelloWorld", b"hello world") == \
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_a_bundle_opens_with_its_key_and_gives_the_exact_payload():
    assert open_bundle(sign_bundle(PAYLOAD, KEY), [KEY.public_key()], "b") == PAYLOAD


def test_openssl_verifies_the_signature(tmp_path):
    envelope = json.loads(sign_bundle(PAYLOAD, KEY))["dsseEnvelope"]
    (tmp_path / "key.pub").write_bytes(public_pem(KEY.public_key()))
    (tmp_path / "pae").write_bytes(pae(PAYLOAD_TYPE, PAYLOAD))
    (tmp_path / "sig").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    command = ["openssl", "dgst", "-sha256", "-verify", "key.pub", "-signature", "sig", "pae"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).stdout == b"Verified OK\n"
    (tmp_path / "pae").write_bytes(pae(PAYLOAD_TYPE, PAYLOAD + b" "))
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 1


def changed(**edits: object) -> bytes:
    bundle = json.loads(sign_bundle(PAYLOAD, KEY))
    for path, value in edits.items():
        *parents, last = path.split("__")
        part = bundle
        for name in parents:
            part = part[name]
        part[last] = value
    return json.dumps(bundle).encode()


@pytest.mark.parametrize("edits", [
    {"dsseEnvelope__payload": base64.b64encode(b"{}").decode()},
    {"dsseEnvelope__payloadType": "text/plain"},
    {"dsseEnvelope__signatures": []},
    {"dsseEnvelope__signatures": [{"sig": "AAAA"}]},
    {"dsseEnvelope__payload": "not base64!"},
    {"mediaType": "other"},
    {"unknown": 1},
    {"verificationMaterial__publicKey__hint": "0" * 64},
])
def test_a_changed_bundle_is_refused(edits):
    with pytest.raises(NotVerified):
        open_bundle(changed(**edits), [KEY.public_key()], "b")


@pytest.mark.parametrize("text", [b'{"a": 1, "a": 2}', b"[NaN]", b"[" * 100_000, b"{", b'"\xff"'])
def test_json_that_two_readers_could_read_differently_is_refused(text):
    with pytest.raises(NotVerified):
        parse_json(text, "j")


def test_a_key_of_another_kind_is_refused():
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519

    pem = ed25519.Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with pytest.raises(BadInput, match="wrong kind of key"):
        load_private_key(pem, "k")
    with pytest.raises(BadInput, match="not a public key"):
        load_public_key(b"nonsense", "k")
