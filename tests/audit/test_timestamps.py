"""RFC 3161 time in key bundles: a good token tells when, a forged one is refused."""

import base64
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.audit.timestamps import attested_by, timestamp_attestation
from pipeline.lineage.keyring import Entry
from pipeline.lineage.sign import load_private_key, new_private_key, open_bundle, sign_bundle
from pipeline.lineage.timestamp import Authority, add_token, query, read_authorities, signed_by
from pipeline.schema.errors import BadInput, NotVerified
from tests.fake_sigstore import FakeSigstore, running

KEY = load_private_key(new_private_key(), "test")
LINE = sign_bundle(b'{"a": 1}', KEY)
OTHER = sign_bundle(b'{"a": 2}', KEY)


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Iterator[FakeSigstore]:
    with running(FakeSigstore(tmp_path_factory.mktemp("authority"))) as fake:
        yield fake


@pytest.fixture(scope="module")
def trusted(authority) -> list[Authority]:
    return read_authorities(json.dumps(authority.trust_config()).encode(), "trust.json")


@pytest.fixture(scope="module")
def stamped(authority) -> bytes:
    return stamp(authority, LINE)


def stamp(authority: FakeSigstore, line: bytes) -> bytes:
    asked = query(line, "bundle")
    return add_token(line, asked, answer(authority, asked.as_bytes()), "bundle")


def answer(authority: FakeSigstore, body: bytes) -> bytes:
    return authority.answer("/timestamp", {}, body)[2]


def token(line: bytes) -> bytes:
    [stamp] = json.loads(line)["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"]
    return base64.b64decode(stamp["signedTimestamp"])


def with_tokens(line: bytes, *tokens: bytes) -> bytes:
    bundle = json.loads(line)
    stamps = [{"signedTimestamp": base64.b64encode(token).decode()} for token in tokens]
    bundle["verificationMaterial"]["timestampVerificationData"] = {"rfc3161Timestamps": stamps}
    return json.dumps(bundle).encode()


def test_a_token_tells_when_and_leaves_the_signature_as_it_was(stamped, trusted):
    assert abs(signed_by(stamped, trusted, "bundle") - datetime.now(UTC)) < timedelta(minutes=5)
    assert open_bundle(stamped, [KEY.public_key()], "bundle") == b'{"a": 1}'
    plain = json.loads(stamped)
    del plain["verificationMaterial"]["timestampVerificationData"]
    assert plain == json.loads(LINE)


def test_a_bundle_without_a_token_has_no_time(trusted):
    assert signed_by(LINE, trusted, "bundle") is None


def test_a_token_for_another_signature_is_refused(stamped, trusted):
    with pytest.raises(NotVerified, match="Mismatch between messages"):
        signed_by(with_tokens(OTHER, token(stamped)), trusted, "bundle")


def test_a_backdated_token_is_refused(stamped, trusted):
    genuine = token(stamped)
    found = re.search(rb"\x18\x0f(20\d\d)\d{10}Z", genuine)
    assert found is not None
    forged = genuine[:found.start(1)] + b"2020" + genuine[found.end(1):]
    with pytest.raises(NotVerified, match="no trusted authority"):
        signed_by(with_tokens(LINE, forged), trusted, "bundle")


def test_a_token_with_a_byte_flipped_anywhere_is_refused_or_says_the_same(stamped, trusted):
    """What is not covered is the authority's root certificate that came along: it is never looked at."""
    genuine, refused = token(stamped), 0
    places = range(12, len(genuine), 23)
    for place in places:
        forged = genuine[:place] + bytes([genuine[place] ^ 1]) + genuine[place + 1:]
        try:
            assert signed_by(with_tokens(LINE, forged), trusted, "bundle") == signed_by(stamped, trusted, "bundle")
        except NotVerified:
            refused += 1
    assert refused > len(places) // 2


def test_a_good_token_does_not_excuse_a_forged_one(stamped, trusted, authority):
    other = token(stamp(authority, OTHER))
    with pytest.raises(NotVerified, match="token 2"):
        signed_by(with_tokens(LINE, token(stamped), other), trusted, "bundle")


def test_a_token_of_an_authority_nobody_trusts_is_refused(stamped, tmp_path):
    stranger = FakeSigstore(tmp_path)
    stranger.url = "http://127.0.0.1"
    untrusting = read_authorities(json.dumps(stranger.trust_config()).encode(), "trust.json")
    for authorities in (untrusting, []):
        with pytest.raises(NotVerified, match="no trusted authority"):
            signed_by(stamped, authorities, "bundle")


def test_an_authority_whose_word_did_not_count_then_is_refused(stamped, trusted):
    [genuine] = trusted
    yesterday = datetime.now(UTC) - timedelta(hours=1)
    for window in (genuine._replace(until=yesterday), genuine._replace(since=datetime.now(UTC) + timedelta(hours=1))):
        with pytest.raises(NotVerified, match="did not count"):
            signed_by(stamped, [window], "bundle")


def test_an_answer_to_another_query_is_not_taken(authority):
    asked = query(LINE, "bundle")
    for other in (query(LINE, "bundle"), query(OTHER, "bundle")):  # another nonce; another signature
        with pytest.raises(NotVerified, match="answered another query"):
            add_token(LINE, asked, answer(authority, other.as_bytes()), "bundle")


def test_a_refusal_and_rubbish_are_not_taken(authority):
    asked = query(LINE, "bundle")
    with pytest.raises(NotVerified, match="the timestamp authority refused"):
        add_token(LINE, asked, answer(authority, b"rubbish"), "bundle")
    with pytest.raises(NotVerified, match="not an RFC 3161 answer"):
        add_token(LINE, asked, b"rubbish", "bundle")


@pytest.mark.parametrize("stamps", [
    [], {"rfc3161Timestamps": None}, {"rfc3161Timestamps": [{}]}, {"rfc3161Timestamps": [], "note": 1},
    {"rfc3161Timestamps": [{"signedTimestamp": "!"}]}, {"rfc3161Timestamps": [{"signedTimestamp": ""}] * 9},
])
def test_malformed_timestamps_are_refused(stamps, trusted):
    bundle = json.loads(LINE)
    bundle["verificationMaterial"]["timestampVerificationData"] = stamps
    with pytest.raises(NotVerified, match="malformed timestamps"):
        signed_by(json.dumps(bundle).encode(), trusted, "bundle")


@pytest.mark.parametrize("trust", [
    b"", b"{}", b'{"timestampAuthorities": []}', b'{"timestampAuthorities": [{}]}',
    b'{"timestampAuthorities": [{"certChain": {"certificates": []}, "validFor": {"start": "2020-01-01T00:00:00Z"}}]}',
])
def test_a_trust_config_without_an_authority_is_refused(trust):
    with pytest.raises(BadInput, match="timestamp authorit"):
        read_authorities(trust, "trust.json")


def attestation(folder: Path) -> Path:
    folder.mkdir()
    (folder / "claims.jsonl").write_bytes(LINE + OTHER)
    (folder / "model.sig").write_bytes(LINE)
    (folder / "keyring.json").write_bytes(OTHER)
    return folder


def test_every_bundle_of_an_attestation_is_stamped(authority, trusted, tmp_path):
    folder = attestation(tmp_path / "attestation")
    timestamp_attestation(folder, f"{authority.url}/timestamp")
    time = attested_by(folder, trusted)
    lines = [line for name in ("claims.jsonl", "model.sig", "keyring.json")
             for line in (folder / name).read_bytes().splitlines()]
    times = [signed_by(line, trusted, "bundle") for line in lines]
    assert len(times) == 4
    assert time == max(times[:3])
    assert all(open_bundle(line, [KEY.public_key()], "bundle") for line in lines)


def test_a_rotated_keys_old_signature_holds_only_with_time(authority, trusted, tmp_path):
    folder = attestation(tmp_path / "attestation")
    now = datetime.now(UTC)
    retired_since = (now + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    entry = Entry("hint", "pem", ("attester",), "1970-01-01T00:00:00Z", retired_since)
    next_year = (now + timedelta(days=365)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert not entry.covers(next_year)  # judged later, without time: not to be told from a thief's signature
    with pytest.raises(NotVerified, match=r"claims.jsonl:1: has no timestamp"):
        attested_by(folder, trusted)
    timestamp_attestation(folder, f"{authority.url}/timestamp")
    assert entry.covers(attested_by(folder, trusted).strftime("%Y-%m-%dT%H:%M:%SZ"))
    too_early = entry._replace(until=(now - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert not too_early.covers(attested_by(folder, trusted).strftime("%Y-%m-%dT%H:%M:%SZ"))


def test_one_claim_without_a_token_leaves_the_whole_without_a_time(authority, trusted, tmp_path):
    folder = attestation(tmp_path / "attestation")
    timestamp_attestation(folder, f"{authority.url}/timestamp")
    claims = folder / "claims.jsonl"
    claims.write_bytes(claims.read_bytes().splitlines(keepends=True)[0] + OTHER)
    with pytest.raises(NotVerified, match=r"claims.jsonl:2: has no timestamp"):
        attested_by(folder, trusted)


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "file:///etc/passwd", "http://127.0.0.1:1/"])
def test_an_authority_that_cannot_be_asked_leaves_the_files_as_they_were(tmp_path, url):
    folder = attestation(tmp_path / "attestation")
    with pytest.raises(BadInput):
        timestamp_attestation(folder, url)
    assert (folder / "claims.jsonl").read_bytes() == LINE + OTHER
