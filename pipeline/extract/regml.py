"""RegML, the XML of eRegulations: what stands before the text of a regulation or a notice."""

from typing import Any

REGML = "eregs"
"""The namespace."""


def front(root: Any) -> tuple[list[str], str | None]:
    """Title and citation of the document as blocks, and its date of publication."""
    title = " ".join(_text(root, "fdsys/title").split())
    letter = _text(root, "preamble/regLetter")
    named = f"{title} (Regulation {letter})" if title and letter else title
    part = _text(root, "preamble/cfr/section")
    facts = [f"{_text(root, 'preamble/cfr/title')} CFR Part {part}" if part else "",
             _text(root, "preamble/agency"),
             f"Document {_text(root, 'preamble/documentNumber')}" if _text(root, "preamble/documentNumber") else "",
             f"Effective {_text(root, 'preamble/effectiveDate')}" if _text(root, "preamble/effectiveDate") else ""]
    line = ". ".join(fact for fact in facts if fact)
    above = [f"# {named}"] if named else []
    preamble = root.find(f"{{{REGML}}}preamble")
    if preamble is not None:  # said here; the walk over the rest must not say it again
        root.remove(preamble)
    return above + ([f"{line}."] if line else []), _text(root, "fdsys/date") or None


def _text(root: Any, path: str) -> str:
    return (root.findtext("/".join(f"{{{REGML}}}{name}" for name in path.split("/"))) or "").strip()
