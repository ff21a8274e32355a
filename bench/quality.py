"""The quality model on real documents: what it tells apart, how sure it is, what it drops, how fast.

    python bench/quality.py CORPORA [--documents 150] [--parts sources labels peer rules]

CORPORA holds folders `A*` (domain documents), `C*` (general English) and `D05*` (with `onestop`: good, and
`ocr_noise_jfk`: bad). Prints, of models that never saw the documents they score:
- AUC of domain documents against general ones and against themselves degraded; calibration error;
- AUC of good against bad D05 documents, with an interval by bootstrap over documents, of this model, of one that
  learnt from labels of the other half of D05, of a linear model on hashed words trained on the same paragraphs,
  and what datatrove's rules would have kept;
- the share of each source under the floor and in the bottom quarter, with its cut;
- seconds of processor time.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import polars as pl

from pipeline.extract.html import read_html
from pipeline.extract.plain import read_text
from pipeline.extract.readers import tidy
from pipeline.extract.records import Reader, Record, Refusal, Source
from pipeline.extract.xml import read_xml
from pipeline.schema.curate_extract import CurateExtract
from pipeline.schema.curate_filter import CurateFilter
from pipeline.schema.documents import DOCUMENTS, document_id
from pipeline.schema.quality_model import QualityModel
from pipeline.stage.params import load_section
from pipeline.stages import quality_model
from pipeline.tables.parquet import write_table
from pipeline.text.calibration import rank_auc
from pipeline.text.draws import unit_draw
from pipeline.text.heuristics import Heuristics
from pipeline.text.quality import QualityScorer
from pipeline.text.quality_cut import Scored, quality_cuts

READERS: dict[str, tuple[str, Reader]] = {
    ".md": ("text/markdown", read_text), ".txt": ("text/plain", read_text), ".rst": ("text/plain", read_text),
    ".tmpl": ("text/markdown", read_text), ".html": ("text/html", read_html), ".xhtml": ("text/html", read_html),
    ".xml": ("application/xml", read_xml), ".cnxml": ("application/xml", read_xml),
}
RESAMPLES = 2000
MAX_CHARS = 60_000
PARTS = ("sources", "labels", "peer", "rules")


def documents_of(folder: Path, count: int, params: CurateExtract) -> list[dict[str, object]]:
    """DOCUMENTS rows of `count` readable files under `folder`, drawn by hash; the source is the folder's name."""
    paths = [path for path in folder.rglob("*") if path.suffix in READERS and "_LICENSES" not in path.parts]
    rows: list[dict[str, object]] = []
    for path in sorted(paths, key=lambda path: unit_draw(1, str(path.relative_to(folder))))[:count]:
        mime, reader = READERS[path.suffix]
        try:
            records = list(reader(Source(path.name, path.read_bytes(), mime, params, lambda: None)))
        except Refusal:
            continue
        for record in records:
            if isinstance(record, Record) and record.text.strip():
                text = tidy(record.text)[:MAX_CHARS]
                rows.append({**dict.fromkeys(DOCUMENTS, ""), "doc_id": document_id(text.encode()), "text": text,
                             "source": folder.name, "path": str(path.relative_to(folder)), "locator": record.locator})
    return rows


def table_of(folders: Sequence[Path], count: int, params: CurateExtract) -> pl.DataFrame:
    """Documents of `folders`, each text once."""
    rows = [row for folder in folders for row in documents_of(folder, count, params)]
    return pl.DataFrame(rows, schema=DOCUMENTS).unique("doc_id", keep="first", maintain_order=True).sort("doc_id")


def trained(domain: pl.DataFrame, general: pl.DataFrame, labels: Sequence[dict[str, str]], params: QualityModel,
            folder: Path) -> tuple[QualityScorer, dict[str, object]]:
    """A model from the tables, as the stage makes it, and its own measurements."""
    for name, table in (("domain", domain), ("general", general.with_columns(split=pl.lit("train")))):
        (folder / name).mkdir(parents=True)
        write_table(table.with_columns(cleared_for_training=True), folder / name, ["doc_id"],
                    {**DOCUMENTS, "cleared_for_training": pl.Boolean})
    lines = folder / "labels.jsonl"
    lines.write_text("".join(json.dumps(label) + "\n" for label in labels))
    quality_model.main(folder / "domain", folder / "general", lines, folder / "model", folder / "metrics.json",
                       folder / "reliability.csv", params)
    return QualityScorer(folder / "model"), json.loads((folder / "metrics.json").read_text())


def interval(good: Sequence[float], bad: Sequence[float]) -> tuple[float, float]:
    """95 % bootstrap interval of the AUC over documents of both classes."""
    draw = np.random.default_rng(1)
    up, down = np.array(good), np.array(bad)
    found = [rank_auc(draw.choice(up, len(up)), draw.choice(down, len(down))) for _ in range(RESAMPLES)]
    return float(np.quantile(found, 0.025)), float(np.quantile(found, 0.975))


def say_auc(name: str, good: Sequence[float], bad: Sequence[float]) -> None:
    """One line: AUC and its interval."""
    low, high = interval(good, bad)
    print(f"  {name:34} AUC {rank_auc(good, bad):.4f} [{low:.4f}, {high:.4f}]  "
          f"median good {np.median(good):.3f} bad {np.median(bad):.3f}")


def linear_peer(domain: pl.DataFrame, general: pl.DataFrame,
                params: QualityModel) -> Callable[[str], tuple[float, float]]:
    """HashingVectorizer and logistic SGD on the paragraphs that fastText learnt from: scores of documents.

    scikit-learn is no dependency of the project: `pip install --target DIR scikit-learn==1.8.0`, DIR on PYTHONPATH.
    """
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.linear_model import SGDClassifier

    classes = quality_model.Classes(domain.select("doc_id", "text"), domain.clear().select("doc_id", "text"),
                                    domain.clear().select("doc_id", "text"))
    examples = quality_model.examples_of(classes, general, None, params)
    vectors = HashingVectorizer(n_features=2**18, ngram_range=(1, 2), alternate_sign=False)
    model = SGDClassifier(loss="log_loss", random_state=1)
    model.fit(vectors.transform([one.text for one in examples]), [one.label for one in examples])
    places = [list(model.classes_).index(label) for label in (quality_model.DOMAIN, quality_model.DEGRADED)]

    def score(text: str) -> tuple[float, float]:
        lines = quality_model.paragraphs_of(text, params.min_paragraph_words)
        chances = model.predict_proba(vectors.transform(lines))[:, places]
        domain, degraded = np.average(chances, axis=0, weights=[line.count(" ") + 1 for line in lines])
        return float(domain), 1.0 - float(degraded)

    return score


def main() -> None:
    """Train on A and C, score D05, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpora", type=Path)
    parser.add_argument("--documents", type=int, default=150, help="files of each folder to learn from")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    given = parser.parse_args()
    extract, filters = load_section(CurateExtract, "curate_extract"), load_section(CurateFilter, "curate_filter")
    params = load_section(QualityModel, "quality_model").model_copy(update={"reference_sources": []})
    [d05] = given.corpora.glob("D05*")
    good, bad = (table_of([d05 / name], 1000, extract) for name in ("onestop", "ocr_noise_jfk"))
    domain, general = (table_of(sorted(given.corpora.glob(f"{kind}*")), given.documents, extract) for kind in "AC")
    print(f"domain {domain.height} documents, general {general.height}; D05 good {good.height}, bad {bad.height}")
    with tempfile.TemporaryDirectory() as scratch:
        if "sources" in given.parts:
            start = time.process_time()
            scorer, metrics = trained(domain, general, [], params, Path(scratch) / "sources")
            print(f"learnt and measured in {time.process_time() - start:.1f} s of processor time: {metrics}")
            for name, place in (("domain", 0), ("intact", 1)):
                say_auc(f"fastText without labels, P({name})",
                        *_scores(lambda doc_id, text, place=place: scorer.score(doc_id, text)[place], good, bad))
            print_drops(scorer, domain, filters)
        if "labels" in given.parts:
            labels = [{"label": kind, "text": text} for kind, table in (("good", good), ("bad", bad))
                      for text in table["text"]]
            by_labels = params.model_copy(update={"learn_from": "labels"})
            scorer, _ = trained(domain, general, labels, by_labels, Path(scratch) / "labels")
            say_auc("fastText, labels of the other half",
                    *_scores(lambda doc_id, text: scorer.score(doc_id, text).domain, good, bad))
    if "peer" in given.parts:
        peer = linear_peer(domain, general, params)
        for name, place in (("domain", 0), ("intact", 1)):
            say_auc(f"hashed words, linear, P({name})",
                    *_scores(lambda _, text, place=place: peer(text)[place], good, bad))
    if "rules" in given.parts:
        rules = Heuristics(filters)
        kept = [sum(rules.failed_rule(text, "") is None for text in table["text"]) / table.height
                for table in (good, bad)]
        print(f"  rules of params.yaml keep {kept[0]:.2f} of the good, {kept[1]:.2f} of the bad")


def _scores(score: Callable[[str, str], float], good: pl.DataFrame, bad: pl.DataFrame) -> tuple[list[float], ...]:
    return tuple([score(doc_id, text) for doc_id, text in table.select("doc_id", "text").iter_rows()]
                 for table in (good, bad))


def print_drops(scorer: QualityScorer, domain: pl.DataFrame, filters: CurateFilter) -> None:
    """What the floor and the bottom quarter would take of each source, and the rate of scoring."""
    start = time.process_time()
    scored = [Scored(source, scorer.score(doc_id, text).domain)
              for doc_id, source, text in domain.select("doc_id", "source", "text").iter_rows()
              if len(text.split()) >= filters.min_quality_words]
    seconds = time.process_time() - start
    megabytes = sum(map(len, domain["text"])) / 1e6
    print(f"scored {len(scored) / seconds:,.0f} documents/s, {megabytes / seconds:.1f} MB/s of processor time")
    cuts = quality_cuts(scored, filters.quality_drop.default, {})
    print(f"  {'source':32} judged  floor {filters.min_quality}  bottom {filters.quality_drop.default}  together   cut")
    for source in sorted({one.source for one in scored}):
        scores = np.array([one.score for one in scored if one.source == source])
        floor, bottom = scores < filters.min_quality, scores < cuts.get(source, 0.0)
        print(f"  {source:32} {len(scores):6} {floor.mean():9.3f} {bottom.mean():11.3f} {(floor | bottom).mean():9.3f} "
              f"{cuts.get(source, 0.0):7.3f}")


if __name__ == "__main__":
    main()
