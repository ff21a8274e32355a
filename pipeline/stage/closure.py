"""Which project files a module runs: its import closure, read from the source with `ast`."""

import ast
import re
from functools import cache
from pathlib import Path

PACKAGE = "pipeline"
BYTES_NEUTRAL = frozenset({"pipeline/stage/progress.py"})
"""Files that cannot change an output; they are not deps of any stage."""
MODULE_NAME = re.compile(rf"{PACKAGE}(\.\w+)+")


def import_closure(entry: Path, root: Path = Path()) -> list[str]:
    """Project files reached by imports from `entry` (itself included), sorted, as POSIX paths.

    Imports inside functions count, and so does a module named in full by a string: that is how one is
    run in a process of its own (`python -m pipeline.extract.reader_process`). Empty
    `__init__.py` files are left out: they run nothing.
    """
    todo, seen = [entry], set()
    while todo:
        path = todo.pop()
        if path.as_posix() in seen:
            continue
        seen.add(path.as_posix())
        todo += [found for found in imported_files((root / path).read_text(encoding="utf-8"), root)]
    return sorted(path for path in seen - BYTES_NEUTRAL if (root / path).stat().st_size)


def imported_files(source: str, root: Path) -> list[Path]:
    """Project files that `source` imports directly, relative to `root`."""
    return [path for name in _modules(source) for path in _candidates(name) if (root / path).is_file()]


@cache
def _modules(source: str) -> list[str]:
    """Modules of the project that `source` names, sorted. A stage asks for the closures of several files."""
    modules = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            modules |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            modules |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and MODULE_NAME.fullmatch(node.value):
            modules.add(node.value)
    return sorted(name for name in modules if name.split(".")[0] == PACKAGE)


def _candidates(module: str) -> list[Path]:
    path = Path(*module.split("."))
    return [path.with_suffix(".py"), path / "__init__.py"]
