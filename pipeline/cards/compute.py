"""Training compute by arithmetic, and what follows from it under the EU AI Act. Energy is not guessed."""

from pathlib import Path

from pipeline.cards.chain import Chain, is_adapter, weights_of
from pipeline.cards.fields import Field, computed, not_provided
from pipeline.cards.layout import Cell, Inputs, Section, section, table
from pipeline.cards.sources import at_pointer
from pipeline.schema.errors import BadInput
from pipeline.stage.params import read_json

TOKENS = ("/training/processed_tokens", "/training/trained_tokens")
"""Where a training stage's metrics.json says how many tokens it worked on, best first."""
FLOP = "6 * parameters * tokens, summed"
"""The architecture-based estimate of Kaplan et al. 2020 (arXiv:2001.08361): 2 for forward, 4 for backward."""


def environment(inputs: Inputs) -> Section:
    """FLOP by arithmetic; energy only if somebody measured it, and nobody did."""
    rows: list[list[Cell]] = [[f"`{stage}`", flop_field(inputs.chain, [stage], f"{stage}.flop", "FLOP")]
                              for stage in inputs.chain.trained()]
    return section("environment", "Environmental Impact", "People & Planet", "Principle 1.1; Annex XI 1(2)(d)-(e)", [
        not_provided("energy", "Energy",
                     "no meter was read: the pipeline records nothing that differs between two equal runs",
                     "whoever runs it, from a meter or the provider of the machine"),
        not_provided("emissions", "CO2 equivalent", "follows from the energy, which is not provided",
                     "whoever runs it"),
    ], [table("Training compute, 6 x parameters x tokens (an upper bound for adapters; generation is not in it)",
              ["Stage", "FLOP"], rows)])


def flop_field(chain: Chain, stages: list[str], key: str, label: str, rule: str = FLOP,
               first: tuple[str, ...] = ()) -> Field:
    """Training compute of `stages` under `rule`; not provided when one of them recorded too little.

    Args:
        first: sources that the rule wants before those of the stages.
    """
    sources = list(first)
    for stage in stages:
        tokens, weights = tokens_source(chain, stage), full_weights(chain, stage)
        if not tokens or not weights:
            return not_provided(key, label, f"tokens or parameters of stage {stage} are not recorded", f"stage {stage}")
        sources += [tokens, *weights]
    if not stages:
        return not_provided(key, label, "no stage of this kind trained anything", "nobody")
    return computed(key, label, rule, sources, unit="FLOP" if rule == FLOP else "")


def tokens_source(chain: Chain, stage: str) -> str | None:
    """Where a training stage recorded its tokens, or None."""
    metrics = next((path for path in chain.runs[stage].products if ".train/" in path and path.endswith(".json")), None)
    if metrics is None:
        return None
    loaded = read_json(Path(chain.trusted(metrics)))
    for pointer in TOKENS:
        try:
            at_pointer(loaded, pointer, metrics)
        except BadInput:
            continue
        return f"{metrics}#{pointer}"
    return None


def full_weights(chain: Chain, stage: str) -> list[str]:
    """Weight files of the full model that a stage trained: its product, or the model under its adapter too."""
    models = [path for path in chain.runs[stage].products if path.startswith("models/") and Path(path).is_dir()]
    if any(is_adapter(path) for path in models):
        models += [item.path for item in chain.runs[stage].materials
                   if item.role in ("base", "checkpoint") and not is_adapter(item.path)]
    return [file for path in models for file in weights_of(chain.trusted(path))]


def eu_status(inputs: Inputs) -> Section:
    """What is known towards Regulation (EU) 2024/1689; a status table, not a declaration."""
    fields = [
        flop_field(inputs.chain, inputs.chain.trained(), "all_flop",
                   "All training compute / 1e23 FLOP (indicative size of a general-purpose model)", "FLOP / 1e23"),
        modification_ratio(inputs),
        inputs.stated("determination", "Provider determination", "/eu_ai_act/provider_determination"),
        inputs.stated("base_flop", "Training compute of the base", "/eu_ai_act/base_training_flop"),
    ]
    rows: list[list[Cell]] = [
        ["53(1)(a) technical documentation, Annex XI", "this card feeds it; energy is not provided"],
        ["53(1)(b) information for downstream providers, Annex XII", "Model Details, Uses, Limitations feed it"],
        ["53(1)(c) copyright policy", "see Copyright Posture"],
        ["53(1)(d) public summary of training content", "Training Data feeds it; the official template is not filled"],
    ]
    return section("eu", "EU AI Act Status", "Economic Context", "Articles 51 to 55; Guidelines C(2025) 7719", fields,
                   [table("Obligations of providers of general-purpose AI models, and what is here towards them",
                          ["Article", "Here"], rows)])


def modification_ratio(inputs: Inputs) -> Field:
    """Compute of all fine-tuning over a third of the base's; above 1 the indicative threshold is passed.

    Without a stated figure for the base, 1e23 FLOP stands in (Commission Guidelines of 18 July 2025).
    """
    tuned = [stage for stage in inputs.chain.trained() if not stage.startswith("base@")]
    stated = inputs.facts.eu_ai_act.base_training_flop is not None
    if stated:
        return flop_field(inputs.chain, tuned, "ratio", "Fine-tuning compute / a third of the base's",
                          "FLOP / (first / 3)", (f"{inputs.facts_path}#/eu_ai_act/base_training_flop",))
    return flop_field(inputs.chain, tuned, "ratio",
                      "Fine-tuning compute / a third of 1e23 FLOP (the base's own compute is not stated)",
                      "FLOP / (1e23 / 3)")
