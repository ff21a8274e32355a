"""Checks 6 and 7: each stage's links, by keys that may sign it, and the layout that asks for them all."""

from collections.abc import Iterable
from typing import Any

from pipeline.audit.checks.case import Case
from pipeline.audit.checks.trust import Trust
from pipeline.audit.findings import Check
from pipeline.lineage.layout import Step, build_layout, open_layout
from pipeline.lineage.links import Link, check_link, open_link
from pipeline.lineage.roles import ATTESTER, ROLES, role_of_stage
from pipeline.schema.errors import NotVerified
from pipeline.stage.records import Record, read_bounded

LAYOUT = "root.layout"


def check_links(case: Case, trust: Trust, stages: Iterable[str]) -> None:
    """Check 6: as many believed links as the policy (and check 7: the layout) asks for, each of them whole.

    link.name, its file name, the statement's stage and the folder are one name; the link's materials
    and products are the statement's, and one of its products is the statement itself.
    """
    for stage in stages:
        case.links[stage] = []
        record = case.records[stage]
        for name in sorted(name for name in record.files if name.endswith(".link")):
            with case.findings.looking(Check.LINKS, stage):
                case.links[stage].append(_believed(record, name, trust))
        with case.findings.looking(Check.LINKS, stage):
            _enough(case, stage, trust.accepted.thresholds.get(role_of_stage(stage), 1), "the policy")


def _believed(record: Record, name: str, trust: Trust) -> Link:
    stage, where = record.run.stage, f"lineage/{record.run.stage}/{name}"
    link = open_link(record.files[name], trust.known(), where)
    if name != f"{stage}.{link.keyid[:8]}.link":
        raise NotVerified(where, "misnamed, so in-toto does not find it", wanted=f"{stage}.{link.keyid[:8]}.link")
    objection = trust.objection(trust.by_id()[link.keyid], role_of_stage(stage))
    if objection:
        raise NotVerified(where, f"its key may not sign stage {stage}: {objection}",
                          wanted=f"a key of role {role_of_stage(stage)}", got=f"key {link.keyid[:8]}")
    check_link(link, record.run, where)
    return link


def _enough(case: Case, stage: str, wanted: int, who: str) -> None:
    signers = {link.keyid for link in case.links[stage]}
    if len(signers) < wanted:
        raise NotVerified(f"lineage/{stage}", "too few believed links by different keys",
                          wanted=f"{wanted} ({who})", got=str(len(signers)))


def check_layout(case: Case, trust: Trust, checkpoint: str, stages: list[str]) -> None:
    """Check 7: signed by an attester, in force, and asking of every stage what its record says, no less."""
    shown = f"{case.scene.shown(checkpoint + '.attestation')}/{LAYOUT}"
    with case.findings.looking(Check.LAYOUT, "attest"):
        text = read_bounded(case.scene.place(f"{checkpoint}.attestation") / LAYOUT, shown)
        layout: Any = open_layout(text, trust.signers(ATTESTER), shown)
        try:
            _check_content(case, trust, layout, stages, shown)
        except (KeyError, TypeError, AttributeError) as err:
            raise NotVerified(shown, f"not a layout of ours ({type(err).__name__}: {err})") from err


def _check_content(case: Case, trust: Trust, layout: Any, stages: list[str], shown: str) -> None:
    if not str(layout["expires"]) > case.moment:
        case.findings.add(Check.LAYOUT, "attest", NotVerified(shown, "has expired", wanted=f"after {case.moment}",
                                                              got=str(layout["expires"])))
    if layout["inspect"]:
        case.findings.add(Check.LAYOUT, "attest", NotVerified(
            shown, "has inspections: commands that in-toto would run on the auditor's machine", wanted="none"))
    steps = {step["name"]: step for step in layout["steps"]}
    for stage in sorted({*steps, *stages}):
        if stage not in steps or stage not in stages:
            case.findings.add(Check.LAYOUT, stage, NotVerified(
                f"{shown}: step {stage}", "is not asked for" if stage not in steps else "asks for a stage that did not "
                "lead to the checkpoint"))
    wanted = _wanted_steps(case, stages)
    for stage in stages:
        if stage in steps and stage in wanted:
            with case.findings.looking(Check.LAYOUT, stage):
                _check_step(case, trust, steps[stage], wanted[stage], f"{shown}: step {stage}")


def _wanted_steps(case: Case, stages: list[str]) -> dict[str, Any]:
    """The steps as the records imply them; a stage without a believed link is a failure of check 6 already."""
    steps = [Step(case.records[stage].run, case.links[stage][0]) for stage in stages if case.links.get(stage)]
    built: Any = build_layout(steps, {role: [] for role in ROLES}, 1, "")
    return {step["name"]: step for step in built["steps"]}


def _check_step(case: Case, trust: Trust, found: Any, wanted: Any, where: str) -> None:
    for part in ("expected_command", "expected_materials", "expected_products"):
        if found[part] != wanted[part]:
            odd = [rule for rule in wanted[part] if rule not in found[part]]
            raise NotVerified(where, f"{part} are not those of the record", wanted=str(odd[:1] or wanted[part][:1]),
                              got="left out" if odd else "more, or in another order")
    if set(found) != set(wanted):
        raise NotVerified(where, "fields differ", got=", ".join(sorted(set(found) ^ set(wanted))))
    role, keys = role_of_stage(found["name"]), trust.by_id()
    for each in found["pubkeys"]:
        entries = trust.keyring.of_key(keys[each]) if each in keys else []
        if not any(role in entry.roles and entry.revoked_at is None for entry in entries):
            raise NotVerified(where, f"lets a key sign that the keyring does not give role {role}",
                              got=f"key {each[:8]}")
    threshold = found["threshold"]
    if isinstance(threshold, bool) or not isinstance(threshold, int) or threshold < 1:
        raise NotVerified(where, "threshold is no positive number", got=repr(threshold))
    _enough(case, found["name"], threshold, "the layout")

