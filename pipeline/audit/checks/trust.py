"""Check 5: whom this verification believes. A root key vouches for the keyring, the keyring for every other key.

A key is believed for a role when the keyring gives it that role at the moment of judging, does not
revoke it, and the policy (if there is one) accepts it. That moment is now, or the trusted time of the
claims. A retired key's signature without trusted time is not believed: nobody can tell whether it was
made before the key was retired.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from pipeline.audit.checks.case import TIME_FORMAT, Case, PublicKeys
from pipeline.audit.findings import Check
from pipeline.lineage.keyring import Entry, Keyring, open_keyring
from pipeline.lineage.metablock import keyid
from pipeline.lineage.sign import key_hint, load_public_key, parse_json
from pipeline.schema.errors import BadInput, NotVerified
from pipeline.stage.records import read_bounded

KEYRING = "keyring.json"


@dataclass
class Accepted:
    """What the auditor brings: root keys, and what the policy says of roles."""

    roots: PublicKeys
    """Public keys that may sign the keyring."""
    root_hints: frozenset[str] = frozenset()
    """The same, known by hint only; their PEM may lie beside the keyring, the hint tells it from another."""
    signers: dict[str, frozenset[str]] = field(default_factory=dict)
    """Role -> hints the policy accepts; a role that is not named accepts what the keyring does."""
    thresholds: dict[str, int] = field(default_factory=dict)
    """Role -> how many of them must have signed a stage."""
    keyring_version: int = 1
    """The lowest version that is not out of date."""
    timestamps: Path | None = None
    """Trusted root with the timestamp authorities to believe; None: signatures are judged now."""


@dataclass
class Trust:
    """The keyring of one checkpoint's attestation, read against what the auditor accepts."""

    keyring: Keyring
    accepted: Accepted
    moment: str
    """RFC 3339, UTC: when signatures are judged to have been made."""

    def known(self) -> list[ec.EllipticCurvePublicKey]:
        """Every key the keyring names, whatever it says of it: enough to tell a wrong key from a bad signature."""
        return self.keyring.keys()

    def signers(self, role: str) -> list[ec.EllipticCurvePublicKey]:
        """The keys believed for a role."""
        return [key for key in self.known() if not self.objection(key, role)]

    def objection(self, key: ec.EllipticCurvePublicKey, role: str) -> str:
        """Why a key is not believed for a role; "" when it is."""
        entries = self.keyring.of_key(key)
        revoked = next((entry for entry in entries if entry.revoked_at is not None), None)
        if revoked is not None:
            return f"revoked on {revoked.revoked_at} ({revoked.revoked_why})"
        held = [entry for entry in entries if role in entry.roles]
        if not held:
            return f"has no role {role} (the keyring gives it {_roles(entries)})"
        if not any(entry.covers(self.moment) for entry in held):
            return f"held role {role} {_windows(held)}, not at {self.moment}"
        if role in self.accepted.signers and key_hint(key) not in self.accepted.signers[role]:
            return f"the policy does not accept it as {role}"
        return ""

    def by_id(self) -> dict[str, ec.EllipticCurvePublicKey]:
        """in-toto's key id -> key."""
        return {keyid(key): key for key in self.known()}


def _roles(entries: Iterable[Entry]) -> str:
    return ", ".join(sorted({role for entry in entries for role in entry.roles})) or "none"


def _windows(entries: Iterable[Entry]) -> str:
    return " and ".join(f"from {entry.since} until {entry.until or 'further notice'}" for entry in entries)


def read_trust(case: Case, checkpoint: str, accepted: Accepted) -> Trust | None:
    """Check 5 for one attestation; None when its keyring is not to be believed (then nothing it names is)."""
    place, shown = case.scene.place(f"{checkpoint}.attestation"), case.scene.shown(f"{checkpoint}.attestation")
    with case.findings.looking(Check.KEYRING, "attest"):
        text = read_bounded(place / KEYRING, f"{shown}/{KEYRING}")
        keyring = open_keyring(text, _roots(accepted, text, place, shown), f"{shown}/{KEYRING}")
        if keyring.version < accepted.keyring_version:
            raise NotVerified(f"{shown}/{KEYRING}", "is out of date",
                              wanted=f"version {accepted.keyring_version} or later", got=f"version {keyring.version}")
        return Trust(keyring, accepted, _trusted_time(case, place, shown, accepted) or case.moment)
    return None


def _trusted_time(case: Case, place: Path, shown: str, accepted: Accepted) -> str:
    """When the claims had all been signed, on a trusted authority's word; "" when nobody is asked, or none gave it."""
    if accepted.timestamps is None:
        return ""
    from pipeline.audit.timestamps import attested_by  # loads the RFC 3161 client only when there is a use for it
    from pipeline.lineage.timestamp import read_authorities

    with case.findings.looking(Check.SIGNATURES, "attest"):
        try:
            time = attested_by(place, read_authorities(accepted.timestamps.read_bytes(), str(accepted.timestamps)))
        except NotVerified as err:
            raise NotVerified(f"{shown}/{err.where}", err.what, wanted=err.wanted, got=err.got) from err
        return time.astimezone(UTC).strftime(TIME_FORMAT)
    return ""


def _roots(accepted: Accepted, keyring: bytes, place: Path, shown: str) -> list[ec.EllipticCurvePublicKey]:
    """The root keys, those known by hint looked up in what came with the attestation."""
    found = list(accepted.roots)
    for pem in [*_pems(keyring, shown), *_own_pem(place, shown)] if accepted.root_hints else []:
        try:
            key = load_public_key(pem, f"{shown}/{KEYRING}")
        except BadInput:
            continue
        if key_hint(key) in accepted.root_hints and key not in found:
            found.append(key)
    if not found:
        raise NotVerified(f"{shown}/{KEYRING}", "the root key is known by its hint only, and its PEM is not here",
                          wanted=" or ".join(sorted(accepted.root_hints)), do="name its file: --key ROOT.pem")
    return found


def _pems(keyring: bytes, shown: str) -> list[bytes]:
    """The keys that an unverified keyring names; only their hints make them anything."""
    try:
        bundle: Any = parse_json(keyring, shown)
        payload: Any = parse_json(base64.b64decode(bundle["dsseEnvelope"]["payload"], validate=True), shown)
        return [str(entry["pem"]).encode() for entry in payload["keys"]]
    except (KeyError, TypeError, ValueError) as err:
        raise NotVerified(f"{shown}/{KEYRING}", "not a keyring", wanted="a signed keyring") from err


def _own_pem(place: Path, shown: str) -> list[bytes]:
    try:
        return [read_bounded(place / "key.pub", f"{shown}/key.pub")]
    except NotVerified:
        return []
