"""The layout, judged by in-toto itself: what it accepts, and each lie it refuses."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from in_toto.models.layout import Layout
from in_toto.models.metadata import Metablock

from pipeline.lineage.chain import Dependency, Run
from pipeline.lineage.layout import Step, build_layout, open_layout, sign_layout
from pipeline.lineage.links import link_file, open_link, sign_link
from pipeline.lineage.sign import load_private_key, new_private_key, public_pem
from pipeline.schema.errors import NotVerified

OWNER, TRAINER, SECOND, STRANGER = (load_private_key(new_private_key(), "k") for _ in range(4))
A, B, C, D, E = (letter * 64 for letter in "abcde")
FAR = "2036-01-01T00:00:00Z"

CURATED = {"dir:data/lake": A, "lineage/curate_mix/code.sha256sums": C}
MIX = {"dir:data/curate_mix/documents": B, "lineage/curate_mix/statement.json": D}
READ = {"dir:data/curate_mix/documents": B, "dir:models/base": E, "lineage/dacpt/code.sha256sums": C}
MADE = {"dir:models/dacpt": A, "lineage/dacpt/statement.json": D}


def run_of(stage: str, materials: list[Dependency]) -> Run:
    return Run(stage=stage, sha256=D, products={}, manifests={}, folders=frozenset(), materials=materials,
               code_digest=C, cmd="true", params={}, hermetic=False)


def link(stage: str, materials: dict[str, str], products: dict[str, str], key=TRAINER) -> bytes:
    return sign_link(stage, "true", materials, products, key)


def steps() -> list[Step]:
    first = Step(run_of("curate_mix", [Dependency("data/lake", A, "dataset", "")]),
                 open_link(link("curate_mix", CURATED, MIX, OWNER), [OWNER.public_key()], "l"))
    second = Step(run_of("dacpt", [Dependency("data/curate_mix/documents", B, "dataset", "curate_mix"),
                                   Dependency("models/base", E, "base", "")]),
                  open_link(link("dacpt", READ, MADE), [TRAINER.public_key()], "l"))
    return [first, second]


def layout(threshold: int = 1, expires: str = FAR) -> dict[str, object]:
    keys = {"data-owner": [OWNER.public_key(), SECOND.public_key()],
            "trainer": [TRAINER.public_key(), SECOND.public_key()]}
    return build_layout(steps(), keys, threshold, expires)


@pytest.fixture
def chain(tmp_path) -> Path:
    (tmp_path / "root.layout").write_bytes(sign_layout(layout(), OWNER))
    (tmp_path / "key.pub").write_bytes(public_pem(OWNER.public_key()))
    put(tmp_path, "curate_mix", CURATED, MIX, OWNER)
    put(tmp_path, "dacpt", READ, MADE)
    return tmp_path


def put(folder: Path, stage: str, materials: dict[str, str], products: dict[str, str], key=TRAINER) -> None:
    (folder / link_file(stage, key.public_key())).write_bytes(link(stage, materials, products, key))


def accepted(folder: Path) -> bool:
    tool = Path(sys.executable).parent / "in-toto-verify"
    return subprocess.run([tool, "--layout", "root.layout", "--verification-keys", "key.pub"], cwd=folder,
                          capture_output=True, check=False).returncode == 0


def without(artefacts: dict[str, str], name: str) -> dict[str, str]:
    return {key: digest for key, digest in artefacts.items() if key != name}


LIES: dict[str, Callable[[Path], None]] = {
    "other data": lambda f: put(f, "dacpt", READ | {"dir:data/curate_mix/documents": A}, MADE),
    "a dependency left out": lambda f: put(f, "dacpt", without(READ, "dir:data/curate_mix/documents"), MADE),
    "the base left out": lambda f: put(f, "dacpt", without(READ, "dir:models/base"), MADE),
    "no materials at all": lambda f: put(f, "dacpt", {}, MADE),
    "an undeclared material": lambda f: put(f, "dacpt", READ | {"dir:data/secret": A}, MADE),
    "no product": lambda f: put(f, "dacpt", READ, {}),
    "one product too many": lambda f: put(f, "dacpt", READ, MADE | {"notes.txt": A}),
    "no statement": lambda f: put(f, "dacpt", READ, without(MADE, "lineage/dacpt/statement.json")),
    "no code": lambda f: put(f, "dacpt", without(READ, "lineage/dacpt/code.sha256sums"), MADE),
    "an intermediate that nobody made": lambda f: put(f, "curate_mix", CURATED, MIX | {
        "dir:data/curate_mix/documents": A}, OWNER),
    "a stage missing": lambda f: (f / link_file("curate_mix", OWNER.public_key())).unlink(),
    "an expired layout": lambda f: (f / "root.layout").write_bytes(
        sign_layout(layout(expires="2020-01-01T00:00:00Z"), OWNER)) and None,
    "a layout by a stranger": lambda f: (f / "root.layout").write_bytes(sign_layout(layout(), STRANGER)) and None,
    "two signers wanted, one there": lambda f: (f / "root.layout").write_bytes(
        sign_layout(layout(threshold=2), OWNER)) and None,
}


def test_an_honest_chain_is_accepted(chain):
    assert accepted(chain)


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_refused_by_in_toto(chain, lie):
    LIES[lie](chain)
    assert not accepted(chain)


def test_a_stage_signed_by_another_roles_key_is_refused(chain):
    (chain / link_file("dacpt", TRAINER.public_key())).unlink()
    put(chain, "dacpt", READ, MADE, OWNER)
    assert not accepted(chain)


def test_two_signers_who_agree_meet_a_threshold_of_two_and_who_differ_do_not(chain):
    (chain / "root.layout").write_bytes(sign_layout(layout(threshold=2), OWNER))
    put(chain, "curate_mix", CURATED, MIX, SECOND)
    put(chain, "dacpt", READ, MADE, SECOND)
    assert accepted(chain)
    put(chain, "dacpt", READ, MADE | {"dir:models/dacpt": B}, SECOND)
    assert not accepted(chain)


def test_the_layout_is_in_totos_own_form_and_bytes(tmp_path):
    ours = sign_layout(layout(), OWNER)
    block = json.loads(ours)
    theirs = Metablock(signed=Layout.read(block["signed"]), signatures=block["signatures"])
    theirs.dump(str(tmp_path / "theirs"))
    assert (tmp_path / "theirs").read_bytes() == ours


def test_every_dep_and_out_is_required():
    for step in layout()["steps"]:
        for rules in (step["expected_materials"], step["expected_products"]):
            required = [rule[1] for rule in rules if rule[0] == "REQUIRE"]
            others = [rule[1] for rule in rules if rule[0] in ("MATCH", "ALLOW")]
            assert required == others != []
            assert rules[-1] == ["DISALLOW", "*"]


def test_a_path_that_in_toto_would_read_as_a_pattern_is_refused():
    [first, second] = steps()
    odd = first._replace(link=first.link._replace(products={"dir:data/*": A}))
    with pytest.raises(NotVerified, match="reads this path as a pattern"):
        build_layout([odd, second], {"data-owner": [], "trainer": []}, 1, FAR)


@pytest.mark.parametrize("key", [STRANGER, TRAINER])
def test_a_layout_by_another_key_is_not_opened(key):
    with pytest.raises(NotVerified, match="not accepted"):
        open_layout(sign_layout(layout(), key), [OWNER.public_key()], "root.layout")


def test_a_link_is_not_a_layout():
    with pytest.raises(NotVerified, match="not an in-toto layout"):
        open_layout(link("dacpt", READ, MADE), [TRAINER.public_key()], "root.layout")
