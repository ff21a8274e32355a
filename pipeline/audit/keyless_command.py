"""`pedigree check-keyless`, and what `pedigree release` adds on request: keyless signatures, trusted time."""

import argparse
import json
from pathlib import Path

from pipeline.schema.errors import NotVerified

HOLDS, DOES_NOT_HOLD = 0, 1


def add_check_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `pedigree check-keyless`."""
    parser.add_argument("release", type=Path, metavar="DIR", help="a release folder made with --keyless")
    parser.add_argument("--identity", required=True, metavar="NAME",
                        help="whose signature to accept: an e-mail address, or a CI workflow's URL")
    parser.add_argument("--issuer", required=True, metavar="URL", help="the identity provider that vouches for it")
    _add_trust(parser)


def add_release_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `pedigree release` that reach for the network."""
    parser.add_argument("--keyless", action="store_true", help="also sign each statement through Sigstore")
    parser.add_argument("--identity-token", metavar="TOKEN",
                        help="who signs keyless; default: $SIGSTORE_IDENTITY_TOKEN, or the CI's ambient token")
    parser.add_argument("--timestamp", metavar="URL", help="add this RFC 3161 authority's time to each signature")
    _add_trust(parser)


def _add_trust(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--trust-config", type=Path, metavar="JSON",
                        help="the Sigstore instance to use; default: the public-good one, as the client knows it")


def run_check(arguments: argparse.Namespace) -> int:
    """Check the keyless signatures of a release, offline: who signed, and that these are the files."""
    from pipeline.audit.keyless import Identity, read_trust, verify_release  # the client loads slowly

    identity = Identity(arguments.identity, arguments.issuer)
    try:
        opened = verify_release(arguments.release, read_trust(arguments.trust_config, offline=True), identity)
    except NotVerified as err:
        print(json.dumps({"holds": False, "failure": str(err)}) if arguments.json else f"DOES NOT HOLD: {err}")
        return DOES_NOT_HOLD
    if arguments.json:
        print(json.dumps({"holds": True, "identity": identity._asdict(), "statements": sorted(opened)}, indent=2))
    else:
        print(f"HOLDS: {len(opened)} statements signed by {identity.name} (vouched for by {identity.issuer}): "
              + ", ".join(sorted(opened)))
    return HOLDS


def add_to_release(folder: Path, arguments: argparse.Namespace) -> None:
    """What the arguments ask to be added to a gathered release folder.

    Raises:
        PedigreeError: a service refuses or does not answer; then there is no release.
    """
    if arguments.timestamp:
        from pipeline.audit.timestamps import timestamp_attestation

        timestamp_attestation(folder / "attestation", arguments.timestamp)
    if arguments.keyless:
        from pipeline.audit.keyless import identity_token, read_trust, sign_release

        token = identity_token(arguments.identity_token)
        sign_release(folder, read_trust(arguments.trust_config, offline=False), token)
