"""Keys and the keyring: who may sign what, from when to when, and what becomes of it afterwards."""

import json
import os
import stat
from pathlib import Path

import pytest

from pipeline.audit import keys
from pipeline.audit.cli import main
from pipeline.audit.keys import add, make, revoke, rotate
from pipeline.lineage.keyring import BEGINNING, open_keyring
from pipeline.lineage.roles import ROLES
from pipeline.lineage.sign import key_hint, load_public_key, open_bundle, public_pem, sign_bundle
from pipeline.schema.errors import BadInput, NotVerified
from pipeline.stage.keyring import current_key, current_keyring, root_key, signed_keyring
from pipeline.stage.keys import find_key, make_key, signing_key
from pipeline.stage.remote_key import RemoteKey

EARLY, MIDDLE, LATE = "2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z", "2027-01-01T00:00:00Z"


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("PEDIGREE_KEYS", str(tmp_path / "keys"))
    monkeypatch.delenv("PEDIGREE_KEY_PASSPHRASE", raising=False)
    return tmp_path / "keys"


def hint(role: str) -> str:
    return key_hint(current_key(role, current_keyring()).public_key())


def test_a_key_made_on_first_use_has_every_role_and_no_date(folder):
    signing_key("trainer")
    [entry] = current_keyring().entries
    assert (set(entry.roles), entry.since, entry.until) == (set(ROLES), BEGINNING, None)
    assert not (folder / "keyring.json").exists()
    assert signed_keyring() == signed_keyring()


def test_a_role_with_a_key_of_its_own_takes_it_from_the_shared_key(folder):
    signing_key("trainer")
    shared = hint("trainer")
    own = make("trainer", MIDDLE, None, b"")
    assert hint("trainer") == own != shared == hint("evaluator")
    held = {(entry.hint, role): (entry.since, entry.until) for entry in current_keyring().entries
            for role in entry.roles}
    assert held[shared, "trainer"] == (BEGINNING, MIDDLE)
    assert held[shared, "evaluator"] == (BEGINNING, None)
    assert held[own, "trainer"] == (MIDDLE, None)


def test_the_first_key_made_by_command_gets_a_root_key_beside_it(folder):
    own = make("trainer", EARLY, None, b"")
    assert sorted(path.name for path in folder.glob("*.pem")) == ["root.pem", "trainer.pem"]
    assert key_hint(root_key().public_key()) != own
    with pytest.raises(BadInput, match="no key that signs for evaluator"):
        signing_key("evaluator")


def test_every_private_key_is_its_owners_alone(folder):
    make("", EARLY, None, b"")
    rotate("", MIDDLE, b"")
    for path in folder.rglob("*.pem"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def test_a_rotated_key_ends_where_the_new_one_begins_and_stays_in_the_ring(folder):
    make("", EARLY, None, b"")
    old, new = hint("trainer"), rotate("", MIDDLE, b"")
    ring = {entry.hint: entry for entry in current_keyring().entries}
    assert ring[old].until == ring[new].since == MIDDLE
    assert hint("attester") == new
    assert {key_hint(key) for key in current_keyring().functionaries("trainer")} == {old, new}
    assert ring[old].covers(EARLY)
    assert not ring[old].covers(MIDDLE)
    assert ring[new].covers(MIDDLE)


def test_rotating_the_shared_key_leaves_the_root_that_auditors_know(folder):
    signing_key("trainer")
    root = key_hint(root_key().public_key())
    rotate("", MIDDLE, b"")
    assert key_hint(root_key().public_key()) == root != hint("trainer")


def test_a_rotated_root_key_signs_the_ring_and_the_old_one_no_more(folder):
    make("", EARLY, None, b"")
    old = root_key().public_key()
    rotate("root", MIDDLE, b"")
    with pytest.raises(NotVerified, match="not accepted"):
        open_keyring(signed_keyring(), [old], "keyring.json")
    assert open_keyring(signed_keyring(), [root_key().public_key()], "keyring.json").entries


def test_each_change_raises_the_version(folder):
    make("", EARLY, None, b"")
    versions = [current_keyring().version]
    for change in (lambda: make("trainer", MIDDLE, None, b""), lambda: rotate("trainer", LATE, b"")):
        change()
        versions.append(current_keyring().version)
    assert versions == [1, 2, 3]


def test_a_revoked_key_is_no_functionary_and_signs_no_more(folder):
    make("trainer", EARLY, None, b"")
    lost = hint("trainer")
    revoke(lost[:12], MIDDLE, "laptop lost")
    assert current_keyring().functionaries("trainer") == []
    with pytest.raises(BadInput, match="no key that signs for trainer"):
        signing_key("trainer")
    [entry] = current_keyring().entries
    assert (entry.revoked_at, entry.revoked_why) == (MIDDLE, "laptop lost")
    assert make("trainer", LATE, None, b"") == hint("trainer") != lost


def test_a_role_whose_key_was_revoked_does_not_fall_back_to_the_shared_key(folder):
    signing_key("trainer")
    revoke(make("trainer", MIDDLE, None, b""), LATE, "lost")
    with pytest.raises(BadInput, match="does not give role trainer"):
        current_key("trainer", current_keyring())


def test_the_key_that_signs_the_ring_cannot_be_revoked_in_it(folder):
    signing_key("trainer")
    with pytest.raises(BadInput, match="signs the keyring too"):
        revoke(hint("trainer"), MIDDLE, "lost")


def test_somebody_elses_key_signs_beside_ours_and_takes_nothing_from_it(folder, tmp_path, monkeypatch):
    make("", EARLY, None, b"")
    ours = hint("trainer")
    monkeypatch.setenv("PEDIGREE_KEYS", str(tmp_path / "theirs"))
    make_key("key")
    monkeypatch.setenv("PEDIGREE_KEYS", str(folder))
    theirs = add(tmp_path / "theirs/key.pub", "trainer", MIDDLE, None)
    assert hint("trainer") == ours
    assert {key_hint(key) for key in current_keyring().functionaries("trainer")} == {ours, theirs}
    assert {key_hint(key) for key in current_keyring().functionaries("evaluator")} == {ours}
    with pytest.raises(BadInput, match="has role trainer already"):
        add(tmp_path / "theirs/key.pub", "trainer", LATE, None)


def test_a_key_with_a_planned_end_goes_on_signing_and_the_verifier_judges(folder):
    make("trainer", EARLY, MIDDLE, b"")
    assert hint("trainer")


@pytest.mark.parametrize("wrong", ["", "ffff0000ffff"])
def test_a_hint_of_no_key_revokes_nothing(folder, wrong):
    make("", EARLY, None, b"")
    before = signed_keyring()
    with pytest.raises(BadInput, match="exactly one key"):
        revoke(wrong, MIDDLE, "lost")
    assert signed_keyring() == before


@pytest.mark.parametrize("act", [
    lambda: make("trainer", MIDDLE, EARLY, b""), lambda: make("", MIDDLE, None, b""),
    lambda: make("trainer", EARLY, None, b""), lambda: rotate("trainer", LATE, b""), lambda: rotate("", EARLY, b""),
    lambda: make("owner", LATE, None, b""),
], ids=["ends before it begins", "there already", "starts before the holder", "no such key", "too early", "no role"])
def test_a_refused_change_leaves_keys_and_ring_as_they_were(folder, act):
    make("", EARLY, None, b"")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(BadInput):
        act()
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_ring_edited_by_hand_is_refused(folder):
    make("", EARLY, None, b"")
    ring = folder / "keyring.json"
    ring.write_bytes(ring.read_bytes().replace(b'"payload":"eyJ', b'"payload":"eyK'))
    with pytest.raises(NotVerified):
        current_keyring()


def test_an_encrypted_key_needs_its_passphrase(folder, monkeypatch):
    make("", EARLY, None, b"correct horse")
    assert b"ENCRYPTED" in (folder / "key.pem").read_bytes()
    with pytest.raises(BadInput, match="is encrypted"):
        signing_key("trainer")
    monkeypatch.setenv("PEDIGREE_KEY_PASSPHRASE", "wrong")
    with pytest.raises(BadInput, match="or its passphrase"):
        signing_key("trainer")
    monkeypatch.setenv("PEDIGREE_KEY_PASSPHRASE", "correct horse")
    assert key_hint(signing_key("trainer").public_key()) == current_keyring().entries[0].hint


def test_a_key_comes_from_the_environment(folder, monkeypatch, tmp_path):
    make("", EARLY, None, b"")
    monkeypatch.setenv("PEDIGREE_KEYS", str(tmp_path / "other"))
    secret = make_key("trainer").public_key()
    monkeypatch.setenv("PEDIGREE_KEY_PEM_TRAINER", (tmp_path / "other/trainer.pem").read_text())
    monkeypatch.setenv("PEDIGREE_KEYS", str(folder))
    assert key_hint(signing_key("trainer").public_key()) == key_hint(secret)
    assert key_hint(signing_key("evaluator").public_key()) != key_hint(secret)


def test_a_key_behind_a_uri_signs_through_securesystemslib(folder, monkeypatch, tmp_path):
    make_key("trainer")
    store = tmp_path / "store.pem"
    os.rename(folder / "trainer.pem", store)
    monkeypatch.setenv("PEDIGREE_SIGNER_TRAINER", f"file2:{store}")
    key = signing_key("trainer")
    assert isinstance(key, RemoteKey)
    assert public_pem(key.public_key()) == (folder / "trainer.pub").read_bytes()
    assert open_bundle(sign_bundle(b"{}", key), [key.public_key()], "b") == b"{}"


def test_a_uri_whose_key_is_not_the_public_half_kept_for_it_is_refused(folder, monkeypatch, tmp_path):
    make_key("trainer")
    make_key("evaluator")
    monkeypatch.setenv("PEDIGREE_SIGNER_TRAINER", f"file2:{folder / 'evaluator.pem'}")
    with pytest.raises(BadInput, match="does not match public key"):
        signing_key("trainer")


@pytest.mark.parametrize("uri", ["nosuch:key", "file2:/nowhere/key.pem"])
def test_a_uri_that_opens_nothing_is_named(folder, monkeypatch, uri):
    make_key("trainer")
    monkeypatch.setenv("PEDIGREE_SIGNER_TRAINER", uri)
    with pytest.raises(BadInput, match="not usable as a signing key"):
        signing_key("trainer")


def test_showing_makes_no_key(folder, capsys):
    assert main(["keys"]) == 2
    assert not folder.exists()
    assert "pedigree keys make" in capsys.readouterr().err


def test_the_command_makes_rotates_revokes_and_shows(folder, capsys):
    assert main(["keys", "make", "--at", "2026-01-01"]) == 0
    assert main(["keys", "make", "--role", "trainer", "--at", "2026-06-01", "--until", "2027-06-01"]) == 0
    assert main(["keys", "rotate", "--role", "trainer", "--at", "2027-01-01"]) == 0
    capsys.readouterr()
    assert main(["keys", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["version"] == 3
    assert [key["until"] for key in shown["keys"] if key["roles"] == ["trainer"] and key["since"] == MIDDLE] == [LATE]
    old = next(key["hint"] for key in shown["keys"] if key["since"] == MIDDLE)
    assert main(["keys", "revoke", old[:16], "--why", "sold the token", "--at", "2027-02-01"]) == 0
    assert "REVOKED 2027-02-01T00:00:00Z: sold the token" in capsys.readouterr().out


def test_a_date_that_is_none_is_a_usage_error(folder, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["keys", "make", "--at", "soon"])
    assert stopped.value.code == 2
    assert "2026-12-31" in capsys.readouterr().err


def test_a_time_zone_is_converted_and_not_dropped():
    assert keys.moment("2026-01-01T01:00:00+01:00") == EARLY


def test_the_public_half_beside_a_key_is_that_keys(folder):
    key = make_key("trainer").public_key()
    public = load_public_key((folder / "trainer.pub").read_bytes(), "trainer.pub")
    assert key_hint(public) == key_hint(key)
    assert find_key("evaluator") is None
