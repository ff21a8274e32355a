"""Plain text and Markdown files: the text without its front matter; Markdown without tags."""

from collections.abc import Iterator

from pipeline.extract.html import page_text
from pipeline.extract.markdown import cleaned
from pipeline.extract.records import Record, Source
from pipeline.extract.text import date_of, decoded, first_heading, front_matter


def read_text(source: Source) -> Iterator[Record]:
    """The file as one record, without its front matter."""
    meta, text = front_matter(decoded(source.data))
    if source.mime == "text/markdown":
        params = source.params
        text = cleaned(text, drop_template_tags=params.drop_template_tags, drop_struck=params.layout.drop_struck,
                       table=lambda table: page_text(table, source))
    title = str(meta["title"]).strip() if isinstance(meta.get("title"), str | int | float) else ""
    yield Record(text, title or first_heading(text), date_of(meta), "", None)
