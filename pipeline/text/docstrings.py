"""The documentation inside Python source, read with `ast`: nothing is imported or run."""

import ast
import inspect
import warnings

DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def docstrings(source: bytes) -> list[str]:
    """The docstrings of a module, its classes and functions, dedented, in order of appearance.

    Raises:
        SyntaxError: `source` is not Python of the running minor version.
        ValueError: `source` holds NUL bytes.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)  # invalid escapes in other people's docstrings
        tree = ast.parse(source)
    found = [(node.body[0].lineno, doc) for node in _documented(tree) if (doc := _docstring(node))]
    return [inspect.cleandoc(doc) for _, doc in sorted(found)]


def _documented(tree: ast.Module) -> list[ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    """Modules, classes and functions; bodies of functions are not searched: what they nest is private."""
    todo: list[ast.AST] = [tree]
    found = []
    while todo:
        node = todo.pop()
        if isinstance(node, DOCUMENTED) and node.body:
            found.append(node)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.If, ast.Try)):
            todo += node.body
    return found


def _docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> str | None:
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return first.value.value
    return None
