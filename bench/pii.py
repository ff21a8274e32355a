"""Measure personal-data detection: Presidio's patterns, Presidio with a model, and ours, each data set apart.

    python bench/pii.py --d01 CORPUS_FOLDER --hard FOLDER --model models/pii_model --out RESULT.json
        [--peer FOLDER] [--text FOLDER] [--characters 200000] [--levels SCORE...]

--peer    where the peer's spaCy model is kept; made when it is not there: tok2vec and NER of the size of
          en_core_web_sm, trained on our generated sentences, because no public model can be had offline.
          Presidio's default model has a tagger, a parser and a lemmatiser besides, so it is slower than
          this; its rate is what is asked here, not its recall
--levels  the same with the tagger's finds of at least this score only: what precision costs in recall
--text    documents (*.md, *.txt) on which rates are measured, side by side in one run; process time of
          one thread, the median of three parts

A true span counts as found if half of its characters are covered; a find is right if half of it lies
in true spans. Types are not compared. WANTED says which of a set's labels are personal data here;
LEFT_OUT are neither asked for nor an error when found (places, titles, dates: personal or not
depending on the sentence; handles such as @ann, which WNUT does not mark); every other label (companies, job
titles, health) is an error when found.
Finds of types that Presidio has and we do not judge (URL, DATE_TIME, NRP, LOCATION) are not counted.
"""

import argparse
import json
import random
import re
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import spacy
from presidio_analyzer import AnalyzerEngine, RecognizerResult
from presidio_analyzer.nlp_engine import NerModelConfiguration, NoOpNlpEngine, SpacyNlpEngine
from spacy.training import Example

from pipeline.redact.analyse import Analyser, Found, united
from pipeline.redact.chunks import chunks
from pipeline.redact.generate import example, read_lists
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
    NATIONAL_ID MEDICAL_RECORD_NUMBER PASSPORT TAX_ID TAXID ACCOUNT PATIENT_ID PAN ROUTING_NUMBER BANK_ACCOUNT
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
    "IDENTIFIER",
}
LEFT_OUT = frozenset(
    {"GPE", "LOCATION", "TITLE", "AGE", "NRP", "DATE_TIME", "DOMAIN_NAME", "TIMESTAMP", "location", "handle"}
)
APOSTROPHES, AFTER_APOSTROPHE = ("'", "\u2019"), {"s", "t", "m", "d", "re", "ve", "ll"}
CLOSING, OPENING = frozenset(".,!?;:)%"), frozenset("@#(")
HANDLE = re.compile(r"@\w+")
NOT_JUDGED = frozenset({"URL", "DATE_TIME", "NRP", "LOCATION", "ORGANIZATION"})


def main() -> None:
    """Measure every set with every finder; print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for flag in ("--d01", "--hard", "--model", "--out"):
        parser.add_argument(flag, type=Path, required=True)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"))
    parser.add_argument("--lists", type=Path, default=Path("data/authored/pii"))
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--text", type=Path)
    parser.add_argument("--characters", type=int, default=200_000)
    parser.add_argument("--levels", type=float, nargs="*", default=[])
    arguments = parser.parse_args()
    finders = {
        "presidio patterns": presidio_patterns(0.0),
        "presidio patterns >= 0.5": presidio_patterns(0.5),
        "ours": ours(arguments.model, arguments.params, 0.0),
        **{f"ours, tagger >= {least}": ours(arguments.model, arguments.params, least) for least in arguments.levels},
    }
    if arguments.peer:
        finders["presidio, spaCy NER"] = presidio_spacy(arguments.peer, arguments.lists)
    if arguments.text:
        rates(finders, arguments.text, arguments.characters)
    results = {
        name: {who: measured(texts, finder) for who, finder in finders.items()}
        for name, texts in data_sets(arguments.d01, arguments.hard).items()
    }
    for name, rows in results.items():
        patterns = rows["presidio patterns"]["recall"]
        for who, row in rows.items():
            times = f"{row['recall'] / patterns:4.1f}" if patterns else "   -"
            print(
                f"{name:28} {who:26} R {row['recall']:.3f} ({times} x patterns)  P {row['precision']:.3f}  "
                f"structured {row['structured_recall']}  {row['kb_per_s']:.0f} KB/s"
            )
    write_json(arguments.out, results)


def measured(texts: Texts, finder: Finder) -> dict[str, object]:
    """Recall, precision, recall by label, throughput of one finder on one set."""
    started = time.process_time()
    found = finder([text for text, _ in texts])
    seconds = time.process_time() - started
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


def presidio_spacy(folder: Path, lists: Path) -> Finder:
    """Presidio's default recognisers with a spaCy NER as its engine, as `AnalyzerEngine()` runs it."""
    if not folder.exists():
        train_peer(lists, 3000, folder)
    engine = SpacyNlpEngine(
        models=[{"lang_code": "en", "model_name": str(folder)}],
        ner_model_configuration=NerModelConfiguration(model_to_presidio_entity_mapping={"PERSON": "PERSON"}),
    )
    analyzer = AnalyzerEngine(nlp_engine=engine)

    def find(texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        return [_places(_kept(analyzer.analyze(text, "en"))) for text in texts]

    return find


def train_peer(lists: Path, count: int, folder: Path) -> None:
    """spaCy's NER over a tok2vec of en_core_web_sm's size, one pass over generated sentences."""
    nlp = spacy.blank("en")
    tok2vec = {"@architectures": "spacy.HashEmbedCNN.v2", "width": 96, "depth": 4, "embed_size": 2000}
    tok2vec |= {"window_size": 1, "maxout_pieces": 3, "subword_features": True, "pretrained_vectors": None}
    model = {"@architectures": "spacy.TransitionBasedParser.v2", "state_type": "ner", "extra_state_tokens": False}
    model |= {"hidden_width": 64, "maxout_pieces": 2, "use_upper": True, "tok2vec": tok2vec}
    nlp.add_pipe("ner", config={"model": model})
    wide = read_lists(lists)
    made = [example(wide, 1, number, lower_share=0.05, invented_share=0.2) for number in range(count)]
    examples = []
    for one in made:
        doc = nlp.make_doc(one.text)
        names = [span for span in one.spans if span[2] == "PERSON" and doc.char_span(*span[:2])]
        examples.append(Example.from_dict(doc, {"entities": names}))
    nlp.initialize(lambda: examples)
    random.Random(0).shuffle(examples)
    for at in range(0, len(examples), 64):
        nlp.update(examples[at : at + 64])
    nlp.to_disk(folder)


def rates(finders: dict[str, Finder], folder: Path, characters: int) -> None:
    """KB/s of process time on documents, each finder on the same three parts in turn; ours by paragraphs."""
    files = [path for path in sorted(folder.rglob("*")) if path.suffix in (".md", ".txt")]
    random.Random(0).shuffle(files)
    parts: list[list[str]] = [[], [], []]
    for number, path in enumerate(files):
        if sum(len(text) for part in parts for text in part) < characters:
            parts[number % 3].append(path.read_text(encoding="utf-8", errors="replace")[:50_000])
    measured_: dict[str, list[float]] = {who: [] for who in finders}
    for part in parts:
        for who, finder in finders.items():
            texts = [chunk.text for text in part for chunk in chunks(text)] if who == "ours" else part
            started = time.process_time()
            finder(texts)
            measured_[who].append(sum(map(len, part)) / 1000 / (time.process_time() - started))
    ours_ = statistics.median(measured_["ours"])
    for who, values in measured_.items():
        rate = statistics.median(values)
        print(f"{who:26} {rate:8.1f} KB/s   ours: {ours_ / rate:.1f} times")


def ours(model: Path, params: Path, least: float) -> Finder:
    """Tagger and patterns of stage curate_redact, texts taken whole; the tagger's finds of at least `least`."""
    chosen = load_section(CurateRedact, "curate_redact", params)
    surer = {kind: max(score, least) for kind, score in chosen.tagger_scores.items()}
    analyser = Analyser(load_tagger(model), chosen.model_copy(update={"tagger_scores": surer}))
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
        **{f"hand-written {path.stem}": _marked(path) for path in sorted(hard.glob("*.jsonl"))},
    }


def _marked(path: Path) -> Texts:
    return [unmarked(json.loads(line)["text"]) for line in path.read_text(encoding="utf-8").splitlines()]


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
    """Values without offsets: every value is looked for once, after the one before it when it can be.

    Some bear asterisks that their text does not have.
    """
    texts = []
    for row in json.loads(path.read_text(encoding="utf-8")):
        truths, at = [], 0
        for one in row["NER"]:
            value = one.get("entity") or one["="]  # one row upstream has "=" for its key
            value = value if value in row["text"] else value.strip("*")
            start = row["text"].find(value, at)
            start = start if start >= 0 else row["text"].find(value)
            if start >= 0:
                truths.append(Truth(start, start + len(value), one["label"]))
                at = start + len(value)
        texts.append((row["text"], truths))
    return texts


def _conll(path: Path) -> Texts:
    """Tokens joined as they were written, as far as that can be told; B- and I- make spans."""
    texts: Texts = []
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        text, truths = "", []
        rows = [line.partition("\t")[::2] for line in block.splitlines()]
        words = [word for word, _ in rows]
        for place, (word, label) in enumerate(rows):
            start = len(text) + (bool(text) and not _glued(words, place))
            text = text.ljust(start) + word
            if label.startswith("B-"):
                truths.append(Truth(start, len(text), label[2:].strip()))
            elif label.startswith("I-") and truths:
                truths[-1] = truths[-1]._replace(end=len(text))
        handles = [Truth(*match.span(), "handle") for match in HANDLE.finditer(text)]
        if text.strip():
            texts.append((text, truths + handles))
    return texts


def _glued(words: list[str], place: int) -> bool:
    """Whether no blank stood before the word: "did n ' t" was "didn't", "great !" was "great!"."""
    before, word, behind = words[:place], words[place], words[place + 1:]
    if word in APOSTROPHES:
        return bool(behind) and behind[0].lower() in AFTER_APOSTROPHE and before[-1].isalpha()
    if before and before[-1] in APOSTROPHES:
        return word.lower() in AFTER_APOSTROPHE and len(before) > 1 and before[-2].isalpha()
    if word.lower() == "n" and len(behind) > 1:
        return behind[0] in APOSTROPHES and behind[1].lower() == "t"
    return word in CLOSING or (bool(before) and before[-1] in OPENING)


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
