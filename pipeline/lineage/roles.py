"""Who answers for which stage: a role may have a key of its own, and only that role's key may sign the stage."""

from pipeline.schema.errors import BadInput

DATA_OWNER = "data-owner"
TRAINER = "trainer"
EVALUATOR = "evaluator"
ATTESTER = "attester"
"""Signs what is said of a checkpoint as a whole: claims, model.sig and the layout; no stage."""

STAGES = {
    DATA_OWNER: ("sample_lake", "lake_manifest", "general_text", "eval_items", "quality_model", "date_model",
                 "pii_model", "curate_extract", "curate_filter", "curate_dedup", "curate_redact",
                 "curate_decontaminate", "mixture", "curate_mix"),
    TRAINER: ("base", "choose_base", "vocabulary", "pack", "dacpt", "sft_data", "sft", "preferences", "dpo",
              "dialogues", "rs_sft", "merge"),
    EVALUATOR: ("evaluate", "gate"),
}
ROLES = (*STAGES, ATTESTER)

_ROLE = {stage: role for role, stages in STAGES.items() for stage in stages}


def role_of_stage(stage: str) -> str:
    """The role whose key signs `stage`; `dpo@1` is stage `dpo`. A stage that STAGES does not name is the trainer's."""
    return _ROLE.get(stage.split("@", 1)[0], TRAINER)


def check_role(role: str) -> str:
    """`role`, when it is one.

    Raises:
        BadInput: it is not.
    """
    if role not in ROLES:
        raise BadInput("role", "unknown", wanted=" or ".join(ROLES), got=repr(role))
    return role
