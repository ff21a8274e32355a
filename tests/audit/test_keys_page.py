"""The commands of docs/keys.md do what the page says."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
BLOCKS = re.findall(r"```sh\n(.*?)```", (ROOT / "docs/keys.md").read_text(encoding="utf-8"), re.DOTALL)
SHIM = f"""\
#!/bin/sh
# each change a day later: a key cannot end in the second it began, and a test does not sleep
case "$2" in make | rotate | revoke)
  echo >> days
  set -- "$@" --at "2026-01-$(printf %02d "$(wc -l < days)")"
esac
PYTHONPATH="{ROOT}" exec "{sys.executable}" -m pipeline.audit.cli "$@"
"""


def test_the_blocks_make_rotate_and_revoke(tmp_path):
    work, shim = tmp_path / "work", tmp_path / "bin/pedigree"
    for folder in (work, shim.parent):
        folder.mkdir()
    shim.write_text(SHIM)
    shim.chmod(0o755)
    environment = os.environ | {"PATH": f"{shim.parent}{os.pathsep}{os.environ['PATH']}",
                                "PEDIGREE_KEYS": str(tmp_path / "keys")}
    for block in BLOCKS:
        done = subprocess.run(["bash", "-euc", block], env=environment, cwd=work, capture_output=True, text=True,
                              check=False)
        assert done.returncode == 0, done.stderr
    shown = json.loads(subprocess.run([shim, "keys", "--json"], env=environment, cwd=work, capture_output=True,
                                      check=True).stdout)
    assert [(key["roles"], key["revoked_why"]) for key in shown["keys"] if key["revoked_at"]] == [
        (["evaluator"], "the laptop was lost")]
    assert len(BLOCKS) == 2
    assert len(list((tmp_path / "keys/retired").glob("*.pem"))) == 3
