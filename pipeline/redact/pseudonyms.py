"""Keyed pseudonyms: the same value of the same type always becomes the same token.

token = `<TYPE_` + first digits of HMAC-SHA256(key, TYPE + "\\0" + normalised value) + `>`
"""

import hashlib
import hmac
import os
import re
import secrets
from functools import partial
from pathlib import Path
from typing import Any

from presidio_anonymizer import AnonymizerEngine, OperatorConfig
from presidio_anonymizer.entities import RecognizerResult
from presidio_anonymizer.operators import Operator, OperatorType

from pipeline.redact.analyse import Found
from pipeline.redact.words import fold
from pipeline.schema.curate_redact import CurateRedact
from pipeline.schema.errors import BadInput
from pipeline.stage.keys import key_folder

PUBLIC_KEY = b"pedigree: this pseudonym key is public and keeps nothing secret"
"""For `pseudonym_key: public`. It makes rebuilds equal everywhere and protects nobody who can be guessed."""
SIGNS_COUNT = frozenset({"PERSON", "ADDRESS", "EMAIL", "USERNAME", "DATE_OF_BIRTH", "PARAPHRASE", "IP_ADDRESS",
                         "SECRET", "URL_CREDENTIALS", "SPOKEN_NUMBER"})
"""Kinds in which a dot or a hyphen can make another value; in numbers and codes they are a matter of layout."""
COUNTRY = re.compile(r"^\+\s*(?=[1-9])")
"""What stands before a country's code, where it is not `00`."""
KEY_FILE = "pseudonyms.key"
KEY_BYTES = 32


class Pseudonym(Operator):
    """Presidio operator; `mint` (type, value -> token) comes with the parameters."""

    def operate(self, text: str, params: dict[str, Any] | None = None) -> str:
        """The token for `text`."""
        assert params is not None  # Presidio always gives the type
        token: str = params["mint"](params["entity_type"], text)
        return token

    def validate(self, params: dict[str, Any] | None = None) -> None:
        """Raises BadInput without a way to mint."""
        if not params or not callable(params.get("mint")):
            raise BadInput("presidio", "the operator `pseudonym` was given no key")

    def operator_name(self) -> str:
        """As in OperatorConfig."""
        return "pseudonym"

    def operator_type(self) -> OperatorType:
        """It takes away; nothing gives back."""
        return OperatorType.Anonymize


class Replacer:
    """Replaces finds by tokens, through Presidio's anonymizer."""

    def __init__(self, params: CurateRedact, key: bytes) -> None:
        self.presidio = AnonymizerEngine()
        self.presidio.add_anonymizer(Pseudonym)
        self.mint = partial(keyed, key, params.pseudonym_digits) if params.pseudonym == "keyed" else _by_type
        self.operators = {"DEFAULT": OperatorConfig("pseudonym", {"mint": self.mint})}

    def replaced(self, text: str, found: list[Found]) -> str:
        """`text` with a token in the place of each find; finds do not overlap."""
        results = [RecognizerResult(find.kind, find.start, find.end, find.score) for find in found]
        answer = self.presidio.anonymize(text, results, self.operators, merge_entities_with_spaces=False)
        return str(answer.text)

    def token(self, text: str, find: Found) -> str:
        """What `replaced` puts in the place of `find`."""
        return self.mint(find.kind, text[find.start : find.end])


def keyed(key: bytes, digits: int, kind: str, value: str) -> str:
    """The token of a value; how it is spelt does not count (`normalised`)."""
    message = f"{kind}\0{normalised(kind, value)}".encode()
    return f"<{kind}_{hmac.new(key, message, hashlib.sha256).hexdigest()[:digits]}>"


def normalised(kind: str, value: str) -> str:
    """The form in which two spellings of one value are equal.

    Case, look-alike letters and invisible characters count nowhere, white space only as a blank. In numbers and codes
    only letters and digits count, and `+44 (0)20 7946-0958` is `0044 20 79460958`. A name is read in the order of
    speech: `Okonkwo, Margaret` is `Margaret Okonkwo`.
    """
    visible = "".join(letter for letter in value if letter.isprintable() or letter.isspace())
    folded = " ".join(fold(visible).split())
    if kind == "PHONE":
        folded = COUNTRY.sub("00", folded.replace("(0)", ""))
    if kind not in SIGNS_COUNT:
        return "".join(filter(str.isalnum, folded)) or folded
    if kind == "PERSON" and folded.count(",") == 1:
        last, first = folded.split(",")
        return f"{first.strip()} {last.strip()}".strip()
    return folded


def fingerprint(key: bytes) -> str:
    """Names a key without giving it away: 16 hex digits of its sha256."""
    return hashlib.sha256(key).hexdigest()[:16]


def pseudonym_key(which: str) -> bytes:
    """The key that `curate_redact.pseudonym_key` names.

    Raises:
        BadInput: the local key cannot be kept, is readable by others, or is not 32 bytes.
    """
    if which == "public":
        return PUBLIC_KEY
    path = key_folder() / KEY_FILE
    if not path.exists():
        _make(path)
    if path.stat().st_mode & 0o077:
        raise BadInput(
            str(path),
            "others may read the pseudonym key",
            wanted="mode 0600",
            got=oct(path.stat().st_mode & 0o777),
            do=f"chmod 600 {path}",
        )
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise BadInput(
            str(path),
            "not a pseudonym key",
            wanted=f"{KEY_BYTES} bytes",
            got=str(len(key)),
            do="restore it from your backup; a new key gives new pseudonyms",
        )
    return key


def _make(path: Path) -> None:
    if path.resolve().is_relative_to(Path.cwd().resolve()):
        raise BadInput(
            str(path), "the key folder lies inside the repository", do="set PEDIGREE_KEYS to a folder outside"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(secrets.token_bytes(KEY_BYTES))
    except OSError as err:
        raise BadInput(
            str(path),
            f"cannot keep a pseudonym key there ({err.strerror})",
            do="make the folder writable, or set PEDIGREE_KEYS to one that is",
        ) from err


def _by_type(kind: str, _value: str) -> str:
    return f"<{kind}>"
