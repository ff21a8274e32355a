"""Stage `quality_model`: train the fastText model that tells the lake's language from other text.

Reads   --documents    table DOCUMENTS: the domain class, by its reference sources
        --general      table DOCUMENTS + split: its train split is the low class, with degraded domain text
Writes  --out          folder: fold-<k>.bin, fastText models; scoring.json, how to use them
"""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from pipeline.schema.errors import BadInput
from pipeline.schema.quality_model import QualityModel
from pipeline.stage.outputs import output_dir, write_json
from pipeline.stage.progress import progress, say
from pipeline.stage.run import run_stage
from pipeline.tables.parquet import read_table
from pipeline.text.degrade import degraded
from pipeline.text.draws import unit_draw
from pipeline.text.quality import (
    DOMAIN,
    OTHER,
    SCORING,
    Example,
    QualityScorer,
    Scoring,
    fold_of,
    low_paragraphs,
    model_path,
    paragraphs_of,
    rank_auc,
    train,
)


def main(documents: Path, general: Path, out: Path, params: QualityModel) -> dict[str, object]:
    """Train one model a fold, then score every document by the model that has not seen it."""
    domain = _reference(read_table(documents), params)
    other = read_table(general).filter(pl.col("split") == "train")
    with output_dir(out) as folder:
        for fold in progress(range(params.folds), "folds", params.folds):
            examples = [*_domain_examples(_outside(domain, fold, params), params),
                        *_general_examples(_outside(other, fold, params), domain, params)]
            train(examples, params, model_path(folder, fold))
        write_json(folder / SCORING, Scoring(folds=params.folds, seed=params.seed,
                                             min_paragraph_words=params.min_paragraph_words).model_dump())
        heldout = _heldout_auc(folder, domain, other, params)
    say(f"held-out AUC {heldout}")
    return {"heldout_auc": heldout, "reference_documents": domain.height}


def _reference(documents: pl.DataFrame, params: QualityModel) -> pl.DataFrame:
    """Documents of the reference sources; all when none is named."""
    unknown = sorted(set(params.reference_sources) - set(documents["source"]))
    if unknown:
        raise BadInput("params.yaml", "`quality_model.reference_sources` names sources the lake does not have",
                       got=", ".join(unknown), do="name sources of lake.yaml, or none for the whole lake")
    if not params.reference_sources:
        return documents
    return documents.filter(pl.col("source").is_in(params.reference_sources))


def _outside(documents: pl.DataFrame, fold: int, params: QualityModel) -> pl.DataFrame:
    """The documents that `fold` is trained on."""
    return documents.filter(pl.Series([fold_of(doc_id, params.folds, params.seed) != fold
                                       for doc_id in documents["doc_id"]]))


def _domain_examples(documents: pl.DataFrame, params: QualityModel) -> Iterator[Example]:
    for text in documents["text"]:
        lines = paragraphs_of(text, params.min_paragraph_words)
        yield from (Example(DOMAIN, line) for line in lines)
        for turn, line in low_paragraphs(lines, params.degraded_share, params.seed):
            yield Example(OTHER, " ".join(degraded(line, f"{params.seed} {turn} {line}").split()))


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
    return [Example(OTHER, line) for _, _, line in sorted(ranked)[:round(wanted)]]


def _heldout_auc(folder: Path, domain: pl.DataFrame, other: pl.DataFrame, params: QualityModel) -> dict[str, float]:
    """How well unseen documents are told apart: from general text, and from themselves degraded."""
    scorer = QualityScorer(folder)

    def scores(table: pl.DataFrame) -> list[float]:
        return [scorer.score(doc_id, text) for doc_id, text in table.select("doc_id", "text").iter_rows()]

    spoilt = [scorer.score(doc_id, degraded(text, f"{params.seed} {doc_id}"))
              for doc_id, text in domain.select("doc_id", "text").iter_rows()]
    good = scores(domain)
    return {"general": round(rank_auc(good, scores(other)), 4), "degraded": round(rank_auc(good, spoilt), 4)}


if __name__ == "__main__":
    run_stage(main, QualityModel)
