"""Section `general_text` of params.yaml."""

from pydantic import Field

from pipeline.schema.section import Section


class Package(Section):
    """One package whose documentation is read."""

    version: str
    """Exact version; another one installed stops the stage."""
    licence: str
    """SPDX identifier; its family must be what the package's metadata declares."""


class GeneralText(Section):
    """What counts as general English, and how much of it."""

    max_chars: int = Field(ge=1)
    """Characters over all documents; files of `--text` come first, then packages, each in hash order."""
    min_document_chars: int = Field(ge=1)
    """Shorter documents (a file with one docstring) are left out."""
    heldout_share: float = Field(gt=0, lt=1)
    """Share of documents kept for measuring, drawn by hash."""
    seed: int = Field(ge=0)
    """Of the held-out draw and of the order under `max_chars`."""
    text_licence: str
    """SPDX identifier of the files of `--text`."""
    text_rights_basis: str
    """Rights basis of the files of `--text`, in the words of lake.yaml."""
    min_words: int = Field(ge=1)
    """Shortest paragraph of documentation."""
    min_letter_share: float = Field(ge=0, le=1)
    """Letters and blanks among a paragraph's characters."""
    min_function_word_share: float = Field(ge=0, le=1)
    """Function words among a paragraph's words: sentences are rich in them."""
    max_code_word_share: float = Field(ge=0, le=1)
    """Words with digits, underscores, dots or inner capitals among a paragraph's words."""
    ngram_words: int = Field(ge=1)
    """Words in a row that a document may not share with an evaluation item, as in `curate_decontaminate`."""
    min_item_words: int = Field(ge=1)
    """Shorter texts of items are not looked for."""
    packages: dict[str, Package]
    """Package -> version and licence. Their files are checked against their wheels' hashes."""
