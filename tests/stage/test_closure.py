"""The closure has what a file imports, directly and not, and nothing else."""

from pathlib import Path

from pipeline.stage.closure import import_closure


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = root / "pipeline" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_imports_are_followed_and_strangers_left_out(tmp_path):
    write(tmp_path, {"__init__.py": "", "a.py": "import polars\nfrom pipeline import b\n",
                     "b.py": "def f():\n    import pipeline.sub.c\n", "sub/__init__.py": "", "sub/c.py": "x = 1\n",
                     "unused.py": "y = 1\n"})
    assert import_closure(Path("pipeline/a.py"), tmp_path) == ["pipeline/a.py", "pipeline/b.py", "pipeline/sub/c.py"]


def test_a_full_package_marker_counts_as_code(tmp_path):
    write(tmp_path, {"__init__.py": "", "a.py": "from pipeline.sub import c\n", "sub/__init__.py": "z = 1\n",
                     "sub/c.py": "x = 1\n"})
    assert "pipeline/sub/__init__.py" in import_closure(Path("pipeline/a.py"), tmp_path)


def test_a_circle_of_imports_ends(tmp_path):
    write(tmp_path, {"__init__.py": "", "a.py": "import pipeline.b\n", "b.py": "import pipeline.a\n"})
    assert import_closure(Path("pipeline/a.py"), tmp_path) == ["pipeline/a.py", "pipeline/b.py"]
