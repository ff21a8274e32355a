"""A dataset as Croissant 1.0 with the Responsible-AI vocabulary 1.0 (MLCommons), so that other tools can read it.

`mlcroissant` accepts it and reads the records back. No clock in it: `datePublished` is a fact of a release,
and people state it there.
"""

from typing import Any

import polars as pl

from pipeline.cards.dataset import Dataset
from pipeline.schema.card_facts import CardFacts
from pipeline.schema.card_facts import Dataset as Facts

CONFORMS = ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"]

CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "prov": "http://www.w3.org/ns/prov#",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The context that the specification prescribes."""

TYPES: list[tuple[type[pl.DataType], str]] = [
    (pl.String, "sc:Text"), (pl.Int64, "sc:Integer"), (pl.Int32, "sc:Integer"), (pl.Float64, "sc:Float"),
    (pl.Boolean, "sc:Boolean")]
ROOT = "../../../"
"""From the card's folder, `data/data_card/<name>`, to the repository."""


def croissant(dataset: Dataset, facts: CardFacts) -> dict[str, Any]:
    """The content of croissant.json."""
    spoken = spoken_of(dataset.name, facts)
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS,
        "name": f"pedigree-{dataset.name.replace('_', '-')}",
        "description": description(dataset),
        "version": facts.version,
        "license": licences(dataset, spoken),
        **({"creator": {"@type": "sc:Organization", "name": facts.provider}} if facts.provider else {}),
        "inLanguage": sorted(set(dataset.counts.get("language", {})) - {"unknown"}) or facts.language,
        "identifier": f"sha256:{dataset.artefact.digest}",
        "isLiveDataset": False,
        "distribution": distribution(dataset),
        "recordSet": [record_set(dataset)],
        "prov:wasGeneratedBy": {"@id": dataset.statement, "sc:name": dataset.maker},
        "prov:wasDerivedFrom": [{"@id": path, "sc:identifier": f"sha256:{digest}"} for path, digest in dataset.roots],
        **responsible(dataset, spoken),
    }


def spoken_of(name: str, facts: CardFacts) -> list[Facts]:
    """What the provider says of the bodies of text in a card's table."""
    return [entry for entry in facts.datasets + facts.evaluation_sets if name in entry.cards]


def description(dataset: Dataset) -> str:
    """One sentence of counts."""
    return (f"{dataset.rows:,} rows with {dataset.characters:,} characters of text, made by stage {dataset.maker} "
            f"and traced to {len(dataset.roots)} inputs.")


def licences(dataset: Dataset, spoken: list[Facts]) -> list[str]:
    """Licences of the rows where the table names them, else those that the provider states."""
    return sorted(dataset.counts.get("licence", {})) or sorted({entry.licence for entry in spoken})


def distribution(dataset: Dataset) -> list[dict[str, Any]]:
    """Every part with its sha256, and the set of them."""
    parts = sorted(dataset.artefact.entries)
    files = [{"@type": "cr:FileObject", "@id": part, "name": part, "contentUrl": f"{ROOT}{dataset.folder}/{part}",
              "contentSize": f"{dataset.sizes[part]} B", "encodingFormat": "application/x-parquet",
              "sha256": dataset.artefact.entries[part]} for part in parts]
    if len(parts) == 1:
        return files
    return [*files, {"@type": "cr:FileSet", "@id": "parts", "name": "parts", "includes": "part-*.parquet",
                     "containedIn": [{"@id": part} for part in parts], "encodingFormat": "application/x-parquet"}]


def record_set(dataset: Dataset) -> dict[str, Any]:
    """The flat columns; lists and messages have no counterpart in the format and are described in the README."""
    parts = sorted(dataset.artefact.entries)
    where = {"fileObject": {"@id": parts[0]}} if len(parts) == 1 else {"fileSet": {"@id": "parts"}}
    fields = [{"@type": "cr:Field", "@id": f"rows/{name}", "name": name, "dataType": kind,
               "source": {**where, "extract": {"column": name}}}
              for name, dtype in dataset.columns.items() if (kind := type_of(dtype))]
    return {"@type": "cr:RecordSet", "@id": "rows", "name": "rows", "field": fields}


def type_of(dtype: pl.DataType) -> str | None:
    """The schema.org type of a flat column, None for a nested one."""
    return next((kind for polars_type, kind in TYPES if dtype == polars_type), None)


def responsible(dataset: Dataset, spoken: list[Facts]) -> dict[str, Any]:
    """The Responsible-AI properties; one that nobody can state is left out rather than guessed."""
    found: dict[str, Any] = {
        "rai:dataCollection": " ".join(entry.rights_basis for entry in spoken),
        "rai:dataUseCases": [entry.rationale for entry in spoken],
        "rai:dataBiases": [entry.biases for entry in spoken],
        "rai:dataPreprocessingProtocol": [protocol(dataset, number) for number in range(len(dataset.steps))],
        "rai:personalSensitiveInformation": [entry.personal_data for entry in spoken] + redaction(dataset),
    }
    return {name: value for name, value in found.items() if value}


def protocol(dataset: Dataset, number: int) -> str:
    """One step in a sentence: what came in, what was kept, and why the rest was not."""
    step = dataset.steps[number]
    lost = ", ".join(f"{count:,} {reason}" for decision, reason, count in step.reasons if decision in ("drop", "merge"))
    return f"{step.stage}: {step.records_in:,} in, {step.kept:,} kept" + (f"; not kept: {lost}" if lost else "")


def redaction(dataset: Dataset) -> list[str]:
    """What was replaced, and how much is known to slip through."""
    if not dataset.personal:
        return []
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in dataset.personal.items())
    said = [f"{sum(dataset.personal.values()):,} spans were replaced by pseudonyms: {kinds}."]
    if dataset.residual:
        said.append(f"Of {dataset.residual.planted:,} made-up values planted among the same paragraphs, "
                    f"{dataset.residual.share:.0%} were overlooked; expect personal data to remain.")
    return said
