"""VERIFY.md of a release: what an auditor types, for our tool and for four that know nothing of us.

Every block can be pasted as it stands into a POSIX shell in the release folder; the tests do.
"""

from typing import NamedTuple

from pipeline.lineage.chain import Run
from pipeline.stage.record import manifest_name

NPM = "@sigstore/verify@3.1.1 @sigstore/bundle@4.0.0 @sigstore/core@3.2.1 @sigstore/protobuf-specs@0.5.2"
"""The newest that run on Node 20."""
SCRATCH = ["work=$(mktemp -d)", "trap 'rm -rf \"$work\"' EXIT"]


class Guide(NamedTuple):
    """What the page is about."""

    checkpoint: str
    """As recorded: models/rs_sft."""
    maker: Run
    base: str
    """Recorded path of the model an adapter sits on; "" for a full model."""
    runs: list[Run]
    """Every stage upstream."""
    keyless: bool
    """Whether there are Sigstore bundles."""


def guide_text(guide: Guide) -> str:
    """The page as Markdown."""
    sections = [_head(guide), _pedigree(), _sha256sum(guide), _openssl(guide), _model_signing(), _in_toto(guide),
                _node(), _keyless(guide), _base(guide), TAIL]
    return "\n".join(section for section in sections if section)


def _head(guide: Guide) -> str:
    return f"""\
# Verify {guide.checkpoint}

This folder holds one checkpoint, made by stage `{guide.maker.stage}`, and what is signed of it. Nothing in it
proves who the producer is: get the public half of the producer's **root key** by another way and put
it beside this folder as `producer.pub`. Then run any of the following in this folder. Each is
independent of the others, and each fails when a byte it covers has changed.
"""


def _pedigree() -> str:
    return """\
## pedigree

Everything below and more, offline, without torch and without the data. `policy.yaml` is the producer's
suggestion: read it, then put your own demands in its place.

```sh
pedigree verify . --key ../producer.pub --policy policy.yaml
```
"""


def _sha256sum(guide: Guide) -> str:
    record, manifest = f"../lineage/{guide.maker.stage}", manifest_name(guide.checkpoint)
    checks = [f"(cd model && sha256sum --strict --quiet -c {record}/{manifest})",
              f'test "$(find model -type f | wc -l)" -eq "$(wc -l < lineage/{guide.maker.stage}/{manifest})"',
              *_evaluated(guide), _grep(f"lineage/{guide.maker.stage}", manifest)]
    return _section("sha256sum", """\
The files are the recorded ones and no others, and the record names them. The sha256 of a manifest is
the digest of the whole folder everywhere in the lineage (in-toto's `dirHash`).""", checks)


def _evaluated(guide: Guide) -> list[str]:
    files = {f"{guide.checkpoint}.eval/metrics.json", f"{guide.checkpoint}.gate/gate.json"}
    return [f"(cd evaluation && sha256sum --strict --quiet -c ../lineage/{run.stage}/{manifest_name(path)})"
            for run in guide.runs for path in sorted(files & set(run.products))]


def _grep(record: str, manifest: str) -> str:
    return f'{_grep_digest(f"{record}/{manifest}")} {record}/statement.json'


def _grep_digest(file: str) -> str:
    """Look for a file's sha256 as our JSON writes it; with the key before it, no digest at all finds nothing."""
    return f"grep -q \"\\\"sha256\\\": \\\"$(sha256sum {file} | cut -d' ' -f1)\\\"\""


def _openssl(guide: Guide) -> str:
    return _section("openssl", """\
The signatures. `keyring.json` is signed by the root key and lists the key that signed the rest; each
line of `claims.jsonl` is a Sigstore bundle around one statement. What is signed is DSSE's encoding of the
exact bytes, which eight lines of Python unpack. Claim 1 is the record of the stage that made the
checkpoint; claim 2 names the sha256 of every other record, so one signature pins them all.""", [
        *SCRATCH,
        "python3 - \"$work\" <<'PY'",
        "import base64, json, pathlib, sys",
        "work, folder = pathlib.Path(sys.argv[1]), pathlib.Path('attestation')",
        "claims = (folder / 'claims.jsonl').read_text().splitlines()",
        "lines = {f'claim{number}': line for number, line in enumerate(claims, 1)}",
        "lines |= {name: (folder / name).read_text() for name in ('keyring.json', 'model.sig')}",
        "for name, line in lines.items():",
        "    envelope = json.loads(line)['dsseEnvelope']",
        "    payload, kind = base64.b64decode(envelope['payload']), envelope['payloadType'].encode()",
        "    (work / f'{name}.payload').write_bytes(payload)",
        "    (work / f'{name}.pae').write_bytes(b'DSSEv1 %d %s %d %s' % (len(kind), kind, len(payload), payload))",
        "    (work / f'{name}.raw').write_bytes(base64.b64decode(envelope['signatures'][0]['sig']))",
        "PY",
        'openssl dgst -sha256 -verify ../producer.pub -signature "$work/keyring.json.raw" "$work/keyring.json.pae"',
        "hint=$(sha256sum attestation/key.pub | cut -d' ' -f1)",
        'grep -q "\\"hint\\":\\"$hint\\"" "$work/keyring.json.payload"',
        'for pae in "$work"/claim*.pae "$work/model.sig.pae"; do',
        '  openssl dgst -sha256 -verify attestation/key.pub -signature "${pae%.pae}.raw" "$pae"',
        "done",
        f'cmp "$work/claim1.payload" lineage/{guide.maker.stage}/statement.json',
        "for record in lineage/*/statement.json; do",
        f'  {_grep_digest("$record")} "$work/claim2.payload"',
        "done",
    ])


def _model_signing() -> str:
    return _section("model_signing", """\
The checkpoint's files, as OpenSSF Model Signing. `pip install model-signing==1.1.1 pyOpenSSL==26.4.0` (it
imports pyOpenSSL without declaring it). By default it looks over `.git*` files; `sha256sum` above does not.""", [
        "model_signing verify key model --public_key attestation/key.pub --signature attestation/model.sig"])


def _in_toto(guide: Guide) -> str:
    products = sorted(guide.maker.products.keys() - {guide.checkpoint})
    local = " ".join([f"'dir:{guide.checkpoint}'", *(_artefact(path, guide.maker) for path in products),
                      f"'lineage/{guide.maker.stage}/statement.json'"])
    copy = ['cp -R products/. "$work/tree"'] if products else []
    return _section("in-toto", """\
Every stage upstream: signed by a key of its role, with every declared input and output, each input the
very output of the stage before. `pip install in-toto==3.1.0`. The second command compares the files here with
what each signer of the checkpoint's stage signed; in-toto names artefacts by their path in the producer's tree, so
they are laid out like that first.""", [
        *SCRATCH,
        'mkdir "$work/links"',
        'cp lineage/*/*.link "$work/links"',
        'in-toto-verify --layout attestation/root.layout --verification-keys attestation/key.pub \\',
        '  --link-dir "$work/links"',
        f"mkdir -p \"$work/tree/lineage/{guide.maker.stage}\" \"$work/tree/{guide.checkpoint.rsplit('/', 1)[0]}\"",
        f'cp -R model "$work/tree/{guide.checkpoint}"',
        f'cp lineage/{guide.maker.stage}/statement.json "$work/tree/lineage/{guide.maker.stage}"',
        *copy,
        'cd "$work/tree"',
        f'for link in "$work/links/{guide.maker.stage}".*.link; do',
        f'  in-toto-match-products --link "$link" --paths {local}',
        "done",
    ])


def _artefact(path: str, run: Run) -> str:
    return f"'dir:{path}'" if path in run.folders else f"'{path}'"


def _node() -> str:
    return _section("@sigstore/verify", f"""\
The same signatures, checked by the client that npm uses (Node 20 or newer). Once, beside this folder:

```sh
npm install --silent --no-audit --no-fund --prefix ../sigstore-client {NPM}
```
""", [
        "NODE_PATH=../sigstore-client/node_modules node - <<'JS'",
        "const fs = require('fs'), crypto = require('crypto');",
        "const { Verifier, toSignedEntity, toTrustMaterial } = require('@sigstore/verify');",
        "const { bundleFromJSON } = require('@sigstore/bundle');",
        "const { TrustedRoot } = require('@sigstore/protobuf-specs');",
        "const key = crypto.createPublicKey(fs.readFileSync('attestation/key.pub', 'utf8'));",
        "const trust = toTrustMaterial(TrustedRoot.fromJSON({}), () => ({ publicKey: key, validFor: () => true }));",
        "const verifier = new Verifier(trust, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 });",
        "for (const name of ['claims.jsonl', 'model.sig'])",
        "  for (const line of fs.readFileSync(`attestation/${name}`, 'utf8').trim().split('\\n'))",
        "    verifier.verify(toSignedEntity(bundleFromJSON(JSON.parse(line))));",
        "JS",
    ])


def _keyless(guide: Guide) -> str:
    if not guide.keyless:
        return ""
    return _section("sigstore", """\
The same statements, signed without a key: an identity provider vouched for a name, and the signatures are
in a public log. Set `IDENTITY` and `ISSUER` to whom you expect (by another way than this folder), and
`TRUST_CONFIG` to the client trust config of a private instance. `pip install sigstore==4.5.1`. The
first command also compares the statements with those the producer's key signed.""", [
        'pedigree check-keyless . --identity "$IDENTITY" --issuer "$ISSUER" \\',
        '  ${TRUST_CONFIG:+--trust-config "$TRUST_CONFIG"}',
        "for file in model/*; do",
        '  sigstore ${TRUST_CONFIG:+--trust-config "$TRUST_CONFIG"} verify identity --offline \\',
        '    --bundle keyless/provenance.sigstore.json --cert-identity "$IDENTITY" \\',
        '    --cert-oidc-issuer "$ISSUER" "$file"',
        "done",
    ])


def _base(guide: Guide) -> str:
    if not guide.base:
        return ""
    producer = next(item.producer for item in guide.maker.materials if item.path == guide.base)
    manifest = f"lineage/{producer}/{manifest_name(guide.base)}"
    return f"""\
## The base

`model/` is an adapter: it changes a full model, `{guide.base}` of stage `{producer}`, and names it by digest in
`adapter_config.json`. The digest is that of a manifest that lies here, so the full model can be checked
wherever it lies (`base/` when it came with this folder; else name its folder as `BASE`):

```sh
(
set -eu
grep -q "sha256:$(sha256sum {manifest} | cut -d' ' -f1)\\"" model/adapter_config.json
release=$PWD
cd "${{BASE:-base}}"
sha256sum --strict --quiet -c "$release/{manifest}"
)
```
"""


def _section(title: str, text: str, commands: list[str]) -> str:
    block = "\n".join(commands)
    return f"## {title}\n\n{text}\n\n```sh\n(\nset -eu\n{block}\n)\n```\n"


TAIL = """\
## What this does not show

That the producer's machine was honest: whoever holds the keys can sign a false record. `hermetic` in each
statement says whether the stage was kept from reading anything undeclared. The data are not here;
their digests are, so a dataset shown to you later can be compared. To rule out a lie about training,
rebuild: the same inputs give the same bytes on the same class of processor.
"""
