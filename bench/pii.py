"""Measure personal-data detection: Presidio's patterns alone against ours, each data set apart.

    python bench/pii.py --d01 CORPUS_FOLDER --hard HARD.jsonl --model models/pii_model --out RESULT.json

A true span counts as found if half of its characters are covered; a find is right if half of it lies
in true spans. Types are not compared. WANTED says which of a set's labels are personal data here;
LEFT_OUT are neither asked for nor an error when found (places, titles, dates: personal or not
depending on the sentence); every other label (companies, job titles, health) is an error when found.
Finds of types that Presidio has and we do not judge (URL, DATE_TIME, NRP, LOCATION) are not counted.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from presidio_analyzer import AnalyzerEngine, RecognizerResult
from presidio_analyzer.nlp_engine import NoOpNlpEngine

from pipeline.redact.analyse import Analyser, Found, united
from pipeline.redact.measure import Truth, recall_by_kind, score, unmarked
from pipeline.redact.tagger import load_tagger
from pipeline.schema.curate_redact import CurateRedact
from pipeline.stage.outputs import write_json
from pipeline.stage.params import load_section

Texts = list[tuple[str, list[Truth]]]
Finder = Callable[[Sequence[str]], list[list[tuple[int, int]]]]

STRUCTURED = frozenset(
    """
    CREDIT_CARD PHONE_NUMBER PHONE EMAIL_ADDRESS EMAIL IBAN_CODE IBAN US_SSN SSN IP_ADDRESS
    US_DRIVER_LICENSE SOCIAL_SECURITY_NUMBER PASSWORD API_KEY BANK_ACCOUNT_NUMBER MAC_ADDRESS
    MEDICAL_RECORD_NUMBER PASSPORT TAX_ID TAXID ACCOUNT PATIENT_ID PAN ROUTING_NUMBER BANK_ACCOUNT
    ACCOUNT_NUMBER DRIVER_LICENSE DRIVERS_LICENSE AADHAR INSURANCE_ID DRIVER_LICENSE_NUM LICENSE
    BANK_ACCOUNT_NUM VOTER_ID USERID PID EMPLOYEE_ID PASSPORT_NUM INSURANCE_POLICY_NUM POLICE_ID_NUM
    ACCOUNT_NUM USER_ID MEDICAL_RECORD EMPLOYEE_CODE CLIENT_CODE
    """.split()  # noqa: SIM905  # a list of 40 lines says no more
)
"""Labels whose values have a form of their own."""
WANTED = STRUCTURED | {
    "PERSON",
    "PERSON_NAME",
    "person",
    "STREET_ADDRESS",
    "ADDRESS",
    "ZIP_CODE",
    "USERNAME",
    "DATE_OF_BIRTH",
    "PARAPHRASE",
}
LEFT_OUT = frozenset({"GPE", "LOCATION", "TITLE", "AGE", "NRP", "DATE_TIME", "DOMAIN_NAME", "TIMESTAMP", "location"})
NOT_JUDGED = frozenset({"URL", "DATE_TIME", "NRP", "LOCATION", "ORGANIZATION"})


def main() -> None:
    """Measure every set with every finder; print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for flag in ("--d01", "--hard", "--model", "--out"):
        parser.add_argument(flag, type=Path, required=True)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    arguments = parser.parse_args()
    finders = {
        "presidio patterns": presidio_patterns(0.0),
        "presidio patterns >= 0.5": presidio_patterns(0.5),
        "ours": ours(arguments.model, arguments.params),
    }
    results = {
        name: {who: measured(texts, finder) for who, finder in finders.items()}
        for name, texts in data_sets(arguments.d01, arguments.hard).items()
    }
    for name, rows in results.items():
        for who, row in rows.items():
            print(
                f"{name:28} {who:26} R {row['recall']:.3f}  P {row['precision']:.3f}  "
                f"structured {row['structured_recall']}  {row['kb_per_s']:.0f} KB/s"
            )
    write_json(arguments.out, results)


def measured(texts: Texts, finder: Finder) -> dict[str, object]:
    """Recall, precision, recall by label, throughput of one finder on one set."""
    started = time.perf_counter()
    found = finder([text for text, _ in texts])
    seconds = time.perf_counter() - started
    pairs = [
        ([truth for truth in truths if truth.kind in WANTED | LEFT_OUT], spans)
        for (_, truths), spans in zip(texts, found, strict=True)
    ]
    counts = score(pairs, overlook=LEFT_OUT)
    kinds = {kind: hit for kind, hit in recall_by_kind(pairs).items() if kind in WANTED}
    structured = [hit for kind, hit in kinds.items() if kind in STRUCTURED]
    share = (
        round(sum(hit for hit, _ in structured) / sum(wanted for _, wanted in structured), 3) if structured else None
    )
    return {
        "spans": counts.wanted,
        "recall": round(counts.recall, 4),
        "precision": round(counts.precision, 4),
        "structured_recall": share,
        "by_label": {kind: f"{hit}/{wanted}" for kind, (hit, wanted) in kinds.items()},
        "kb_per_s": round(sum(len(text) for text, _ in texts) / 1000 / seconds, 1),
    }


def presidio_patterns(threshold: float) -> Finder:
    """Presidio's default recognisers without a model."""
    engine = AnalyzerEngine(
        nlp_engine=NoOpNlpEngine(models=[{"lang_code": "en", "model_name": "none"}]), default_score_threshold=threshold
    )

    def find(texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        return [_places(_kept(engine.analyze(text, "en"))) for text in texts]

    return find


def ours(model: Path, params: Path) -> Finder:
    """Tagger and patterns of stage curate_redact, texts taken whole."""
    analyser = Analyser(load_tagger(model), load_section(CurateRedact, "curate_redact", params))
    return lambda texts: [_places(found) for found in analyser.found(texts)]


def data_sets(d01: Path, hard: Path) -> dict[str, Texts]:
    """Name -> texts with true spans, each source of D01 apart."""
    return {
        "presidio synth_dataset_v2": _presidio(d01 / "presidio/data/synth_dataset_v2.json"),
        "presidio generated_small": _presidio(d01 / "presidio/tests/data/generated_small.json"),
        "pii-anon technology_220": _pii_anon(d01 / "pii-anon/technology_220.jsonl"),
        "nanni pii_syn_nano_en": _nanni(d01 / "nanni-pii/dataset/pii_syn_nano_en.json"),
        "wnut17 dev": _conll(d01 / "wnut17/dev/emerging.dev.conll"),
        "wnut17 test": _conll(d01 / "wnut17/test/emerging.test.annotated"),
        "hard (ours, hand-written)": [
            unmarked(json.loads(line)["text"]) for line in hard.read_text(encoding="utf-8").splitlines()
        ],
    }


def _presidio(path: Path) -> Texts:
    rows = json.loads(path.read_text(encoding="utf-8"))
    return [
        (
            row["full_text"],
            [Truth(span["start_position"], span["end_position"], span["entity_type"]) for span in row["spans"]],
        )
        for row in rows
    ]


def _pii_anon(path: Path) -> Texts:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [
        (row["text"], [Truth(one["start"], one["end"], one["entity_type"]) for one in row["annotations"]])
        for row in rows
    ]


def _nanni(path: Path) -> Texts:
    """Values without offsets: every value is looked for once, after the one before it when it can be."""
    texts = []
    for row in json.loads(path.read_text(encoding="utf-8")):
        truths, at = [], 0
        for one in row["NER"]:
            value = one.get("entity") or one["="]  # one row upstream has "=" for its key
            start = row["text"].find(value, at)
            start = start if start >= 0 else row["text"].find(value)
            if start >= 0:
                truths.append(Truth(start, start + len(value), one["label"]))
                at = start + len(value)
        texts.append((row["text"], truths))
    return texts


def _conll(path: Path) -> Texts:
    """Tokens joined by blanks; B- and I- make spans."""
    texts: Texts = []
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        text, truths = "", []
        for line in block.splitlines():
            word, _, label = line.partition("\t")
            start = len(text) + bool(text)
            text += (" " if text else "") + word
            if label.startswith("B-"):
                truths.append(Truth(start, len(text), label[2:].strip()))
            elif label.startswith("I-") and truths:
                truths[-1] = truths[-1]._replace(end=len(text))
        if text.strip():
            texts.append((text, truths))
    return texts


def _kept(results: list[RecognizerResult]) -> list[Found]:
    return united(
        [
            Found(one.start, one.end, one.entity_type, "", one.score)
            for one in results
            if one.entity_type not in NOT_JUDGED
        ]
    )


def _places(found: list[Found]) -> list[tuple[int, int]]:
    return [(find.start, find.end) for find in found]


if __name__ == "__main__":
    main()
