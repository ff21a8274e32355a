"""Keyless signatures for a release: who signed, by an identity provider's word, in a public log, with no key to keep.

`sign_release` signs the very statements that the producer's key signed, once more through Sigstore
(https://www.sigstore.dev, or a private instance), one bundle a statement in `keyless/`.
`verify_release` needs no key of the producer and no network, only an identity and its issuer:
    1 one bundle for every statement of the release, no other file among them
    2 signed by this identity, by this issuer's word, in the log, in time: Sigstore's own client checks
    3 an in-toto statement, with the predicate type its file name says, about something
    4 byte for byte the statement that the producer's key signed
    5 the chain's statements are those in `lineage/`, and the provenance is one of them
    6 the files in `model/` are those of the model statement, no more and no fewer
The rest (links, policy, evaluation) is `pedigree verify`'s. docs/keyless.md says what this proves.
"""

import base64
import os
from pathlib import Path
from typing import Any, NamedTuple

from sigstore import dsse
from sigstore.models import Bundle, ClientTrustConfig
from sigstore.oidc import IdentityToken, detect_credential
from sigstore.sign import SigningContext
from sigstore.verify import Verifier, policy

from pipeline.lineage.bom import CYCLONEDX
from pipeline.lineage.chain import CHAIN_TYPE
from pipeline.lineage.claims import MODEL_SIGNING, REFERENCE, TEST_RESULT
from pipeline.lineage.manifest import is_inside, sha256
from pipeline.lineage.sign import MAX_BUNDLE_BYTES, PAYLOAD_TYPE, parse_json
from pipeline.lineage.statement import PREDICATE_TYPE, STATEMENT_TYPE
from pipeline.schema.errors import BadInput, NotVerified
from pipeline.stage.hashing import hash_artefact
from pipeline.stage.outputs import output_dir

FOLDER = "keyless"
ENDING = ".sigstore.json"
NAMES = {PREDICATE_TYPE: "provenance", CHAIN_TYPE: "chain", TEST_RESULT: "test-result", CYCLONEDX: "bom",
         REFERENCE: "card", MODEL_SIGNING: "model"}
"""Predicate type -> file name of its bundle."""
TOKEN_VARIABLE = "SIGSTORE_IDENTITY_TOKEN"  # noqa: S105  the name Sigstore's own command line reads


class Identity(NamedTuple):
    """Whose signature is accepted."""

    name: str
    """As the certificate has it: an e-mail address, or a URL such as a CI workflow's."""
    issuer: str
    """URL of the identity provider that vouched for the name."""


def read_trust(path: Path | None, *, offline: bool) -> ClientTrustConfig:
    """The Sigstore instance to use: a client trust config in a file, or with None the public-good one.

    Raises:
        BadInput: the file is not one, or (with None) its metadata cannot be had.
    """
    try:
        if path is None:
            return ClientTrustConfig.production(offline=offline)
        return ClientTrustConfig.from_json(path.read_text(encoding="utf-8"))
    except Exception as err:  # the client raises TUF's, pydantic's and its own errors here
        raise BadInput(str(path or "Sigstore"), f"no trust config ({type(err).__name__}: {str(err)[:200]})",
                       wanted="a Sigstore client trust config in JSON") from err


def identity_token(given: str | None) -> IdentityToken:
    """The token given, else the one in the environment, else the ambient one of a CI run.

    Raises:
        BadInput: there is none, or it is malformed or expired.
    """
    try:
        raw = given or os.environ.get(TOKEN_VARIABLE) or detect_credential()
        if raw:
            return IdentityToken(raw)
    except Exception as err:  # detection asks the CI over the network
        raise BadInput("identity token", f"not usable ({str(err)[:200]})", wanted="a current token, audience sigstore",
                       do="get a new one; they live for minutes") from err
    raise BadInput("identity token", "none found", do="run in a CI that offers one, or release without --keyless",
                   wanted=f"--identity-token, {TOKEN_VARIABLE}, or the CI's own")


def sign_release(folder: Path, trust: ClientTrustConfig, token: IdentityToken) -> list[Path]:
    """Sign every statement of the release `folder`; write `keyless/`, whole or not at all.

    Raises:
        BadInput: a service refuses or does not answer, or a statement of unknown kind is there.
    """
    statements = _statements(folder)
    with output_dir(folder / FOLDER) as scratch:
        try:
            with SigningContext.from_trust_config(trust).signer(token) as signer:
                for name, payload in statements.items():
                    bundle = signer.sign_dsse(dsse.Statement(payload))
                    (scratch / f"{name}{ENDING}").write_text(bundle.to_json() + "\n", encoding="utf-8")
        except Exception as err:  # its clients raise private classes of their own and those of `requests`
            raise BadInput("Sigstore", f"did not sign ({type(err).__name__}: {str(err)[:300]})",
                           do="see whether the identity token is still good and the services answer") from err
    return sorted((folder / FOLDER).iterdir())


def verify_release(folder: Path, trust: ClientTrustConfig, identity: Identity) -> dict[str, bytes]:
    """File name (without ending) -> statement, all of them signed by `identity`.

    Raises:
        BadInput: the release has no keyless signatures, or no identity to accept was named.
        NotVerified: a check of this module's list fails.
    """
    if not (identity.name and identity.issuer):
        raise BadInput("identity", "nobody to accept", wanted="both an identity and its issuer")
    if not (folder / FOLDER).is_dir():
        raise BadInput(str(folder / FOLDER), "no keyless signatures", do="ask for a release made with --keyless")
    signed = _statements(folder)
    found = {path.name for path in (folder / FOLDER).iterdir()}
    wanted = {f"{name}{ENDING}" for name in signed}
    if found != wanted:  # 1
        raise NotVerified(FOLDER, "not one bundle for each statement", wanted=", ".join(sorted(wanted)),
                          got=", ".join(sorted(found)))
    opened = {name: _open(folder, name, trust, identity) for name in sorted(signed)}
    for name, payload in opened.items():
        if payload != signed[name]:  # 4
            raise NotVerified(f"{FOLDER}/{name}{ENDING}", "is not the statement that the producer's key signed",
                              wanted=sha256(signed[name]), got=sha256(payload))
    _check_chain(folder, opened)
    _check_model(folder, opened)
    return opened


def _open(folder: Path, name: str, trust: ClientTrustConfig, identity: Identity) -> bytes:
    """Checks 2 and 3."""
    where = f"{FOLDER}/{name}{ENDING}"
    accepted = policy.Identity(identity=identity.name, issuer=identity.issuer)
    try:
        bundle = Bundle.from_json(_read(folder / where))
        kind, payload = Verifier(trusted_root=trust.trusted_root).verify_dsse(bundle, accepted)
    except BadInput:
        raise
    except Exception as err:  # hostile bundles make its parsers raise whatever they have
        raise NotVerified(where, f"Sigstore refuses it ({type(err).__name__}: {str(err)[:300]})",
                          wanted=f"{identity.name} by the word of {identity.issuer}") from err
    if kind != PAYLOAD_TYPE:
        raise NotVerified(where, "wrong payload type", wanted=PAYLOAD_TYPE, got=repr(kind))
    statement: Any = parse_json(payload, where)
    wanted = next(kind for kind, file in NAMES.items() if file == name)
    if not isinstance(statement, dict) or (statement.get("_type"), statement.get("predicateType")) != (
            STATEMENT_TYPE, wanted) or not statement.get("subject"):
        raise NotVerified(where, "not the kind of statement its name says", wanted=wanted)
    return payload


def _statements(folder: Path) -> dict[str, bytes]:
    """File name -> payload of every DSSE statement of the release, in the order of `claims.jsonl`."""
    attestation = folder / "attestation"
    lines = [*_read(attestation / "claims.jsonl").splitlines(), _read(attestation / "model.sig")]
    found: dict[str, bytes] = {}
    for line in lines:
        payload = _payload(line)
        statement = parse_json(payload, "claims.jsonl")
        kind = statement.get("predicateType") if isinstance(statement, dict) else None
        if kind not in NAMES or NAMES[kind] in found:
            raise BadInput(str(attestation), "a statement of unknown kind, or two of one", got=str(kind),
                           wanted="one of each: " + ", ".join(sorted(NAMES)))
        found[NAMES[kind]] = payload
    return found


def _payload(line: bytes) -> bytes:
    bundle: Any = parse_json(line, "attestation")
    try:
        return base64.b64decode(bundle["dsseEnvelope"]["payload"], validate=True)
    except (KeyError, TypeError, ValueError) as err:
        raise NotVerified("attestation", "malformed bundle", wanted="a DSSE envelope") from err


def _check_chain(folder: Path, opened: dict[str, bytes]) -> None:
    """Check 5."""
    chain: Any = parse_json(opened["chain"], "chain")
    digests = {}
    for entry in chain["predicate"]["stages"]:
        stage, wanted = str(entry["stage"]), entry["statement"]["sha256"]
        name = f"lineage/{stage}/statement.json"
        if not is_inside(stage) or not (folder / name).is_file():
            raise NotVerified(name, "statement missing", wanted=f"sha256 {wanted}")
        digests[name] = sha256(_read(folder / name))
        if digests[name] != wanted:
            raise NotVerified(name, "is not the statement that was signed", wanted=wanted, got=digests[name])
    if sha256(opened["provenance"]) not in digests.values():
        raise NotVerified("provenance", "is not among the statements of the chain", got=sha256(opened["provenance"]))


def _check_model(folder: Path, opened: dict[str, bytes]) -> None:
    """Check 6."""
    model: Any = parse_json(opened["model"], "model")
    signed = {item["name"]: item["digest"] for item in model["predicate"]["resources"]}
    present = hash_artefact(folder / "model").entries
    for path in sorted(set(signed) | set(present)):
        if signed.get(path) != present.get(path):
            raise NotVerified(f"model/{path}", "is not the file that was signed",
                              wanted=signed.get(path, "no such file"), got=present.get(path, "nothing"))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BUNDLE_BYTES + 1)
    except OSError as err:
        raise BadInput(str(path), f"not readable ({err.strerror})", wanted="a release folder") from err
    if len(content) > MAX_BUNDLE_BYTES:
        raise NotVerified(str(path), "too large", wanted=f"at most {MAX_BUNDLE_BYTES} bytes")
    return content
