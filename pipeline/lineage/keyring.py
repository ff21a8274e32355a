"""The producer's keyring: which key had which role from when to when, and which may no longer be believed.

A DSSE envelope in a Sigstore bundle, signed by the keyring's root key. An auditor who holds the root
key's public half (handed over another way than the release) needs no other key. One key may have
several entries, with different roles and windows: a shared key that lost one role keeps the others.

Canonical JSON: sorted keys, no blanks. Times are RFC 3339 in UTC, whole seconds.
"""

import json
import re
from collections.abc import Iterable
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec

from pipeline.lineage.roles import ROLES
from pipeline.lineage.sign import (
    SigningKey,
    key_hint,
    load_public_key,
    open_bundle,
    parse_json,
    public_pem,
    sign_bundle,
)
from pipeline.schema.errors import BadInput, NotVerified

KEYRING_TYPE = "application/vnd.pedigree.keyring.v1+json"
BEGINNING = "1970-01-01T00:00:00Z"
"""`valid.from` of a key whose owner set no date."""

_TIME = re.compile(r"\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\dZ")
_ENTRY_KEYS = {"hint", "pem", "roles", "valid", "revoked"}


class Entry(NamedTuple):
    """What one key was trusted with, and when."""

    hint: str
    """sha256 of the key's PEM: how bundles name it."""
    pem: str
    roles: tuple[str, ...]
    since: str
    until: str | None
    """The key signs nothing from here on; what it signed before stays good."""
    revoked_at: str | None = None
    """From here on nothing it signed is believed, whenever it claims to have signed."""
    revoked_why: str = ""

    def key(self) -> ec.EllipticCurvePublicKey:
        """The public key."""
        return load_public_key(self.pem.encode(), f"key {self.hint[:16]}")

    def covers(self, moment: str) -> bool:
        """Whether `moment` (RFC 3339, UTC) lies in the validity window."""
        return self.since <= moment and (self.until is None or moment < self.until)


class Keyring(NamedTuple):
    """Every key of one producer; a higher version replaces a lower one."""

    entries: tuple[Entry, ...]
    version: int

    def functionaries(self, role: str) -> list[ec.EllipticCurvePublicKey]:
        """The keys that may have signed for `role` at some time: retired ones too, revoked ones not."""
        revoked = {entry.hint for entry in self.entries if entry.revoked_at is not None}
        hints = {entry.hint: entry for entry in self.entries if role in entry.roles and entry.hint not in revoked}
        return [hints[hint].key() for hint in sorted(hints)]

    def holders(self, role: str) -> list[Entry]:
        """The entries that give `role` and were not replaced: no other key began where they end."""
        held = [entry for entry in self.entries if role in entry.roles]
        begun = {(entry.since, entry.hint) for entry in held}
        return [entry for entry in held
                if not any(since == entry.until and hint != entry.hint for since, hint in begun)]

    def of_key(self, key: ec.EllipticCurvePublicKey) -> list[Entry]:
        """What the ring says of one key; nothing when it does not know it."""
        return [entry for entry in self.entries if entry.hint == key_hint(key)]

    def keys(self) -> list[ec.EllipticCurvePublicKey]:
        """Every key of the ring once, revoked ones too, by hint."""
        return [entry.key() for _, entry in sorted({entry.hint: entry for entry in self.entries}.items())]


def entry_of(key: ec.EllipticCurvePublicKey, roles: Iterable[str], since: str = BEGINNING,
             until: str | None = None) -> Entry:
    """An entry for `key`."""
    return Entry(key_hint(key), public_pem(key).decode(), tuple(sorted(roles)), since, until)


def sign_keyring(keyring: Keyring, root: SigningKey) -> bytes:
    """The bytes of `keyring.json`."""
    value = {"version": keyring.version, "keys": [_as_json(entry) for entry in sorted(keyring.entries)]}
    payload = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
    return sign_bundle(payload, root, KEYRING_TYPE)


def _as_json(entry: Entry) -> dict[str, object]:
    revoked = None if entry.revoked_at is None else {"at": entry.revoked_at, "why": entry.revoked_why}
    return {"hint": entry.hint, "pem": entry.pem, "roles": sorted(entry.roles),
            "valid": {"from": entry.since, "until": entry.until}, "revoked": revoked}


def open_keyring(text: bytes, roots: list[ec.EllipticCurvePublicKey], name: str) -> Keyring:
    """The keyring in `text` (called `name` in errors), signed by one of the `roots`.

    Raises:
        NotVerified: malformed, an unknown field, a key that is not what its hint says, or no
            acceptable signature.
    """
    value = parse_json(open_bundle(text, roots, name, KEYRING_TYPE), name)
    try:
        if not isinstance(value, dict) or set(value) != {"keys", "version"}:
            raise ValueError("fields")
        if not isinstance(value["version"], int) or isinstance(value["version"], bool) or value["version"] < 1:
            raise ValueError("version")
        return Keyring(tuple(_entry(item) for item in value["keys"]), value["version"])
    except (KeyError, TypeError, ValueError, AttributeError, BadInput) as err:
        raise NotVerified(name, f"not a keyring ({err})") from err


def _entry(item: dict[str, object]) -> Entry:
    if set(item) != _ENTRY_KEYS or set(item["valid"]) != {"from", "until"}:  # type: ignore[call-overload]
        raise ValueError("fields of a key")
    valid, revoked = item["valid"], item["revoked"] or {"at": None, "why": ""}
    assert isinstance(valid, dict)
    if not isinstance(revoked, dict) or set(revoked) != {"at", "why"}:
        raise ValueError("revocation of a key")
    entry = Entry(str(item["hint"]), str(item["pem"]), _roles(item["roles"]), check_time(valid["from"]),
                  valid["until"] and check_time(valid["until"]), revoked["at"] and check_time(revoked["at"]),
                  str(revoked["why"]))
    if key_hint(entry.key()) != entry.hint:
        raise ValueError(f"hint {entry.hint[:16]} is not its key's")
    return entry


def _roles(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not set(value) <= set(ROLES):
        raise ValueError(f"roles {value!r}")
    return tuple(value)


def check_time(value: object) -> str:
    """`value`, when it is a time of this file's form.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(value, str) or _TIME.fullmatch(value) is None:
        raise ValueError(f"time {value!r}, wanted like {BEGINNING}")
    return value
