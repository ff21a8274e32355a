"""The date model on real documents: how often it tells the year of texts it never saw.

    python bench/dating.py FOLDER...

Each FOLDER is a set of its own: files whose front matter or meta tags name a date, and PEPs (reStructuredText with
`Created: 13-Jul-2000` in a header, which is cut off). The document's own date is taken out of its text. Prints, per
set, cross-validated: share of years told right and within one, how often the 90 % interval holds the year and how
long it is, and what two simple answers reach: the commonest year, and the latest year that the text names.
Then, for a cut-off at the end of each third, how many of the newer and of the older documents bear a date of
their making or last change after it, header and all: the rule that stands beside the model.
"""

import argparse
import re
import time
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from bench.quality import READERS
from pipeline.extract.records import Record, Refusal, Source
from pipeline.schema.curate_extract import CurateExtract
from pipeline.schema.date_model import DateModel
from pipeline.schema.documents import document_id
from pipeline.stage.params import load_section
from pipeline.text.dating import dated_documents, measure, prepare
from pipeline.text.time_marks import first_date, own_date

CREATED = re.compile(r"^Created:[ \t]*(.+)$", re.MULTILINE)
CONFIDENCE = 0.9


def dated(folder: Path, params: CurateExtract) -> Iterator[dict[str, str]]:
    """`doc_id`, `text`, `published`, `whole` (with its header) of the documents under `folder` that name a date."""
    for path in sorted(folder.rglob("*")):
        if path.suffix not in READERS or "_LICENSES" in path.parts:
            continue
        mime, reader = READERS[path.suffix]
        try:
            records = list(reader(Source(path.name, path.read_bytes(), mime, params, lambda: None)))
        except Refusal:
            continue
        for record in records:
            if isinstance(record, Record):
                found = _without_header(record.text) if path.suffix == ".rst" else (record.text, record.published)
                if found[1]:
                    yield {"doc_id": document_id(path.name.encode()), "text": found[0], "published": found[1],
                           "whole": record.text}


def _without_header(text: str) -> tuple[str, str | None]:
    header, _, body = text.partition("\n\n")
    created = CREATED.search(header)
    return body, first_date(created[1].replace("-", " ")) if created else None


def print_borne(table: pl.DataFrame, year: str) -> None:
    """How many documents after the end of `year`, and how many before, bear a later date."""
    end = f"{year}-12-31"
    taken = [(borne := own_date(text, int(year))) is not None and borne > end for text in table["whole"]]
    rows = table.select(newer=pl.col("published") > end, taken=pl.Series(taken, dtype=pl.Boolean))
    for newer, name in ((True, "newer"), (False, "older")):
        kind = rows.filter(pl.col("newer") == newer)["taken"]
        print(f"  cut-off {end}: {kind.sum()} of {len(kind)} {name} documents bear a date after it")


def main() -> None:
    """One line a set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    folders = parser.parse_args().folders
    extract, params = load_section(CurateExtract, "curate_extract"), load_section(DateModel, "date_model")
    for folder in folders:
        table = pl.DataFrame(list(dated(folder, extract)), schema=["doc_id", "text", "published", "whole"]
                             ).unique("doc_id")
        if table.height < params.min_dated:
            print(f"{folder.name}: {table.height} dated documents, too few")
            continue
        years = table["published"].str.slice(0, 4)
        start = time.process_time()
        told = measure(prepare(dated_documents(table, params), params), params, CONFIDENCE)
        print(f"{folder.name}: {table.height} documents of {years.n_unique()} years, {years.min()} to {years.max()}, "
              f"{time.process_time() - start:.1f} s: {told}")
        for third in (1 / 3, 2 / 3):
            print_borne(table, str(years.sort()[int(third * table.height)]))


if __name__ == "__main__":
    main()
