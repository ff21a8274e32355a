"""A tiny signed lineage on disk, to be broken one link at a time.

lake -> curate_mix -> base@tiny -> choose_base -> dacpt -> evaluate@dacpt -> gate@dacpt, and the
attestation of models/dacpt. Files hold a few bytes; records and signatures are the real ones.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pipeline.audit.findings import Findings
from pipeline.audit.verify import verify_tree
from pipeline.lineage.sign import SigningKey
from pipeline.schema.attest import Attest
from pipeline.stage.declared import Declared
from pipeline.stage.hashing import hash_artefact
from pipeline.stage.keys import make_key, signing_key
from pipeline.stage.record import write_record
from pipeline.stages import attest

CHECKPOINT = "models/dacpt"
PARAMS = """\
env: {python: "3.11", threads: 2, packages: {}}
curate_mix: {share: 0.1}
dacpt: {lr: 1.0e-3}
attest: {threshold: 1, expires: "2036-01-01T00:00:00Z"}
gate: {confidence: 0.95}
checkpoints: {dacpt: {on: models/dacpt, before: base}}
"""
ATTEST = Attest(threshold=1, expires="2036-01-01T00:00:00Z")
THRESHOLDS = {"confidence": 0.95}
GATE = {"checkpoint": "dacpt", "verdict": "pass", "checks": {"general": {"verdict": "pass"}}}
LICENCE = "LicenseRef-Brackwater-Internal"
MODEL = {"model.safetensors": "adapted", "config.json": "{}", "chat_template.jinja": "{{ messages }}"}
LAKE = {"policy.md": b"Keys are rotated every quarter.\n"}
OWN_KEYS = ("root", "data-owner", "trainer", "evaluator", "attester")


@dataclass
class World:
    """The tree and the root key of its keyring."""

    root: Path
    key: SigningKey

    def verify(self, checkpoints: list[str] | None = None, *, whole: bool = True) -> Findings:
        """Verify with the signer's own key accepted."""
        return verify_tree(self.root, checkpoints or [CHECKPOINT], [self.key.public_key()], whole=whole)

    def failures(self) -> list[tuple[str, str]]:
        """(where, stage) of every failure."""
        return [(failure.where, failure.stage) for failure in self.verify().failures]


def build_world(root: Path, keys: Path, *, own_keys: bool = False,
                lake: Mapping[str, bytes] = LAKE) -> World:
    """Make the tree at `root`, the key in `keys`; `own_keys`: one for each role instead of one for all."""
    with inside(root, keys):
        for name in OWN_KEYS if own_keys else ():
            make_key(name)
        _sources(lake)
        stage("curate_mix", ["data/lake"], {"data/curate_mix/documents": {"part-00000.parquet": "documents"}},
              {"curate_mix": {"share": 0.1}}, {"rights": {"sources": {"policies": {"licence": LICENCE}}}})
        stage("base@tiny", ["data/curate_mix/documents"], {"models/bases/tiny": {"model.safetensors": "tiny"}}, {})
        stage("choose_base", ["models/bases/tiny"], {"models/base": {"model.safetensors": "tiny"}}, {})
        stage("dacpt", ["models/base", "data/curate_mix/documents"], {CHECKPOINT: MODEL}, {"dacpt": {"lr": 0.001}})
        stage("evaluate@dacpt", [CHECKPOINT], {"models/dacpt.eval/metrics.json": '{"perplexity": 9.5}'},
              {"gate": THRESHOLDS})
        stage("gate@dacpt", ["models/dacpt.eval/metrics.json"], {"models/dacpt.gate/gate.json": json.dumps(GATE)},
              {"gate": THRESHOLDS})
        _write("models/dacpt.card/README.md", "# Card\n\nPerplexity: 9.5\n")
        _write("models/dacpt.card/card.json", json.dumps({"facts": {"licence": "apache-2.0"}}))
        sign_checkpoint()
        return World(root, signing_key("root"))


def sign_checkpoint() -> None:
    """Run the stage `attest` for the world's checkpoint, in the current folder."""
    attest.main(Path(CHECKPOINT), Path("models/dacpt.eval/metrics.json"), Path("models/dacpt.gate/gate.json"),
                Path("models/dacpt.card"), Path("lineage"), Path("models/dacpt.attestation"), ATTEST)


@contextmanager
def inside(root: Path, keys: Path) -> Iterator[None]:
    """Work in `root` with the keys in `keys`."""
    before, old_keys = Path.cwd(), os.environ.get("PEDIGREE_KEYS")
    root.mkdir(parents=True, exist_ok=True)
    os.chdir(root)
    os.environ["PEDIGREE_KEYS"] = str(keys)
    try:
        yield
    finally:
        os.chdir(before)
        if old_keys is None:
            del os.environ["PEDIGREE_KEYS"]
        else:
            os.environ["PEDIGREE_KEYS"] = old_keys


def _sources(lake: Mapping[str, bytes]) -> None:
    _write("params.yaml", PARAMS)
    _write("requirements.lock", "torch==2.13.0\n")
    for name, content in lake.items():
        Path("data/lake").mkdir(parents=True, exist_ok=True)
        Path("data/lake", name).write_bytes(content)
    _write("pipeline/code.py", "print('trained')\n")


def stage(name: str, materials: list[str], products: dict[str, str | dict[str, str]], params: dict[str, object],
          resolved: dict[str, object] | None = None, code: str = "pipeline/code.py") -> None:
    """Write the products of a stage and the record of its run, in the current folder."""
    for path, content in products.items():
        for inner, text in (content.items() if isinstance(content, dict) else [("", content)]):
            _write(f"{path}/{inner}" if inner else path, text)
    producers = {path: _MADE_BY[path] for path in materials if path in _MADE_BY}
    _MADE_BY.update(dict.fromkeys(products, name))
    paths = "".join(f" --in {path}" for path in materials) + "".join(f" --out {path}" for path in products)
    command = f"python -m pipeline.stages.{name.split('@')[0]}{paths}"
    declared = Declared(name, command, (code,), tuple(sorted(materials)), tuple(sorted(products)),
                        params, producers)
    hashed = {path: hash_artefact(Path(path)) for path in [*materials, code]}
    made = {path: hash_artefact(Path(path)) for path in products}
    write_record(Path("lineage") / name, declared, hashed, made, resolved or {})


_MADE_BY: dict[str, str] = {}


def _write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")
