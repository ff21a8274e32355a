"""E-mail: a message as one document, its attachments as files packed in it; mailboxes as messages.

The text is what a mail program shows, one part below the other; of alternatives the plain part, or the HTML part
where there is no plain one or one that says far less, and both where that is not in the HTML part. All else, pictures
inside HTML aside, is a file. The signature below the line `-- ` (RFC 3676, 4.3) is left out; quoted lines stay, since
whether they repeat another message is for deduplication to say.
(RFC 5322, RFC 2045 to 2049; mailboxes: RFC 4155.)
"""

import re
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.errors import HeaderParseError
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from typing import Any

from lxml.etree import ParserError

from pipeline.extract.archive import locator_name
from pipeline.extract.html import page_text
from pipeline.extract.records import BadRecord, Member, Record, Refusal, Source, limit
from pipeline.extract.text import decoded, encodings_named

SHOWN = ("From", "To", "Cc", "Date")
"""Header fields that stand above the text."""
SIGNATURE = re.compile(r"^-- $.*\Z", re.MULTILINE | re.DOTALL)
SEPARATOR = re.compile(rb"^From \S[^\n]*\d\d:\d\d[^\n]*\n", re.MULTILINE)
"""The line before each message; one inside a text has been quoted as `>From `."""
QUOTED_FROM = re.compile(rb"^>(>*From )", re.MULTILINE)
SEALED = frozenset({"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"})
SIGNATURES = frozenset({"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"})
"""Parts that prove a text and hold none."""
TEXTS = ("text/plain", "text/html")
"""What is shown as text, the simpler one first."""
LEAST_SHARE = 1 / 3
"""Share of an HTML part's characters below which a plain part is not the whole message."""
MOST_WORDS = 0.5
"""Share of such a plain part's words from which the HTML part says the same and more."""
ADDRESS = re.compile(r"https?://\S+")
WORD = re.compile(r"\w+")
SUFFIX = {"message/rfc822": ".eml", "text/html": ".html", "text/plain": ".txt", "text/csv": ".csv"}
"""For attachments without a name."""


def read_mailbox(source: Source) -> Iterator[Member]:
    """Every message of the mailbox."""
    data = source.data.replace(b"\r\n", b"\n")
    starts = [found for found in SEPARATOR.finditer(data)
              if found.start() == 0 or data[found.start() - 2:found.start()] == b"\n\n"]
    if not starts:
        raise Refusal("unreadable", "no message")
    limit("max_records", len(starts), source.params.limits.max_records)
    ends = [found.start() for found in starts[1:]] + [len(data)]
    for number, (start, end) in enumerate(zip(starts, ends, strict=True), start=1):
        yield Member(f"message {number}", "message.eml", QUOTED_FROM.sub(rb"\1", data[start.end():end]))


def read_message(source: Source) -> Iterator[Record | Member | BadRecord]:
    """The message as one record, then its attachments."""
    message = message_from_bytes(source.data, policy=policy.default)
    if message.get_content_type() in SEALED:
        raise Refusal("encrypted")
    shown, attached = _parts(message, source)
    limit("max_records", len(attached), source.params.limits.max_records)
    text = "\n\n".join(said for each in shown if (said := SIGNATURE.sub("", _text(each, source)).strip()))
    subject = _field(message, "Subject")
    above = [f"**{name}:** {value}" for name in SHOWN if (value := _field(message, name))]
    parts = [f"# {subject}" if subject else "", "\n".join(above), text]
    written = "\n\n".join(part for part in parts if part) if text or subject else ""
    yield Record(written, subject or None, _date(message), "body" if attached else "", source.data)
    for number, part in enumerate(attached, start=1):
        yield from _attachment(part, number)


def _parts(message: EmailMessage, source: Source) -> tuple[list[EmailMessage], list[EmailMessage]]:
    """The parts that are shown as text, and those that are files."""
    leaves = list(_leaves(message))
    files = [part for part in leaves if _is_file(part) and part.get_content_type() not in SIGNATURES]
    return list(_shown(message, source)), files


def _shown(part: Any, source: Source) -> Iterator[EmailMessage]:
    """The texts of a part; of alternatives those that `_chosen` takes."""
    if part.get_content_type() == "message/rfc822" or not part.is_multipart():
        if not _is_file(part) and part.get_content_type() in TEXTS and part.get_payload(decode=True):
            yield part
        return
    inner = [list(_shown(each, source)) for each in part.iter_parts()]
    if part.get_content_type() == "multipart/alternative":
        inner = _chosen(list(filter(None, inner)), source)
    for texts in inner:
        yield from texts


def _chosen(alternatives: list[list[EmailMessage]], source: Source) -> list[list[EmailMessage]]:
    """The simplest (RFC 2046, 5.1.4), unless HTML says far more; both, unless it says what the simplest does."""
    simplest, *others = sorted(alternatives, key=lambda texts: TEXTS.index(texts[0].get_content_type())) or [[]]
    richer = [texts for texts in others if texts[0].get_content_type() == "text/html"][:1]
    if not richer or simplest[0].get_content_type() != "text/plain":
        return [simplest]
    words, words_of_html = _words(simplest, source), _words(richer[0], source)
    if sum(map(len, words)) >= LEAST_SHARE * sum(map(len, words_of_html)):
        return [simplest]
    repeated = set(words).intersection(words_of_html)
    return richer if sum(word in repeated for word in words) >= MOST_WORDS * len(words) else [simplest, *richer]


def _words(texts: list[EmailMessage], source: Source) -> list[str]:
    """Visible words outside of addresses, in small letters; none of a text that cannot be read."""
    try:
        shown = " ".join(_text(part, source) for part in texts)
    except (Refusal, ParserError):
        return []
    return WORD.findall(ADDRESS.sub("", shown).lower())


def _leaves(part: Any) -> Iterator[Any]:
    if part.get_content_type() == "message/rfc822" or not part.is_multipart():
        yield part
        return
    for inner in part.iter_parts():
        yield from _leaves(inner)


def _is_file(part: EmailMessage) -> bool:
    """Attached, named, or of a kind that no mail program shows as text; pictures inside HTML are no files."""
    if part.get_content_disposition() == "attachment":
        return True
    if part.get_content_type() in TEXTS:
        return part.get_filename() is not None
    return part.get_content_maintype() != "image" or part.get("Content-ID") is None


def _text(part: EmailMessage, source: Source) -> str:
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    text = decoded(data, encodings_named(part.get_content_charset("utf-8")))
    return page_text(text, source) if part.get_content_type() == "text/html" else text


def _attachment(part: EmailMessage, number: int) -> Iterator[Member | BadRecord]:
    kind = part.get_content_type()
    name = part.get_filename() or f"attachment{SUFFIX.get(kind, '')}"
    locator = f"attachment {number} {locator_name(name)}"
    if kind == "message/rfc822":
        inner = part.get_payload()
        first = inner[0] if isinstance(inner, list) and inner else None
        if isinstance(first, EmailMessage):
            yield Member(locator, "message.eml", first.as_bytes())
        return
    payload = part.get_payload(decode=True)
    if isinstance(payload, bytes):
        yield Member(locator, name, payload)
    else:
        yield BadRecord(locator, "no payload", "unreadable")


def _field(message: EmailMessage, name: str) -> str:
    """A header field in one line; "" when it is missing or malformed beyond reading."""
    try:
        return " ".join(str(message.get(name, "")).split())
    except (HeaderParseError, ValueError, IndexError, AttributeError):  # the standard parser's own failures
        return ""


def _date(message: EmailMessage) -> str | None:
    try:
        return parsedate_to_datetime(_field(message, "Date")).date().isoformat()
    except (TypeError, ValueError, IndexError):
        return None
