"""Tickets as JSONL and incidents as Parquet, one file a year."""

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import polars as pl

from pipeline.sample_lake.authored import AuthoredRecord, Pii, read_lines

BROKEN = (
    '{"ticket_id": "TCK-9001", "opened": "2024-02-30", "question": "The line ends in the mid',
    '["not", "an object"]',
)
"""Lines that are no records, put behind the first and the last good line of the last year."""

Located = tuple[str, str, Pii]
"""locator, id of the record ("" for a broken line), personal data in it."""


def log_files(text: Path) -> Iterator[tuple[str, bytes, list[Located]]]:
    """Path, bytes and records of every log file."""
    tickets = _by_year(list(read_lines(text / "tickets" / "tickets.jsonl")), "opened")
    for year, records in tickets.items():
        yield f"tickets/tickets-{year}.jsonl", *_jsonl(records, broken=year == max(tickets))
    for year, records in _by_year(list(read_lines(text / "incidents" / "incidents.jsonl")), "logged").items():
        located = [(f"row {number}", record.fields["incident_id"], record.pii)
                   for number, record in enumerate(records, start=1)]
        yield f"incidents/incidents-{year}.parquet", _parquet(records), located


def _by_year(records: list[AuthoredRecord], date_field: str) -> dict[str, list[AuthoredRecord]]:
    years = sorted({record.fields[date_field][:4] for record in records})
    return {year: [record for record in records if record.fields[date_field][:4] == year] for year in years}


def _jsonl(records: list[AuthoredRecord], *, broken: bool) -> tuple[bytes, list[Located]]:
    lines: list[tuple[str, str, Pii]] = [
        (json.dumps(record.fields, ensure_ascii=False), record.fields["ticket_id"], record.pii) for record in records]
    if broken:
        lines = [*lines[:1], (BROKEN[0], "", ()), *lines[1:], (BROKEN[1], "", ())]
    located = [(f"line {number}", ident, pii) for number, (_, ident, pii) in enumerate(lines, start=1)]
    return "".join(line + "\n" for line, _, _ in lines).encode(), located


def _parquet(records: list[AuthoredRecord]) -> bytes:
    out = BytesIO()
    pl.DataFrame([record.fields for record in records]).write_parquet(out, compression="zstd", compression_level=3)
    return out.getvalue()
