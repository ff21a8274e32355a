"""Files of installed packages."""

from importlib.metadata import version

import pytest

from pipeline.schema.errors import BadInput
from pipeline.text import packages
from pipeline.text.packages import package_files

XXHASH = version("xxhash")


def test_files_are_sorted_located_by_package_and_without_tests():
    paths = [file.path for file in package_files("typer", version("typer"), "MIT")]
    assert paths == sorted(paths)
    assert "typer/main.py" in paths
    assert not [path for path in paths if path.startswith(("/", "..")) or "tests" in path]


def test_another_version_is_refused_with_both_versions():
    with pytest.raises(BadInput, match=rf"wanted 0\.0\.1, got {XXHASH}"):
        list(package_files("xxhash", "0.0.1", "BSD-2-Clause"))


def test_a_missing_package_is_refused():
    with pytest.raises(BadInput, match="not installed"):
        list(package_files("no-such-package", "1", "MIT"))


def test_a_licence_that_the_metadata_does_not_know_is_refused():
    with pytest.raises(BadInput, match="disagree on its licence"):
        list(package_files("xxhash", XXHASH, "GPL-3.0-only"))


def test_a_file_that_was_edited_after_installation_is_refused(monkeypatch):
    monkeypatch.setattr(packages.PackagePath, "read_binary", lambda self: b"edited")
    with pytest.raises(BadInput, match="not the file its wheel delivered"):
        list(package_files("xxhash", XXHASH, "BSD-2-Clause"))


def test_every_package_of_params_is_installed_as_named():
    from pipeline.schema.general_text import GeneralText
    from pipeline.stage.params import load_section

    for name, package in load_section(GeneralText, "general_text").packages.items():
        assert next(package_files(name, package.version, package.licence))
