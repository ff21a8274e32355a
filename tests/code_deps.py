"""Write the `# code` deps of dvc.yaml: `python -m tests.code_deps` (the target `make code-deps`).

A hand-kept list rots; this one is the import closure of each stage's file, and
tests/test_dvc_yaml.py fails when the two differ.
"""

import re
from pathlib import Path

from pipeline.stage.closure import import_closure

STAGE = re.compile(r"^  (\w+):$")
MARK = re.compile(r"^( +)# code$")


def with_code_deps(text: str, root: Path) -> str:
    """`text` of dvc.yaml with the lines under every `# code` replaced by the stage's import closure."""
    lines: list[str] = []
    stage, skipping = "", False
    for line in text.splitlines():
        if found := STAGE.match(line):
            stage = found[1]
        if skipping and line.strip().startswith("- pipeline/"):
            continue
        skipping = False
        lines.append(line)
        if found := MARK.match(line):
            closure = import_closure(Path(f"pipeline/stages/{stage}.py"), root)
            lines += [f"{found[1]}- {path}" for path in closure]
            skipping = True
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    path = Path("dvc.yaml")
    path.write_text(with_code_deps(path.read_text(encoding="utf-8"), Path()), encoding="utf-8")
