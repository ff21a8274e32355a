"""Attacks that only an auditor's policy stops: the lineage is whole and signed, and still not good enough."""

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipeline.audit.checks.case import Depth
from pipeline.audit.checks.policy import accepted_by, read_policy
from pipeline.audit.checks.scene import open_tree
from pipeline.audit.cli import main
from pipeline.audit.findings import Check
from pipeline.audit.timestamps import timestamp_attestation
from pipeline.audit.verify import Demands, verify_scene
from pipeline.lineage.bom import CYCLONEDX
from pipeline.lineage.chain import CHAIN_TYPE
from pipeline.lineage.claims import REFERENCE, TEST_RESULT
from pipeline.lineage.sign import key_hint, public_pem
from pipeline.lineage.statement import PREDICATE_TYPE
from tests.audit.forge import attestation, edit_claim, edit_keyring, keys, own, put, stranger
from tests.fake_sigstore import FakeSigstore, running
from tests.world import CHECKPOINT, LICENCE, World

ROLES = ("data-owner", "trainer", "evaluator", "attester")


def policy_of(world: World) -> dict[str, Any]:
    """A policy that the untouched world meets."""
    statement = json.loads((world.root / "lineage/dacpt/statement.json").read_bytes())
    materials = statement["predicate"]["buildDefinition"]["resolvedDependencies"]
    [base] = [item["digest"]["sha256"] for item in materials if item["annotations"]["role"] == "base"]
    shutil.copy(keys(world) / "root.pub", world.root.parent)
    return {
        "keyring": ["root.pub"],
        "keyring_version": 1,
        "signers": {role: {"keys": [key_hint(own(world, role).public_key())], "threshold": 1} for role in ROLES},
        "predicates": [PREDICATE_TYPE, CHAIN_TYPE, TEST_RESULT, CYCLONEDX, REFERENCE],
        "hermetic": False,
        "gates": {"result": "PASSED", "passed": ["general"], "at_least": {}, "at_most": {"perplexity": 10.0}},
        "bases": [base],
        "licences": [LICENCE],
        "timestamps": None,
        "maximum_age_days": None,
    }


def judge(world: World, capsys: pytest.CaptureFixture[str], policy: object, *more: str,
          ) -> tuple[int, dict[str, Any], str]:
    """Exit code, JSON answer (empty when there is none) and stderr of `verify --policy`."""
    path = world.root.parent / "policy.yaml"
    put(path, json.dumps(policy))
    capsys.readouterr()
    code = main(["verify", str(world.root / CHECKPOINT), "--policy", str(path), "--json", *more])
    shown = capsys.readouterr()
    return code, json.loads(shown.out or "{}"), shown.err


def failed(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [(failure["check"], failure["where"]) for failure in answer["failures"]]


def test_the_untouched_world_meets_its_policy(world, capsys):
    code, answer, _ = judge(world, capsys, policy_of(world))
    assert (code, answer["failures"]) == (0, [])
    assert answer["held"][Check.POLICY.value] == 7


def test_a_root_key_may_be_named_by_hint_when_its_file_is_given(world, capsys):
    policy = policy_of(world) | {"keyring": [key_hint(own(world, "root").public_key())]}
    code, answer, _ = judge(world, capsys, policy)
    assert code == 1
    assert (Check.KEYRING.value, f"{CHECKPOINT}.attestation/keyring.json") in failed(answer)
    assert judge(world, capsys, policy, "--key", str(keys(world) / "root.pub"))[0] == 0


def test_keys_may_be_named_by_file(world, capsys):
    for name in ("root", *ROLES):
        shutil.copy(keys(world) / f"{name}.pub", world.root.parent)
    policy = policy_of(world) | {"keyring": ["root.pub"], "signers": {
        role: {"keys": [f"{role}.pub"], "threshold": 1} for role in ROLES}}
    assert judge(world, capsys, policy)[0] == 0


Change = Callable[[dict[str, Any]], object]

REFUSED: list[tuple[str, Change, Check, str]] = [
    ("base not allowed", lambda policy: policy.update(bases=["0" * 64]), Check.POLICY, "models/base"),
    ("licence not allowed", lambda policy: policy.update(licences=["apache-2.0"]), Check.POLICY,
     "lineage/curate_mix/statement.json"),
    ("run not hermetic", lambda policy: policy.update(hermetic=True), Check.POLICY, "lineage/dacpt/statement.json"),
    ("claim not there", lambda policy: policy["predicates"].append("https://slsa.dev/verification_summary/v1"),
     Check.POLICY, f"{CHECKPOINT}.attestation/claims.jsonl"),
    ("gate not passed", lambda policy: policy["gates"]["passed"].append("multi_turn"), Check.POLICY,
     f"{CHECKPOINT}.attestation/claims.jsonl:3"),
    ("score too high", lambda policy: policy["gates"]["at_most"].update(perplexity=9.0), Check.POLICY,
     "models/dacpt.eval/metrics.json: perplexity"),
    ("score not measured", lambda policy: policy["gates"]["at_least"].update(refusal=0.5), Check.POLICY,
     "models/dacpt.eval/metrics.json: refusal"),
    ("signer not accepted", lambda policy: policy["signers"]["trainer"].update(keys=["0" * 64]), Check.LINKS,
     "lineage/dacpt/"),
    ("attester not accepted", lambda policy: policy["signers"]["attester"].update(keys=["0" * 64]), Check.SIGNATURES,
     f"{CHECKPOINT}.attestation/claims.jsonl:1"),
    ("two trainers demanded", lambda policy: policy["signers"]["trainer"].update(threshold=2), Check.LINKS,
     "lineage/dacpt"),
    ("keyring of another root", lambda policy: policy.update(keyring=["0" * 64]), Check.KEYRING,
     f"{CHECKPOINT}.attestation/keyring.json"),
    ("keyring out of date", lambda policy: policy.update(keyring_version=2), Check.KEYRING,
     f"{CHECKPOINT}.attestation/keyring.json"),
]


@pytest.mark.parametrize(("change", "check", "where"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_one_demand_not_met_is_named(world, capsys, change, check, where):
    policy = policy_of(world)
    change(policy)
    code, answer, _ = judge(world, capsys, policy)
    assert code == 1
    assert any(found == check.value and named.startswith(where) for found, named in failed(answer)), failed(answer)


def test_a_failed_gate_holds_without_a_policy_and_not_with_one(world, capsys):
    edit_claim(world, "test-result", lambda value: value["predicate"].update(result="FAILED"))
    _, answer, _ = judge(world, capsys, policy_of(world))
    assert (Check.POLICY.value, f"{CHECKPOINT}.attestation/claims.jsonl:3") in failed(answer)


UNUSABLE: list[tuple[str, Change]] = [
    *((f"without {name}", lambda policy, name=name: policy.pop(name)) for name in (  # type: ignore[misc]
        "keyring", "keyring_version", "signers", "predicates", "hermetic", "gates", "bases", "licences",
        "timestamps", "maximum_age_days")),
    ("no signer", lambda policy: policy["signers"]["trainer"].update(keys=[])),
    ("a role left out", lambda policy: policy["signers"].pop("evaluator")),
    ("no root", lambda policy: policy.update(keyring=[])),
    ("unknown field", lambda policy: policy.update(allow_all=True)),
    ("unknown role", lambda policy: policy["signers"].update(intern=policy["signers"]["trainer"])),
    ("threshold of none", lambda policy: policy["signers"]["trainer"].update(threshold=0)),
    ("yes for true", lambda policy: policy.update(hermetic="yes")),
    ("a base that is no digest", lambda policy: policy.update(bases=["Qwen/Qwen3-0.6B"])),
    ("a key that is not there", lambda policy: policy["signers"]["trainer"].update(keys=["trainer.pub"])),
    ("an age without a clock", lambda policy: policy.update(maximum_age_days=30)),
]


@pytest.mark.parametrize("change", [row[1] for row in UNUSABLE], ids=[row[0] for row in UNUSABLE])
def test_a_policy_that_leaves_something_open_is_refused(world, capsys, change):
    policy = policy_of(world)
    change(policy)
    code, answer, said = judge(world, capsys, policy)
    assert (code, answer) == (2, {})
    assert "policy.yaml" in said or "trainer.pub" in said


@pytest.mark.parametrize("text", ["", "{}", "null", "[]", "any"])
def test_an_empty_policy_fails(world, capsys, text):
    path = world.root.parent / "policy.yaml"
    path.write_text(text)
    assert main(["verify", str(world.root / CHECKPOINT), "--policy", str(path)]) == 2


def test_without_a_policy_it_is_said_what_was_not_judged(world, capsys):
    main(["verify", str(world.root / CHECKPOINT), "--key", str(keys(world) / "root.pub")])
    assert "no policy: hermetic runs, gate results, bases, licences and age were not judged" in capsys.readouterr().out


# Trusted time


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeSigstore]:
    with running(FakeSigstore(tmp_path_factory.mktemp("authority"))) as fake:
        yield fake


@pytest.fixture
def stamped(world: World, authority: FakeSigstore) -> World:
    """The world with a time stamp on each claim, and the authority's certificates beside the policy."""
    timestamp_attestation(attestation(world, ""), f"{authority.url}/timestamp")
    put(world.root.parent / "trust.json", json.dumps(authority.trust_config()))
    return world


def timed(world: World, days: int | None = None) -> dict[str, Any]:
    return policy_of(world) | {"timestamps": "trust.json", "maximum_age_days": days}


def test_stamped_claims_hold(stamped, capsys):
    assert judge(stamped, capsys, timed(stamped, 30))[0] == 0


def test_attack_claims_without_the_demanded_time(world, authority, capsys):
    put(world.root.parent / "trust.json", json.dumps(authority.trust_config()))
    code, answer, _ = judge(world, capsys, timed(world))
    assert code == 1
    assert (Check.SIGNATURES.value, f"{CHECKPOINT}.attestation/claims.jsonl:1") in failed(answer)


def test_attack_forged_timestamp(stamped, capsys):
    """Each token is genuine, of a trusted authority, and given for another claim."""
    path = attestation(stamped, "claims.jsonl")
    bundles = [json.loads(line) for line in path.read_bytes().splitlines()]
    stamps = [bundle["verificationMaterial"]["timestampVerificationData"] for bundle in bundles]
    for bundle, stamp in zip(bundles, stamps[1:] + stamps[:1], strict=True):
        bundle["verificationMaterial"]["timestampVerificationData"] = stamp
    path.write_bytes(b"".join(json.dumps(bundle).encode() + b"\n" for bundle in bundles))
    code, answer, _ = judge(stamped, capsys, timed(stamped))
    assert code == 1
    assert any(check == Check.SIGNATURES.value and where.startswith(f"{CHECKPOINT}.attestation/claims.jsonl:1")
               for check, where in failed(answer))


def test_attack_timestamp_of_another_authority(stamped, capsys, tmp_path_factory):
    with running(FakeSigstore(tmp_path_factory.mktemp("other"))) as other:
        put(stamped.root.parent / "trust.json", json.dumps(other.trust_config()))
    code, answer, _ = judge(stamped, capsys, timed(stamped))
    assert code == 1
    assert any(check == Check.SIGNATURES.value for check, _ in failed(answer))


def verify_in(world: World, days: int, policy: dict[str, Any]) -> list[str]:
    """The checks that fail when the world is verified `days` from now."""
    path = world.root.parent / "policy.yaml"
    put(path, json.dumps(policy))
    read = read_policy(path)
    findings = verify_scene(open_tree(world.root, [CHECKPOINT]), Demands(accepted_by(read, [], path.parent), read),
                            whole=False, depth=Depth.CHAIN, moment=datetime.now(UTC) + timedelta(days=days))
    return sorted({failure.check for failure in findings.failures})


def test_attack_an_attestation_that_is_too_old(stamped):
    assert verify_in(stamped, 29, timed(stamped, 30)) == []
    assert verify_in(stamped, 32, timed(stamped, 30)) == [Check.POLICY.value]


def test_what_a_rotated_key_signed_before_holds_with_trusted_time_and_not_without(stamped):
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    edit_keyring(stamped, lambda entry: entry._replace(until=tomorrow) if "trainer" in entry.roles else entry)
    assert verify_in(stamped, 10, timed(stamped)) == []
    assert verify_in(stamped, 10, policy_of(stamped))[0] == Check.LINKS.value


def test_what_a_revoked_key_signed_is_not_believed_whatever_the_time(stamped):
    edit_keyring(stamped, lambda entry: entry._replace(revoked_at="2030-01-01T00:00:00Z", revoked_why="stolen")
                 if "trainer" in entry.roles else entry)
    assert Check.LINKS.value in verify_in(stamped, 0, timed(stamped))


def test_a_root_key_beside_the_policy_counts_only_if_the_policy_names_it(world, capsys, tmp_path):
    other = stranger()
    edit_keyring(world, lambda entry: entry, other)
    (tmp_path / "other.pub").write_bytes(public_pem(other.public_key()))
    put(tmp_path / "policy.yaml", json.dumps(policy_of(world)))  # beside root.pub
    code = main(["verify", str(world.root / CHECKPOINT), "--policy", str(tmp_path / "policy.yaml"),
                 "--key", str(tmp_path / "other.pub"), "--json"])
    assert code == 1
    assert failed(json.loads(capsys.readouterr().out))[0][0] == Check.KEYRING.value


def test_the_suggested_policy_of_a_release_can_be_read(tmp_path):
    from tests.clients.release_world import build_release

    folder = build_release(tmp_path)
    assert read_policy(folder / "policy.yaml").hermetic in (True, False)
    assert Path(folder / "VERIFY.md").is_file()
