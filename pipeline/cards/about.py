"""The sections that people's words fill: what the model is, what for, for whom, with which limits."""

from pathlib import Path

from pipeline.cards.chain import Chain, is_adapter, weights_of
from pipeline.cards.fields import Field, computed, sourced
from pipeline.cards.layout import Cell, Inputs, Section, section, table


def details(inputs: Inputs) -> Section:
    """What it is: names from people, structure from the files."""
    folder = inputs.chain.checkpoint
    fields = [
        inputs.stated("name", "Name", "/name"), inputs.stated("version", "Version", "/version"),
        inputs.stated("provider", "Provider", "/provider"), inputs.stated("contact", "Contact", "/contact"),
        inputs.stated("licence", "Licence", "/licence"), inputs.stated("language", "Languages", "/language"),
        *(adapter_fields(folder) if is_adapter(folder) else model_fields(folder)),
        computed("parameters", "Parameters in the checkpoint's files", "sum", weights_of(folder)),
    ]
    fields += [sourced("inherited", name, f"{name} sha256", f"{folder}/{name}#sha256")
               for name in ("tokenizer.json", "chat_template.jinja") if Path(folder, name).is_file()]
    fields += base_fields(inputs.chain)
    return section("details", "Model Details", "AI Model", "Principle 1.3; Annex XI 1(1)(c)-(f)", fields)


def base_fields(chain: Chain) -> list[Field]:
    """What the base's own stage recorded of it: its licence, and its revision when it came from a hub."""
    wanted = {("licence",): "Licence of the base", ("hub", "repo"): "Base on the hub",
              ("hub", "revision"): "Revision of the base"}
    found = []
    for stage in chain.stages:
        if stage.startswith("base@"):
            known = chain.resolved(stage)
            found += [sourced("inherited", f"{stage}.{'.'.join(keys)}", label, chain.resolved_pointer(stage, *keys))
                      for keys, label in wanted.items() if keys[0] in known]
    return found


def model_fields(folder: str) -> list[Field]:
    """Of a full checkpoint's config.json."""
    config = f"{folder}/config.json"
    wanted = {"architectures/0": "Architecture", "num_hidden_layers": "Layers", "hidden_size": "Hidden size",
              "vocab_size": "Vocabulary", "max_position_embeddings": "Context, tokens"}
    return [sourced("inherited", key.split("/")[0], label, f"{config}#/{key}") for key, label in wanted.items()]


def adapter_fields(folder: str) -> list[Field]:
    """Of an adapter's adapter_config.json."""
    config = f"{folder}/adapter_config.json"
    wanted = {"peft_type": "Adapter", "r": "Rank", "lora_alpha": "Alpha", "target_modules": "Trained layers",
              "base_model_name_or_path": "Full model under the adapter"}
    return [sourced("inherited", key, label, f"{config}#/{key}") for key, label in wanted.items()]


def uses(inputs: Inputs) -> Section:
    """What it is for, in people's words."""
    return section("uses", "Uses", "Task & Output; Economic Context", "Principle 1.3; Annex XI 1(1)(a)-(b)", [
        inputs.stated("direct", "Direct use", "/use/direct"),
        inputs.stated("downstream", "Downstream use", "/use/downstream"),
        inputs.stated("out_of_scope", "Out-of-scope use", "/use/out_of_scope"),
        inputs.stated("oversight", "Human oversight expected", "/use/oversight"),
        inputs.stated("task", "Task (OECD)", "/oecd/task"),
        inputs.stated("autonomy", "Action autonomy (OECD)", "/oecd/action_autonomy"),
        inputs.stated("sector", "Sector", "/oecd/sector"),
        inputs.stated("function", "Business function", "/oecd/business_function"),
        inputs.stated("critical", "Critical function", "/oecd/critical_function"),
    ])


def people(inputs: Inputs) -> Section:
    """Whom it touches."""
    return section("people", "People & Planet", "People & Planet", "Principles 1.1, 1.2, 1.5", [
        inputs.stated("users", "Intended users and their competency", "/oecd/users"),
        inputs.stated("stakeholders", "Impacted stakeholders", "/oecd/stakeholders"),
        inputs.stated("redress", "Optionality and redress", "/oecd/redress"),
        inputs.stated("complaints", "Complaints", "/complaint_contact"),
    ])


def copyright_posture(inputs: Inputs) -> Section:
    """What Article 53(1)(c) asks of providers."""
    return section("copyright", "Copyright Posture", "Data & Input", "Article 53(1)(c)", [
        inputs.stated("policy", "Copyright policy", "/eu_ai_act/copyright_policy"),
        inputs.stated("signatory", "Signatory of the Code of Practice", "/eu_ai_act/code_of_practice_signatory"),
    ])


def limitations(inputs: Inputs) -> Section:
    """In the provider's words, one row each."""
    count = len(inputs.facts.limitations or [])
    rows: list[list[Cell]] = [[inputs.stated(f"limitation.{number}.{name}", name, f"/limitations/{number}/{name}")
                               for name in ("limitation", "affected", "mitigation")] for number in range(count)]
    return section("limitations", "Bias, Risks, and Limitations", "People & Planet; AI Model", "Principles 1.2, 1.4", [
        inputs.stated("author", "Written by", "/review/author"),
        inputs.stated("reviewer", "Reviewed by", "/review/reviewer"),
        inputs.stated("reviewed", "Reviewed on", "/review/date"),
    ], [table("Limitations", ["Limitation", "Who is affected", "Mitigation"], rows)] if rows else [])


def crosswalk(_: Inputs) -> Section:
    """Which section speaks to which text; fixed words, no state is claimed."""
    rows: list[list[Cell]] = [
        ["OECD Framework: People & Planet", "People & Planet; Environmental Impact; Limitations"],
        ["OECD Framework: Economic Context", "Uses; EU AI Act Status"],
        ["OECD Framework: Data & Input", "Training Data; Copyright Posture"],
        ["OECD Framework: AI Model", "Model Details; Training Procedure; Provenance & Verification"],
        ["OECD Framework: Task & Output", "Uses; Evaluation"],
        ["OECD Principles 1.1 to 1.5 (2024)", "named under each heading"],
        ["G7 HAIP reporting 1, 2, 3, 5 (evidence only)", "Evaluation; Provenance & Verification; this card"],
        ["EU AI Act, Annexes XI and XII", "named under each heading"],
    ]
    return section("crosswalk", "Crosswalk", "all", "OECD; HAIP; EU AI Act", [],
                   [table("Which section speaks to which text", ["Text", "Sections"], rows)])
