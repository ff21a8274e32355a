"""`pedigree keys`: make, show, rotate, revoke and add signing keys, and keep the signed keyring true.

    <role>.pem, key.pem   private keys (mode 0600) with their public halves in .pub; key.pem serves every other role
    root.pem              signs keyring.json; made apart from key.pem as soon as key.pem is rotated
    keyring.json          every key there was: roles, dates, revocation; a higher version replaces a lower
    retired/<hint16>.pem  private keys that sign no more; delete them when nothing needs them

Only these commands read the clock, for the dates they are not given; signing never does.
"""

import argparse
import getpass
import os
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from pipeline.lineage.keyring import Entry, Keyring, entry_of, sign_keyring
from pipeline.lineage.roles import ROLES, check_role
from pipeline.lineage.sign import key_hint, load_public_key, public_pem
from pipeline.schema.errors import BadInput
from pipeline.stage.keyring import ROOT, current_keyring, root_key
from pipeline.stage.keys import KEYRING, SHARED, find_key, key_folder, make_key, read_key, write_private
from pipeline.stage.outputs import output_file


def show() -> dict[str, object]:
    """The key folder, the root key and every key of the ring."""
    keyring = current_keyring(make=False)
    root = root_key(make=False).public_key()
    return {"folder": str(key_folder()), "version": keyring.version,
            "root": {"hint": key_hint(root), "pem": public_pem(root).decode()},
            "keys": [entry._asdict() for entry in keyring.entries]}


def make(role: str, since: str, until: str | None, passphrase: bytes) -> str:
    """Give `role` a key of its own ("" : one for every role without), and the ring an entry; returns its hint.

    Raises:
        BadInput: it has one already, or the dates do not make a window.
    """
    _check_window(since, until)
    if role:
        check_role(role)
    name = role or SHARED
    if (key_folder() / f"{name}.pem").exists():
        raise BadInput(str(key_folder() / f"{name}.pem"), "there is a key already",
                       do="`pedigree keys rotate` replaces it")
    keyring, shared = _ring_to_extend(), find_key("")
    old = key_hint(shared.public_key()) if shared is not None else ""
    taken = [role] if role else [name for name in ROLES if find_key(name) is None]
    _check_order(keyring, taken, old, since)
    key = make_key(name, passphrase).public_key()
    store(_hand_over(keyring, old, entry_of(key, taken, since, until)))
    return key_hint(key)


def add(public: Path, role: str, since: str, until: str | None) -> str:
    """Let somebody else's key sign for `role` beside ours: a second builder; returns its hint.

    Raises:
        BadInput: not a P-256 public key in PEM, or the ring has it in this role already.
    """
    _check_window(since, until)
    try:
        key = load_public_key(public.read_bytes(), str(public))
    except OSError as err:
        raise BadInput(str(public), f"not readable ({err.strerror})", wanted="a public key in PEM") from err
    keyring = current_keyring(make=False)
    if any(check_role(role) in entry.roles for entry in keyring.of_key(key)):
        raise BadInput(str(public), f"has role {role} already", got=f"key {key_hint(key)[:16]}")
    store(keyring._replace(entries=(*keyring.entries, entry_of(key, [role], since, until))))
    return key_hint(key)


def rotate(role: str, at: str, passphrase: bytes) -> str:
    """Replace a key: the old one ends at `at`, a new one begins; what the old one signed stays good.

    Raises:
        BadInput: there is no such key.
    """
    if role == ROOT:
        return _rotate_root(passphrase)
    if role:
        check_role(role)
    path = key_folder() / f"{role or SHARED}.pem"
    if not path.is_file():
        raise BadInput(str(path), "no such key", do=f"`pedigree keys make{' --role ' + role if role else ''}`")
    keyring, old = current_keyring(make=False), _hint_of(path)
    roles = [role for role in ROLES if any(entry.hint == old for entry in keyring.holders(role))]
    _check_order(keyring, roles, old, at)
    _keep_root(path)
    _retire(path, old)
    new = make_key(path.stem, passphrase).public_key()
    store(_hand_over(keyring, old, entry_of(new, roles, at)))
    return key_hint(new)


def revoke(hint: str, at: str, why: str) -> str:
    """Stop believing a key, named by the beginning of its hint, whatever it signed and when; returns the hint.

    Raises:
        BadInput: the ring has no such key, or several, or it is the root key.
    """
    keyring = current_keyring(make=False)
    found = sorted({entry.hint for entry in keyring.entries if hint and entry.hint.startswith(hint)})
    if len(found) != 1:
        raise BadInput(str(key_folder() / KEYRING), f"does not have exactly one key {hint!r}",
                       wanted="the beginning of one hint", got=", ".join(found) or "none")
    if found[0] == key_hint(root_key(make=False).public_key()) and not (key_folder() / f"{ROOT}.pem").exists():
        raise BadInput(hint, "signs the keyring too", do="`pedigree keys rotate --role root` first")
    entries = [entry._replace(revoked_at=at, revoked_why=why) if entry.hint == found[0] else entry
               for entry in keyring.entries]
    for path in sorted(key_folder().glob("*.pem")):
        if path.stem != ROOT and _hint_of(path) == found[0]:
            _retire(path, found[0])
    store(keyring._replace(entries=tuple(entries)))
    return found[0]


def _hint_of(private: Path) -> str:
    """The hint of a key in the folder; its public half says it without a passphrase."""
    public = private.with_suffix(".pub")
    if public.is_file():
        return key_hint(load_public_key(public.read_bytes(), str(public)))
    return key_hint(read_key(private).public_key())


def store(keyring: Keyring) -> None:
    """Write the ring, one version higher, signed by the root key."""
    stored = keyring._replace(version=keyring.version + 1 if (key_folder() / KEYRING).exists() else 1)
    with output_file(key_folder() / KEYRING) as scratch:
        scratch.write_bytes(sign_keyring(stored, root_key()))


def _ring_to_extend() -> Keyring:
    """The ring as it is; an empty one under a root key of its own where there is no key yet."""
    if any(key_folder().glob("*.pem")) or (key_folder() / KEYRING).exists():
        return current_keyring()
    make_key(ROOT)
    return Keyring((), 1)


def _hand_over(keyring: Keyring, old: str, new: Entry) -> Keyring:
    """The ring with `new` in it, and key `old` holding the same roles only until `new` begins."""
    entries = [new]
    for entry in keyring.entries:
        goes_on = entry.revoked_at is None and (entry.until is None or entry.until > new.since)
        ours = entry.hint == old and goes_on
        ended = tuple(sorted(set(entry.roles) & set(new.roles))) if ours else ()
        kept = tuple(sorted(set(entry.roles) - set(ended)))
        entries += [entry._replace(roles=ended, until=new.since)] if ended else []
        entries += [entry._replace(roles=kept)] if kept else []
    return keyring._replace(entries=tuple(sorted(entries)))


def _rotate_root(passphrase: bytes) -> str:
    keyring, path = current_keyring(make=False), key_folder() / f"{ROOT}.pem"
    if path.exists():
        _retire(path, _hint_of(path))
    new = make_key(ROOT, passphrase).public_key()
    store(keyring)
    return key_hint(new)


def _keep_root(path: Path) -> None:
    """Before the shared key goes: auditors know it as the root, so it stays the root."""
    root = key_folder() / f"{ROOT}.pem"
    if path.stem == SHARED and not root.exists():
        write_private(root, path.read_bytes())
        root.with_suffix(".pub").write_bytes(path.with_suffix(".pub").read_bytes())


def _retire(path: Path, hint: str) -> None:
    folder = key_folder() / "retired"
    folder.mkdir(mode=0o700, exist_ok=True)
    for part in (path, path.with_suffix(".pub")):
        os.replace(part, folder / f"{hint[:16]}{part.suffix}")


def _check_order(keyring: Keyring, roles: Iterable[str], old: str, at: str) -> None:
    for role in roles:
        for entry in keyring.holders(role):
            if entry.hint == old and at <= entry.since:
                raise BadInput("keys", f"the key that has role {role} now would end before it begins",
                               wanted=f"a time after {entry.since}", got=at)


def _check_window(since: str, until: str | None) -> None:
    if until is not None and until <= since:
        raise BadInput("keys", "the key would never be valid", wanted=f"an end after {since}", got=until)


def moment(text: str) -> str:
    """A date or a time (UTC when it names no zone), as the keyring writes it; for argparse.

    Raises:
        ArgumentTypeError: neither.
    """
    try:
        given = datetime.fromisoformat(text)
    except ValueError as err:
        raise argparse.ArgumentTypeError(f"{text!r} is no date; wanted 2026-12-31 or 2026-12-31T23:00:00") from err
    return _written(given if given.tzinfo else given.replace(tzinfo=UTC))


def now() -> str:
    """The time, as the keyring writes it."""
    return _written(datetime.now(UTC))


def _written(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_passphrase(wanted: bool) -> bytes:
    """For a key to be made: $PEDIGREE_KEY_PASSPHRASE, or typed twice; nothing when not `wanted`.

    Raises:
        BadInput: empty, or the two differ.
    """
    if not wanted:
        return b""
    given = os.environ.get("PEDIGREE_KEY_PASSPHRASE")
    first = given if given is not None else getpass.getpass("passphrase of the new key: ")
    again = given if given is not None else getpass.getpass("again: ")
    if not first or first != again:
        raise BadInput("passphrase", "empty, or the two differ", do="type it again")
    return first.encode()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `pedigree keys`."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    _action(actions, "show", "the key folder, the root key and the ring (the default)")
    for name, text in (("make", "a new key for one role, or for all without one"),
                       ("rotate", "replace a key; what the old one signed stays good")):
        action = _action(actions, name, text)
        action.add_argument("--role", default="", choices=["", *ROLES, *([ROOT] if name == "rotate" else [])],
                            metavar="ROLE", help=", ".join(ROLES) + "; default: the shared key")
        action.add_argument("--encrypt", action="store_true",
                            help="with a passphrase: $PEDIGREE_KEY_PASSPHRASE, or asked for")
        action.add_argument("--at", type=moment, default=None, metavar="DATE", help="from when; default: now")
        if name == "make":
            action.add_argument("--until", type=moment, default=None, metavar="DATE", help="to when; default: no end")
    other = _action(actions, "add", "let somebody else's key sign for a role beside ours (thresholds above 1)")
    other.add_argument("public", type=Path, metavar="PEM", help="the public half of their key")
    other.add_argument("--role", required=True, choices=ROLES, metavar="ROLE", help=", ".join(ROLES))
    other.add_argument("--at", type=moment, default=None, metavar="DATE", help="from when; default: now")
    other.add_argument("--until", type=moment, default=None, metavar="DATE", help="to when; default: no end")
    stop = _action(actions, "revoke", "stop believing a key, whatever it signed")
    stop.add_argument("hint", metavar="HINT", help="the key's hint, or its beginning")
    stop.add_argument("--why", required=True, help="the reason, for auditors")
    stop.add_argument("--at", type=moment, default=None, metavar="DATE", help="since when it is not believed")


def _action(actions: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str,
            text: str) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=text, description=text)
    parser.add_argument("--json", action="store_true", default=argparse.SUPPRESS,
                        help="machine-readable answer on stdout")
    return parser


def act(arguments: argparse.Namespace) -> dict[str, object]:
    """Do what was asked; the ring as it then is."""
    actions: dict[str, Callable[[], str]] = {
        "make": lambda: make(arguments.role, arguments.at or now(), arguments.until,
                             new_passphrase(arguments.encrypt)),
        "add": lambda: add(arguments.public, arguments.role, arguments.at or now(), arguments.until),
        "rotate": lambda: rotate(arguments.role, arguments.at or now(), new_passphrase(arguments.encrypt)),
        "revoke": lambda: revoke(arguments.hint, arguments.at or now(), arguments.why),
    }
    if arguments.action in actions:
        actions[arguments.action]()
    return show()


def lines(shown: dict[str, object]) -> list[str]:
    """`show`, for people."""
    root, keys = shown["root"], shown["keys"]
    assert isinstance(root, dict)
    assert isinstance(keys, list)
    found = [f"folder   {shown['folder']}", f"keyring  version {shown['version']}", f"root     {root['hint']}"]
    for key in keys:
        window = f"{key['since']} to {key['until'] or 'no end'}"
        revoked = f"  REVOKED {key['revoked_at']}: {key['revoked_why']}" if key["revoked_at"] else ""
        found.append(f"key      {key['hint'][:16]}  {','.join(key['roles'])}  {window}{revoked}")
    return [*found, "the root key, for auditors (hand it over another way than a release):", str(root["pem"]).rstrip()]
