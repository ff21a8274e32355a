"""Files of records: JSON, JSONL, CSV, TSV, Parquet. One record, one document.

The first rule of `params.records` whose fields a record has says how it becomes text; without one,
every field is a paragraph. A line that is no record becomes a ledger row of its own. JSON that is one
document, not a list of records, becomes headed text (`json_document`).
"""

import csv
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO, StringIO
from itertools import islice, zip_longest
from typing import Any, NamedTuple

from pipeline.extract import oscal
from pipeline.extract.json_document import document, turn
from pipeline.extract.outline import label, markdown
from pipeline.extract.records import BadRecord, Record, Refusal, Source, limit
from pipeline.extract.text import DATE, decoded
from pipeline.schema.curate_extract import CurateExtract, RecordRule

DATE_FIELDS = ("published", "date", "created", "created_at", "opened", "timestamp")
"""Fields that date a record no rule fits."""
LONGEST_FIELD = 10_000_000
"""Characters of one CSV field: the csv module's own default (128 KiB) is below real documents."""
OTHER_SEPARATORS = (";", "|", "\t")
"""What separates the fields of a CSV file where the comma is the decimal sign, or in exports of databases."""
TOLD_SEPARATOR = re.compile(r"sep=([,;|\t])\n", re.IGNORECASE)
"""Line that spreadsheet programs write above the header."""
DECIMALS = re.compile(r"(?<![\d,])\d{1,3}(?:\.\d{3})*,\d+(?![\d,])")
"""A number with a comma in it: 1,50 and 1.000,00."""
JUDGED_ROWS = 20
"""Rows, with the header, by which a separator is judged."""
MOST_ROWS = 0.5
"""Share of them that has to fit a separator other than the comma."""


def read_jsonl(source: Source) -> Iterator[Record | BadRecord]:
    """A record per line that is not blank; the line's bytes are its identity."""
    lines = _utf8(source.data).split(b"\n")
    for number, line in enumerate(lines, start=1):
        raw = line.strip()
        if not raw:
            continue
        limit("max_records", number, source.params.limits.max_records)
        locator = f"line {number}"
        try:
            value = json.loads(raw)
        except (ValueError, RecursionError) as err:
            yield BadRecord(locator, type(err).__name__)
            continue
        if isinstance(value, dict):
            yield as_record(value, locator, raw, source.params)
        else:
            yield BadRecord(locator, f"{type(value).__name__} instead of an object")


def _utf8(data: bytes) -> bytes:
    """Without its mark, and in UTF-8 where it is in another encoding; else as it is, and so is each line's id."""
    if not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        data = data.removeprefix(b"\xef\xbb\xbf")
        try:
            data.decode()
            return data
        except UnicodeDecodeError:
            pass
    return decoded(data).encode()


def read_json(source: Source) -> Iterator[Record | BadRecord]:
    """A list of objects is records, and so are lines of objects; anything else is one document."""
    text = decoded(source.data)
    try:
        value = json.loads(text)
    except ValueError:
        if not _is_lines(text):
            raise
        yield from read_jsonl(source)
        return
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        limit("max_records", len(value), source.params.limits.max_records)
        for number, item in enumerate(value, start=1):
            yield as_record(item, f"item {number}", canonical(item), source.params)
        return
    yield _document(value, source.params.limits.max_depth)


def _is_lines(text: str) -> bool:
    """Whether each of the first two lines is an object: JSON lines under the name of JSON."""
    first = list(islice((line for line in text.split("\n") if line.strip()), 2))
    try:
        return len(first) == 2 and all(isinstance(json.loads(line), dict) for line in first)
    except ValueError:
        return False


def _document(value: Any, max_depth: int) -> Record:
    published = None
    if oscal.is_oscal(value):
        value, published = oscal.simplified(value)
    tree = document(value, max_depth)
    dated = value if isinstance(value, dict) else {}
    published = published or next((text for name in DATE_FIELDS if (text := plain(dated.get(name)))), "")
    found = DATE.match(published)
    return Record(markdown(tree), tree.title or None, found[0] if found else None, "", None)


def read_csv(source: Source) -> Iterator[Record | BadRecord]:
    """A record per row below the header."""
    csv.field_size_limit(LONGEST_FIELD)
    text, separator = _separated(decoded(source.data))
    rows = _rows(text, "\t" if source.mime == "text/tab-separated-values" else separator)
    names = next(rows, [])
    if names is None:
        raise Refusal("unreadable", "csv.Error")
    header = _distinct(names)
    for number, row in enumerate(rows, start=1):
        limit("max_records", number, source.params.limits.max_records)
        if row is None:
            yield BadRecord(f"row {number}", "csv.Error")
        elif len(row) != len(header):
            yield BadRecord(f"row {number}", f"{len(row)} fields instead of {len(header)}")
        else:
            item = dict(zip_longest(header, row))
            yield as_record(item, f"row {number}", canonical(item), source.params)


def _separated(text: str) -> tuple[str, str]:
    """The rows and what separates their fields: a comma, unless another sign fits better, and most rows at all."""
    if told := TOLD_SEPARATOR.match(text):
        return text[told.end():], told[1]
    header = next(filter(None, text.split("\n")), "")
    has_commas = _is_tight(header, ",")
    fits = {sign: fit for sign in OTHER_SEPARATORS
            if (fit := _fitting(text, sign)).share > MOST_ROWS and (_is_tight(header, sign) or not has_commas)}
    commas = _fitting(text, ",")
    if not fits:
        return text, ","
    best = max(fits, key=lambda sign: fits[sign])
    is_decimal = not has_commas and commas.columns <= fits[best].columns and _in_decimals(text)
    return text, best if is_decimal or (commas.share <= MOST_ROWS and fits[best] > commas) else ","


def _is_tight(header: str, sign: str) -> bool:
    """Whether a sign stands in the header as a separator does: prose has a blank after it."""
    return re.search(rf"{re.escape(sign)}(?! )", header) is not None


def _in_decimals(text: str) -> bool:
    """Whether the commas of the first rows below the header stand in numbers, some of them at least."""
    rows = [line for line in islice(text.split("\n", JUDGED_ROWS + 1), 1, JUDGED_ROWS) if "," in line]
    return bool(rows) and not any("," in DECIMALS.sub("", line) for line in rows)


class _Fit(NamedTuple):
    """How well a separator fits the first rows; the greater one fits better."""

    share: float
    """Of the rows that have as many fields as the header; 0 when the header has but one."""
    columns: int


def _fitting(text: str, separator: str) -> _Fit:
    """A quote that stands alone in a field opens one that the separator cut: such a row does not fit."""
    found = list(islice((row for row in _rows(text, separator) if row is None or any(row)), JUDGED_ROWS))
    header, rows = (found[0], found[1:]) if found else (None, [])
    if not rows or not header or len(header) == 1 or _is_cut(header):
        return _Fit(0, len(header or []))
    fitting = sum(row is not None and len(row) == len(header) and not _is_cut(row) for row in rows)
    return _Fit(fitting / len(rows), len(header))


def _is_cut(row: list[str]) -> bool:
    return any(field.count('"') % 2 for field in row)


def _distinct(names: list[str]) -> list[str]:
    """The names of the columns; of equal ones the second becomes `name (2)`."""
    taken, counts, found = set(names), Counter[str](), []
    for name in names:
        counts[name] += 1
        own = name
        while counts[name] > 1 and own in taken:
            own = f"{name} ({counts[name]})".lstrip()
            counts[name] += own in taken
        taken.add(own)
        found.append(own)
    return found


def _rows(text: str, separator: str) -> Iterator[list[str] | None]:
    """The rows; None for one whose quotes are wrong: the reader goes on with the next line."""
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield None


def read_parquet(source: Source) -> Iterator[Record | BadRecord]:
    """A record per row."""
    import pyarrow.parquet as pq

    table = pq.ParquetFile(BytesIO(source.data))
    size = sum(table.metadata.row_group(group).total_byte_size for group in range(table.num_row_groups))
    limit("max_uncompressed_bytes", size, source.params.limits.max_uncompressed_bytes)
    limit("max_records", table.metadata.num_rows, source.params.limits.max_records)
    number = 0
    for batch in table.iter_batches():
        for item in batch.to_pylist():
            number += 1
            yield as_record(item, f"row {number}", canonical(item), source.params)


def canonical(item: Mapping[str, Any]) -> bytes:
    """A row's bytes for its identity: JSON, keys in the row's order, other types by their text."""
    return json.dumps(item, ensure_ascii=False, default=str).encode(errors="surrogatepass")


def as_record(item: Mapping[str, Any], locator: str, raw: bytes, params: CurateExtract) -> Record:
    """`item` as a document."""
    rule = _rule(item, params.records)
    if rule:
        title = plain(item.get(rule.title)) if rule.title else ""
        sections = _sections(item, rule.sections, bare=len(rule.sections) == 1)
        dates: Iterable[str] = [rule.published] if rule.published else []
    else:
        title = plain(item.get("title"))
        sections = _sections(item, [name for name in item if name != "title"], bare=False)
        dates = DATE_FIELDS
    heading = [f"# {' '.join(title.split())}"] if title else []
    published = next((found[0] for name in dates if (found := DATE.match(plain(item.get(name))))), None)
    return Record("\n\n".join(heading + sections), title or None, published, locator, raw)


def _rule(item: Mapping[str, Any], rules: list[RecordRule]) -> RecordRule | None:
    return next((rule for rule in rules if {*rule.sections, *filter(None, [rule.title])} <= item.keys()), None)


def _sections(item: Mapping[str, Any], names: list[str], *, bare: bool) -> list[str]:
    values = ((name, plain(item[name])) for name in names)
    return [value if bare or _is_dialogue(item[name]) else f"**{label(name)}:** {value}"
            for name, value in values if value]


def _is_dialogue(value: Any) -> bool:
    """A list of turns: each says itself who speaks."""
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) and turn(item) for item in value)


def plain(value: Any) -> str:
    """A field's value as text; lists and objects inside as lines."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ("\n\n" if _is_dialogue(value) else "\n").join(line for item in value if (line := plain(item)))
    if isinstance(value, dict):
        fields = (f"{label(str(name))}: {text}" for name, item in value.items() if (text := plain(item)))
        return turn(value) or ", ".join(fields)
    return str(value).replace("\r\n", "\n").strip()
