"""A Sigstore of our own on 127.0.0.1: Fulcio, its CT log, Rekor v1 and v2, an RFC 3161 authority.

Real formats and real signatures, so that real clients can sign and verify against it; no care for
what a client does not see. Fulcio checks a token's signature against one issuer key, Rekor logs
whatever it is handed. It shows how we use the clients, not that a public Sigstore is sound.

Formats: sigstore/fulcio `docs/oid-info.md`; RFC 6962 sections 3.2 and 3.3 (the embedded SCT);
sigstore/rekor `openapi.yaml`; sigstore/rekor-tiles `CLIENTS.md`; C2SP `tlog-checkpoint.md`; RFC 3161.
"""

import base64
import hashlib
import json
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import rfc8785
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

ISSUER_OIDS = ("1.3.6.1.4.1.57264.1.1", "1.3.6.1.4.1.57264.1.8")
SCT_LIST = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
SHA256 = ec.ECDSA(hashes.SHA256())


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


class FakeSigstore:
    """One instance: its keys, its log, its files (the authority's, in `folder`)."""

    def __init__(self, folder: Path, *, rekor_version: int = 1, with_tsa: bool = True) -> None:
        self.folder, self.rekor_version, self.with_tsa = folder, rekor_version, with_tsa
        self.ca, self.ct, self.log, self.issuer_key, self.tsa = (ec.generate_private_key(ec.SECP256R1())
                                                                 for _ in range(5))
        self.ca_certificate = root_certificate("fake fulcio", self.ca)
        self.tsa_root = root_certificate("fake authority", self.ca)
        self.tsa_certificate = self._authority_certificate()
        self.entries: list[bytes] = []
        self.lock = threading.Lock()
        self.url = ""

    # what a test asks for

    def token(self, identity: str, issuer: str = "https://issuer.test", *, key: Any = None,
              lifetime_s: int = 300) -> str:
        """What an identity provider would hand to `identity`."""
        now = int(datetime.now(UTC).timestamp())
        claims = {"iss": issuer, "sub": identity, "aud": "sigstore", "iat": now, "exp": now + lifetime_s}
        return jwt.encode(claims, key or self.issuer_key, algorithm="ES256")

    def trust_config(self) -> dict[str, Any]:
        """A ClientTrustConfig that names this instance alone."""
        now = datetime.now(UTC)
        since = {"start": (now - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")}
        service = {"majorApiVersion": 1, "validFor": since, "operator": "fake"}
        authorities = [authority([self.tsa_certificate, self.tsa_root], self.url, since)] if self.with_tsa else []
        return {
            "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
            "trustedRoot": {
                "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
                "tlogs": [log_instance(self.log, self.url, since)],
                "certificateAuthorities": [authority([self.ca_certificate], self.url, since)],
                "ctlogs": [log_instance(self.ct, f"{self.url}/ct", since)],
                "timestampAuthorities": authorities,
            },
            "signingConfig": {
                "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
                "caUrls": [{"url": self.url, **service}],
                "oidcUrls": [{"url": self.url, **service}],
                "rekorTlogUrls": [{"url": self.url, **service, "majorApiVersion": self.rekor_version}],
                "tsaUrls": [{"url": f"{self.url}/timestamp", **service}] if self.with_tsa else [],
                "rekorTlogConfig": {"selector": "ANY"}, "tsaConfig": {"selector": "ANY"},
            },
        }

    # what clients post

    def answer(self, path: str, headers: Any, body: bytes) -> tuple[int, str, bytes]:
        """Status, content type and body."""
        handlers: dict[str, Callable[[], bytes]] = {
            "/api/v2/signingCert": lambda: self._issue(headers["Authorization"], json.loads(body)),
            "/api/v1/log/entries": lambda: self._log_v1(json.loads(body)),
            "/api/v2/log/entries": lambda: self._log_v2(json.loads(body)),
            "/timestamp": lambda: self._timestamp(body),
        }
        try:
            content = handlers[path]()
        except KeyError:
            return 404, "text/plain", b"no such service"
        except jwt.PyJWTError as err:
            return 401, "application/json", json.dumps({"message": str(err)}).encode()
        kind = "application/timestamp-reply" if path == "/timestamp" else "application/json"
        return (200 if path == "/timestamp" else 201), kind, content

    def _issue(self, authorization: str, request: dict[str, str]) -> bytes:
        """Fulcio: a certificate for the token's identity, good for ten minutes."""
        token = jwt.decode(authorization.removeprefix("Bearer "), self.issuer_key.public_key(), algorithms=["ES256"],
                           audience="sigstore")
        csr = x509.load_pem_x509_csr(base64.b64decode(request["certificateSigningRequest"]))
        certificate = self._certified(csr.public_key(), token["sub"], token["iss"])
        chain = [pem(certificate), pem(self.ca_certificate)]
        return json.dumps({"signedCertificateEmbeddedSct": {"chain": {"certificates": chain}}}).encode()

    def _certified(self, public_key: Any, identity: str, issuer: str) -> x509.Certificate:
        now = datetime.now(UTC)
        name = x509.UniformResourceIdentifier(identity) if "://" in identity else x509.RFC822Name(identity)
        plain, der = (ObjectIdentifier(number) for number in ISSUER_OIDS)
        issuer_der = b"\x0c" + bytes([len(issuer)]) + issuer.encode()
        builder = (
            x509.CertificateBuilder().subject_name(x509.Name([])).issuer_name(self.ca_certificate.subject)
            .public_key(public_key).serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=1)).not_valid_after(now + timedelta(minutes=10))
            .add_extension(key_usage(), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.ca.public_key()), critical=False)
            .add_extension(x509.SubjectAlternativeName([name]), critical=True)
            .add_extension(x509.UnrecognizedExtension(plain, issuer.encode()), critical=False)
            .add_extension(x509.UnrecognizedExtension(der, issuer_der), critical=False)
        )
        precertificate = builder.sign(self.ca, hashes.SHA256())
        scts = self._sct_list(precertificate.tbs_certificate_bytes, now)
        return builder.add_extension(x509.UnrecognizedExtension(SCT_LIST, scts), critical=False).sign(
            self.ca, hashes.SHA256())

    def _sct_list(self, tbs: bytes, now: datetime) -> bytes:
        """The CT log's promise, RFC 6962 section 3.2, as an OCTET STRING."""
        stamp = struct.pack(">Q", int(now.timestamp() * 1000))
        entry = hashlib.sha256(spki(self.ca)).digest() + len(tbs).to_bytes(3, "big") + tbs
        signature = self.ct.sign(b"\x00\x00" + stamp + b"\x00\x01" + entry + b"\x00\x00", SHA256)
        sct = (b"\x00" + hashlib.sha256(spki(self.ct)).digest() + stamp + b"\x00\x00" + b"\x04\x03"
               + len(signature).to_bytes(2, "big") + signature)
        listed = (len(sct) + 2).to_bytes(2, "big") + len(sct).to_bytes(2, "big") + sct
        return b"\x04" + bytes([len(listed)]) + listed  # about 122 bytes: DER's short form of a length

    def _log_v1(self, request: dict[str, Any]) -> bytes:
        spec = request["spec"]
        if request["kind"] == "dsse":
            envelope = json.loads(spec["proposedContent"]["envelope"])
            spec = {
                "envelopeHash": sha256_of(spec["proposedContent"]["envelope"].encode()),
                "payloadHash": sha256_of(base64.b64decode(envelope["payload"])),
                "signatures": [{"signature": signature["sig"], "verifier": verifier} for signature, verifier in
                               zip(envelope["signatures"], spec["proposedContent"]["verifiers"], strict=True)],
            }
        body = rfc8785.dumps({"apiVersion": request["apiVersion"], "kind": request["kind"], "spec": spec})
        index, proof = self._append(body)
        promised = {"body": b64(body), "integratedTime": int(datetime.now(UTC).timestamp()),
                    "logID": hashlib.sha256(spki(self.log)).hexdigest(), "logIndex": index}
        promise = self.log.sign(rfc8785.dumps(promised), SHA256)
        shown = {"logIndex": index, "treeSize": proof["size"], "rootHash": proof["root"].hex(),
                 "hashes": [sibling.hex() for sibling in proof["path"]], "checkpoint": proof["checkpoint"]}
        verification = {"inclusionProof": shown, "signedEntryTimestamp": b64(promise)}
        return json.dumps({hashlib.sha256(body).hexdigest(): {**promised, "verification": verification}}).encode()

    def _log_v2(self, request: dict[str, Any]) -> bytes:
        wanted = request["hashedRekordRequestV002"]
        spec = {"data": {"algorithm": "SHA2_256", "digest": wanted["digest"]}, "signature": wanted["signature"]}
        body = rfc8785.dumps({"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": {"hashedRekordV002": spec}})
        index, proof = self._append(body)
        return json.dumps({
            "logIndex": str(index), "logId": {"keyId": b64(hashlib.sha256(spki(self.log)).digest())},
            "kindVersion": {"kind": "hashedrekord", "version": "0.0.2"}, "canonicalizedBody": b64(body),
            "inclusionProof": {"logIndex": str(index), "treeSize": str(proof["size"]), "rootHash": b64(proof["root"]),
                               "hashes": [b64(sibling) for sibling in proof["path"]],
                               "checkpoint": {"envelope": proof["checkpoint"]}},
        }).encode()

    def _append(self, body: bytes) -> tuple[int, dict[str, Any]]:
        with self.lock:
            self.entries.append(body)
            entries = list(self.entries)
        root = tree_root(entries)
        origin = self.url.removeprefix("http://")
        note = f"{origin}\n{len(entries)}\n{b64(root)}\n"
        signature = hashlib.sha256(spki(self.log)).digest()[:4] + self.log.sign(note.encode(), SHA256)
        return len(entries) - 1, {"size": len(entries), "root": root, "path": tree_path(len(entries) - 1, entries),
                                  "checkpoint": f"{note}\n\u2014 {origin} {b64(signature)}\n"}

    def _timestamp(self, query: bytes) -> bytes:
        """An RFC 3161 answer, made by `openssl ts`."""
        with self.lock:
            (self.folder / "query.tsq").write_bytes(query)
            (self.folder / "serial").write_text("01")
            (self.folder / "tsa.pem").write_text(pem(self.tsa_certificate))
            (self.folder / "chain.pem").write_text(pem(self.tsa_certificate) + pem(self.tsa_root))
            (self.folder / "key.pem").write_bytes(self.tsa.private_bytes(Encoding.PEM, PrivateFormat.PKCS8,
                                                                         NoEncryption()))
            (self.folder / "tsa.conf").write_text(TSA_CONF.format(folder=self.folder))
            subprocess.run(["openssl", "ts", "-reply", "-config", "tsa.conf", "-queryfile", "query.tsq", "-out",
                            "reply.tsr"], cwd=self.folder, check=True, capture_output=True)
            return (self.folder / "reply.tsr").read_bytes()

    def _authority_certificate(self) -> x509.Certificate:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder().subject_name(named("fake timestamps")).issuer_name(self.tsa_root.subject)
            .public_key(self.tsa.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
            .add_extension(key_usage(), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .sign(self.ca, hashes.SHA256())
        )


TSA_CONF = """\
[tsa]
default_tsa = authority
[authority]
dir = {folder}
serial = serial
crypto_device = builtin
signer_cert = tsa.pem
certs = chain.pem
signer_key = key.pem
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


@contextmanager
def running(fake: FakeSigstore) -> Iterator[FakeSigstore]:
    """The instance, listening on a free port of 127.0.0.1 until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            status, kind, content = fake.answer(self.path, self.headers, self.rfile.read(length))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def root_certificate(name: str, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    """A self-signed authority."""
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder().subject_name(named(name)).issuer_name(named(name)).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=365))
        .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
        .add_extension(key_usage(certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def key_usage(*, certificates: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(digital_signature=not certificates, content_commitment=False, key_encipherment=False,
                         data_encipherment=False, key_agreement=False, key_cert_sign=certificates,
                         crl_sign=certificates, encipher_only=False, decipher_only=False)


def pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def sha256_of(data: bytes) -> dict[str, str]:
    return {"algorithm": "sha256", "value": hashlib.sha256(data).hexdigest()}


def authority(chain: list[x509.Certificate], url: str, since: dict[str, str]) -> dict[str, Any]:
    """A CertificateAuthority of a trusted root."""
    certificates = [{"rawBytes": b64(certificate.public_bytes(Encoding.DER))} for certificate in chain]
    return {"subject": {"organization": "fake", "commonName": "fake"}, "uri": url, "validFor": since,
            "certChain": {"certificates": certificates}}


def log_instance(key: ec.EllipticCurvePrivateKey, url: str, since: dict[str, str]) -> dict[str, Any]:
    """A TransparencyLogInstance of a trusted root."""
    return {"baseUrl": url, "hashAlgorithm": "SHA2_256", "logId": {"keyId": b64(hashlib.sha256(spki(key)).digest())},
            "publicKey": {"rawBytes": b64(spki(key)), "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": since}}


def tree_root(entries: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, recursively."""
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    split = 1 << (len(entries) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + tree_root(entries[:split]) + tree_root(entries[split:])).digest()


def tree_path(index: int, entries: list[bytes]) -> list[bytes]:
    """RFC 6962 section 2.1.1, recursively."""
    if len(entries) == 1:
        return []
    split = 1 << (len(entries) - 1).bit_length() - 1
    if index < split:
        return [*tree_path(index, entries[:split]), tree_root(entries[split:])]
    return [*tree_path(index - split, entries[split:]), tree_root(entries[:split])]
