"""Files of installed packages, as their wheels delivered them.

Names come from each wheel's RECORD, and every byte read is checked against it: where the packages
are installed, and whatever else lies there, does not show.
"""

import base64
import hashlib
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, PackagePath, distribution
from typing import NamedTuple

from pipeline.schema.errors import BadInput

READ = (".py", ".md", ".rst")
NOT_PROSE = ("tests", "test", "testing", "_vendor", "vendor", "licenses")
"""Folders whose text is not documentation of the package itself."""

LICENCE_HEAD = 100
"""Characters of a licence field that name it; some packages put the whole text there."""


class PackageFile(NamedTuple):
    """One file of a package."""

    path: str
    """Relative to the folder packages are installed in, POSIX."""
    data: bytes


def package_files(name: str, version: str, licence: str) -> Iterator[PackageFile]:
    """The source and documentation files of package `name`, sorted by path.

    Raises:
        BadInput: not installed, another version, another licence family than `licence` (an SPDX
            identifier), or a file that is not the one the wheel delivered.
    """
    try:
        package = distribution(name)
    except PackageNotFoundError as err:
        raise BadInput(f"package {name}", "is not installed", wanted=version, do="`make install`") from err
    if package.version != version:
        raise BadInput(f"package {name}", "another version is installed", wanted=version, got=package.version,
                       do="`make install`, or name the version in params.yaml")
    _check_licence(package, name, licence)
    for entry in sorted(package.files or [], key=lambda entry: entry.as_posix()):
        if _is_wanted(entry):
            yield PackageFile(entry.as_posix(), _read(entry))


def declared_licence(package: Distribution) -> str:
    """What the package's metadata says of its licence, in its own words."""
    fields = package.metadata.json
    classifiers = [line for line in fields.get("classifier", []) if line.startswith("License")]
    words = [str(fields.get("license_expression", "")), str(fields.get("license", ""))[:LICENCE_HEAD], *classifiers]
    return "; ".join(word for word in words if word)


def _check_licence(package: Distribution, name: str, licence: str) -> None:
    declared = declared_licence(package)
    if licence.split("-")[0].lower() not in declared.lower():
        raise BadInput(f"package {name}", "params.yaml and the package disagree on its licence", wanted=licence,
                       got=" ".join(declared.split()) or "nothing", do="read its licence and correct params.yaml")


def _is_wanted(entry: PackagePath) -> bool:
    return (entry.suffix in READ and ".." not in entry.parts and not entry.name.startswith("test_")
            and not set(entry.parts) & set(NOT_PROSE) and entry.hash is not None)


def _read(entry: PackagePath) -> bytes:
    assert entry.hash is not None  # by `_is_wanted`
    data = entry.read_binary()
    digest = hashlib.new(entry.hash.mode, data).digest()
    if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != entry.hash.value:
        raise BadInput(entry.as_posix(), "is not the file its wheel delivered", do="reinstall the package")
    return data
