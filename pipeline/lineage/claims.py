"""The claims made of a checkpoint, as in-toto statements, beside its provenance.

Sources: OpenSSF Model Signing v1.0 (`model.sig`: https://model_signing/signature/v1.0);
in-toto/attestation `spec/predicates/test-result.md` v0.1 and `reference.md` v0.1.
"""

import hashlib
from collections.abc import Mapping

import rfc8785

from pipeline.lineage.chain import Run
from pipeline.lineage.manifest import sha256
from pipeline.lineage.statement import STATEMENT_TYPE
from pipeline.schema.errors import NotVerified

MODEL_SIGNING = "https://model_signing/signature/v1.0"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
REFERENCE = "https://in-toto.io/attestation/reference/v0.1"


def model_signing_statement(name: str, entries: Mapping[str, str]) -> dict[str, object]:
    """OpenSSF Model Signing over files `entries` (path -> sha256) of model `name`.

    The root digest is, by that specification, sha256 over the raw file digests in name order; it
    does not cover the names, the signed `resources` list does.
    """
    ordered = sorted(entries)
    root = hashlib.sha256(b"".join(bytes.fromhex(entries[path]) for path in ordered)).hexdigest()
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": name, "digest": {"sha256": root}}],
        "predicateType": MODEL_SIGNING,
        "predicate": {
            "resources": [{"name": path, "algorithm": "sha256", "digest": entries[path]} for path in ordered],
            "serialization": {"method": "files", "hash_type": "sha256", "allow_symlinks": False, "ignore_paths": []},
        },
    }


THRESHOLDS = "gate"
"""The section of params.yaml that holds the thresholds; the stage that measures records it too."""


def committed_thresholds(measured: Run, judged: Run) -> dict[str, object]:
    """The thresholds as the measuring run recorded them, before anybody could judge by its result.

    Args:
        measured: the run that wrote metrics.json.
        judged: the run that gave the verdict.

    Raises:
        NotVerified: the measuring run recorded none, or the verdict was given by others.
    """
    where = f"lineage/{measured.stage}/statement.json"
    if THRESHOLDS not in measured.params:
        raise NotVerified(where, f"records no thresholds (`{THRESHOLDS}`)", do="declare them as params of the stage")
    before, used = (sha256(rfc8785.dumps(run.params.get(THRESHOLDS))) for run in (measured, judged))  # type: ignore[arg-type]
    if before != used:
        raise NotVerified(f"lineage/{judged.stage}/statement.json",
                          f"judged by other thresholds than {where} committed to", wanted=before, got=used)
    return {"name": f"params.yaml#{THRESHOLDS}", "digest": {"sha256": before},
            "annotations": {"form": "RFC 8785", "recordedIn": where, "statement": measured.sha256}}


def test_result_statement(subject: Mapping[str, str], verdict: str, thresholds: dict[str, object],
                          measurements: Mapping[str, str], outcomes: Mapping[str, str]) -> dict[str, object]:
    """The gate's verdict on a checkpoint.

    Args:
        subject: path -> sha256 of what was tested.
        verdict: `pass`, `regression` or `no evidence`.
        thresholds: `committed_thresholds`.
        measurements: path -> sha256 of the files the verdict rests on.
        outcomes: check -> verdict.
    """
    result = {"pass": "PASSED", "regression": "FAILED"}.get(verdict, "WARNED")
    return {
        "_type": STATEMENT_TYPE,
        "subject": _descriptors(subject),
        "predicateType": TEST_RESULT,
        "predicate": {
            "result": result,
            "configuration": [*_descriptors(measurements), thresholds],
            "passedTests": sorted(name for name, outcome in outcomes.items() if outcome == "pass"),
            "warnedTests": sorted(name for name, outcome in outcomes.items() if outcome not in ("pass", "regression")),
            "failedTests": sorted(name for name, outcome in outcomes.items() if outcome == "regression"),
        },
    }


def reference_statement(subject: Mapping[str, str], references: Mapping[str, str],
                        attester: str) -> dict[str, object]:
    """`references` (path -> sha256: the card's files) describe `subject` (path -> sha256)."""
    return {
        "_type": STATEMENT_TYPE,
        "subject": _descriptors(subject),
        "predicateType": REFERENCE,
        "predicate": {
            "attester": {"id": attester},
            "references": [{"downloadLocation": path, "digest": {"sha256": digest}, "mediaType": media_type(path)}
                           for path, digest in sorted(references.items())],
        },
    }


def media_type(path: str) -> str:
    """By ending, for the kinds of file a card has."""
    endings = {".md": "text/markdown", ".json": "application/json", ".html": "text/html", ".svg": "image/svg+xml",
               ".csv": "text/csv"}
    return next((kind for ending, kind in endings.items() if path.endswith(ending)), "application/octet-stream")


def _descriptors(digests: Mapping[str, str]) -> list[dict[str, object]]:
    return [{"name": path, "digest": {"sha256": digest}} for path, digest in sorted(digests.items())]
