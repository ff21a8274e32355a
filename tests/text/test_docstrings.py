"""Docstrings by ast."""

import pytest

from pipeline.text.docstrings import docstrings

SOURCE = b'''"""Module."""
import os
if True:
    class A:
        """Class.

            indented
        not
        """
        def method(self):
            """Method."""
            def inner():
                """Private."""
async def f():
    """Function."""
def g():
    x = """not a docstring"""
'''


def test_modules_classes_and_functions_in_order_and_dedented():
    assert docstrings(SOURCE) == ["Module.", "Class.\n\n    indented\nnot", "Method.", "Function."]


def test_nothing_is_run():
    assert docstrings(b'"""Doc."""\nraise SystemExit') == ["Doc."]


def test_what_is_not_python_is_refused():
    with pytest.raises(SyntaxError):
        docstrings(b"{{ template }} %")
