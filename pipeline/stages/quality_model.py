"""Stage `quality_model`: train the fastText model that tells the lake's language from other text.

Reads   --documents    table DOCUMENTS and cleared_for_training bool: what is cleared of the reference sources is the
                       domain class
        --general      table DOCUMENTS + split: its train split is the class of other text; both are also degraded
        --labels       JSONL of QualityLabel: what people think of documents; may be empty
Writes  --out          folder: fold-<k>.bin, fastText models; scoring.json, how to use them
        --metrics      JSON of held-out documents: AUC of P(domain) against each kind of bad text, of P(intact)
                       over all of them, calibration of P(domain)
        --reliability  CSV, one row a tenth of the score: predicted, observed, ideal, weight, scores
"""

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from pipeline.schema.errors import BadInput
from pipeline.schema.quality_model import QualityModel
from pipeline.stage.outputs import output_dir, output_file, write_json
from pipeline.stage.progress import progress, say
from pipeline.stage.run import run_stage
from pipeline.tables.parquet import read_table
from pipeline.tables.quality_labels import Labelled, labelled, read_labels
from pipeline.text.calibration import DECIMALS, Bin, brier, calibration_error, rank_auc, reliability_bins
from pipeline.text.degrade import DEGRADATIONS, degraded, degraded_document
from pipeline.text.draws import unit_draw
from pipeline.text.quality import (
    DEGRADED,
    DOMAIN,
    OTHER,
    SCORING,
    Example,
    QualityScorer,
    Scores,
    Scoring,
    fold_of,
    low_paragraphs,
    model_path,
    normalised,
    paragraphs_of,
    train,
)

ID_TEXT = ("doc_id", "text")


class Classes(NamedTuple):
    """What each class is learnt from, columns `doc_id` and `text`."""

    domain: pl.DataFrame
    bad: pl.DataFrame
    """Labelled bad."""
    repeated: pl.DataFrame
    """Of the domain: labelled good, and so learnt several times."""


def main(documents: Path, general: Path, labels: Path, out: Path, metrics: Path, reliability: Path,
         params: QualityModel) -> dict[str, object]:
    """Train one model a fold, then score every document by the model that has not seen it."""
    lake = read_table(documents)
    people = labelled(read_labels(labels), lake)
    cleared, not_cleared = lake.filter("cleared_for_training"), lake.filter(~pl.col("cleared_for_training"))
    people = Labelled(*(kind.join(not_cleared, on="doc_id", how="anti") for kind in people))
    classes = classes_of(cleared, people, params)
    other = read_table(general).filter(pl.col("split") == "train")
    with output_dir(out) as folder:
        for fold in progress(range(params.folds), "folds", params.folds):
            train(examples_of(classes, other, fold, params), params, model_path(folder, fold))
        write_json(folder / SCORING, Scoring(folds=params.folds, seed=params.seed,
                                             min_paragraph_words=params.min_paragraph_words).model_dump())
        heldout = Heldout(QualityScorer(folder), classes.domain, other, people, params)
    write_json(metrics, {"auc": heldout.auc, "calibration": heldout.calibration,
                         "documents": {"domain": classes.domain.height, "general": other.height,
                                       "labelled_good": people.good.height, "labelled_bad": people.bad.height}})
    _write_bins(reliability, heldout.bins)
    say(f"held-out AUC {heldout.auc}, calibration {heldout.calibration}")
    return {"reference_documents": classes.domain.height}


def classes_of(lake: pl.DataFrame, people: Labelled, params: QualityModel) -> Classes:
    """The domain class by reference sources, by labels, or by sources that labels correct.

    Raises:
        BadInput: a reference source is not in the lake, or labels are wanted and a class has none.
    """
    nothing = people.bad.clear()
    if params.learn_from == "sources":
        return Classes(_reference(lake, params).select(ID_TEXT), nothing, nothing)
    if not people.good.height or not people.bad.height:
        raise BadInput("quality labels", f"`quality_model.learn_from` is {params.learn_from}, and a class has no label",
                       wanted="good and bad ones", got=f"{people.good.height} good, {people.bad.height} bad",
                       do="label documents, or learn from sources")
    if params.learn_from == "labels":
        return Classes(people.good, people.bad, people.good)
    decided = [*people.good["doc_id"], *people.bad["doc_id"]]
    rest = _reference(lake, params).select(ID_TEXT).filter(~pl.col("doc_id").is_in(decided))
    return Classes(pl.concat([rest, people.good]).sort("doc_id"), people.bad, people.good)


def _reference(documents: pl.DataFrame, params: QualityModel) -> pl.DataFrame:
    """Documents of the reference sources; all when none is named."""
    unknown = sorted(set(params.reference_sources) - set(documents["source"]))
    if unknown:
        raise BadInput("params.yaml", "`quality_model.reference_sources` names sources without a document that is "
                       "cleared for training", got=", ".join(unknown),
                       do="name sources of lake.yaml, or none for the whole lake")
    if not params.reference_sources:
        return documents
    return documents.filter(pl.col("source").is_in(params.reference_sources))


def examples_of(classes: Classes, other: pl.DataFrame, fold: int | None, params: QualityModel) -> list[Example]:
    """Everything that the model of `fold` learns from, labelled paragraphs `label_repeats` times; None: of no fold."""
    good = [*_domain_examples(_outside(classes.domain, fold, params), params)]
    again = _outside(classes.repeated, fold, params)
    good += [Example(DOMAIN, line) for _ in range(params.label_repeats - 1) for line in _lines(again, params)]
    bad = [Example(OTHER, line) for _ in range(params.label_repeats)
           for line in _lines(_outside(classes.bad, fold, params), params)]
    return [*good, *bad, *_general_examples(_outside(other, fold, params), classes.domain, params)]


def _lines(documents: pl.DataFrame, params: QualityModel) -> list[str]:
    return [line for text in documents["text"] for line in paragraphs_of(text, params.min_paragraph_words)]


def _outside(documents: pl.DataFrame, fold: int | None, params: QualityModel) -> pl.DataFrame:
    """The documents that `fold` is trained on."""
    return documents.filter(pl.Series([fold_of(doc_id, params.folds, params.seed) != fold
                                       for doc_id in documents["doc_id"]], dtype=pl.Boolean))


def _domain_examples(documents: pl.DataFrame, params: QualityModel) -> Iterator[Example]:
    for text in documents["text"]:
        lines = paragraphs_of(text, params.min_paragraph_words)
        yield from (Example(DOMAIN, line) for line in lines)
        yield from _degraded_examples(lines, params.degraded_share, params.seed)


def _degraded_examples(lines: list[str], share: float, seed: int) -> Iterator[Example]:
    for turn, line in low_paragraphs(lines, share, seed):
        yield Example(DEGRADED, normalised(degraded(line, f"{seed} {turn} {line}")))


def _general_examples(texts: pl.DataFrame, domain: pl.DataFrame, params: QualityModel) -> list[Example]:
    """General paragraphs down to `general_share` per paragraph of the domain, evenly from each source.

    Evenly, because prose about anything at all is scarcer than documentation of software.
    """
    wanted = params.general_share * sum(len(paragraphs_of(text, params.min_paragraph_words))
                                        for text in domain["text"])
    ranked = []
    for (source,), group in texts.group_by("source"):
        lines = {line for text in group["text"] for line in paragraphs_of(text, params.min_paragraph_words)}
        drawn = sorted((unit_draw(params.seed, line), line) for line in lines)
        ranked += [(rank, source, line) for rank, (_, line) in enumerate(drawn)]
    chosen = [line for _, _, line in sorted(ranked)[:round(wanted)]]
    return [*(Example(OTHER, line) for line in chosen),
            *_degraded_examples(chosen, params.degraded_general_share, params.seed)]


class Heldout:
    """Scores of documents by models that never saw them, and what follows from these."""

    def __init__(self, scorer: QualityScorer, domain: pl.DataFrame, other: pl.DataFrame, people: Labelled,
                 params: QualityModel) -> None:
        """Score good documents, general ones, and the good ones degraded in each way."""
        good, general = _scores(scorer, domain), _scores(scorer, other)
        spoilt = {kind.__name__: [scorer.score(doc_id, degraded_document(text, kind, f"{params.seed} {doc_id}"))
                                  for doc_id, text in domain.select(ID_TEXT).iter_rows()] for kind in DEGRADATIONS}
        self.auc = {name: _domain_auc(good, scores) for name, scores in {"general": general, **spoilt}.items()}
        all_spoilt = [scores for kind in spoilt.values() for scores in kind]
        self.auc["intact"] = round(rank_auc([one.intact for one in [*good, *general]],
                                            [one.intact for one in all_spoilt]), DECIMALS)
        if people.good.height and people.bad.height:
            self.auc["labels"] = _domain_auc(_scores(scorer, people.good), _scores(scorer, people.bad))
        up, down = [one.domain for one in good], [one.domain for one in [*general, *all_spoilt]]
        self.bins = reliability_bins(up, down)
        self.calibration = {"error": calibration_error(self.bins), "brier": brier(up, down)}


def _scores(scorer: QualityScorer, documents: pl.DataFrame) -> list[Scores]:
    return [scorer.score(doc_id, text) for doc_id, text in documents.select(ID_TEXT).iter_rows()]


def _domain_auc(good: Sequence[Scores], bad: Sequence[Scores]) -> float:
    return round(rank_auc([one.domain for one in good], [one.domain for one in bad]), DECIMALS)


def _write_bins(out: Path, bins: Sequence[Bin]) -> None:
    """CSV for `dvc plots`; `ideal` is the diagonal."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("predicted", "observed", "ideal", "weight", "scores"))
    table.writerows((one.predicted, one.observed, one.predicted, one.weight, one.scores) for one in bins)
    with output_file(out) as scratch:
        scratch.write_text(text.getvalue(), encoding="utf-8")


if __name__ == "__main__":
    run_stage(main, QualityModel)
