"""The sections that the lineage and the evaluation fill: data, training, scores, digests."""

from pathlib import Path

from pipeline.cards.chain import Chain
from pipeline.cards.compute import tokens_source
from pipeline.cards.fields import computed, not_provided, sourced
from pipeline.cards.layout import Cell, Inputs, Section, section, table
from pipeline.stage.hashing import list_files
from pipeline.stage.params import read_json

METRICS = {
    "in_domain_perplexity": "In-domain perplexity (lower is better)",
    "general_perplexity": "General perplexity (lower is better)",
    "in_domain_bits_per_byte": "In-domain bits per byte (lower is better)",
    "general_bits_per_byte": "General bits per byte (lower is better)",
    "format_adherence": "Format adherence",
    "citation_precision": "Citation precision",
    "citation_recall": "Citation recall",
    "answered": "Answerable questions answered",
    "refused": "Unanswerable questions refused",
    "refusal_balanced": "Refusal calibration, balanced",
    "rubric": "Rubric score",
    "multi_turn": "Multi-turn constraint keeping",
}
"""Metric -> its label, in the order of the table."""


def training_data(inputs: Inputs) -> Section:
    """Digests and counts from the lineage, rights and reasons from people."""
    chain = inputs.chain
    fields = [
        inputs.stated("provenance", "Provenance (OECD)", "/oecd/data_provenance"),
        inputs.stated("dynamism", "Dynamism (OECD)", "/oecd/data_dynamism"),
        inputs.stated("rights", "Rights (OECD)", "/oecd/data_rights"),
    ]
    roots: list[list[Cell]] = [[f"`{item.path}`", sourced("measured", f"root.{item.path}", item.path,
                                        chain.material_pointer(stage, item.path))]
             for stage in chain.stages for item in chain.runs[stage].materials if not item.producer]
    return section("data", "Training Data", "Data & Input", "Principles 1.2, 1.4; Annex XI 1(2)(c)", fields, [
        table("Where it begins: inputs that no stage makes", ["Input", "sha256"], _unique(roots)),
        table("Curation: records in and documents out", ["Stage", "In", "Out", "sha256 of the documents out"],
              curation_rows(chain)),
        table("Datasets, in the provider's words",
              ["Name", "Licence", "Rights basis", "Personal data", "Rationale", "Biases"], [
                  [inputs.stated(f"dataset.{number}.{name}", name, f"/datasets/{number}/{name}")
                   for name in ("name", "licence", "rights_basis", "personal_data", "rationale", "biases")]
                  for number in range(len(inputs.facts.datasets))]),
    ])


def curation_rows(chain: Chain) -> list[list[Cell]]:
    """One row a stage upstream with a ledger; the tables are counted after their digests were checked."""
    rows: list[list[Cell]] = []
    for stage in chain.stages:
        ledger, documents = chain.product(stage, "/ledger"), chain.product(stage, "/documents")
        if ledger and documents:
            rows.append([f"`{stage}`",
                         sourced("measured", f"{stage}.in", "in", chain.trusted(ledger)),
                         sourced("measured", f"{stage}.out", "out", chain.trusted(documents)),
                         sourced("measured", f"{stage}.sha256", "sha256", chain.digest_pointer(stage, documents))])
    return rows


def training(inputs: Inputs) -> Section:
    """Params as the statements recorded them; only of training stages: curation params may name private terms."""
    chain = inputs.chain
    rows: list[list[Cell]] = []
    for stage in chain.trained():
        name = stage.partition("@")[0]
        tokens = tokens_source(chain, stage)
        rows.append([
            f"`{stage}`", sourced("measured", f"{stage}.params", "params", chain.params_pointer(stage, name)),
            sourced("measured", f"{stage}.tokens", "tokens", tokens) if tokens else
            not_provided(f"{stage}.tokens", "tokens", "the stage records no count of tokens", f"stage {stage}")])
    return section("training", "Training Procedure", "AI Model", "Principle 1.3; Annex XI 1(2)(b), (d)", [
        inputs.stated("rationale", "Design rationale", "/training_rationale"),
        inputs.stated("optimised_for", "Optimised for", "/optimised_for"),
        sourced("measured", "environment", "Packages that move numbers",
                f"{chain.statement(chain.maker)}#/predicate/buildDefinition/internalParameters/environment/packages"),
    ], [table("Training stages, in order", ["Stage", "Parameters", "Tokens trained"], rows)])


def evaluation(inputs: Inputs) -> Section:
    """Each metric with its interval, the checkpoint before, and the gate's verdict."""
    before = metrics_before(inputs)
    checks = read_json(Path(inputs.gate))["checks"]
    rows = [metric_row(inputs, name, label, before, name in checks) for name, label in METRICS.items()]
    fields = [sourced("measured", "gate", "Gate", f"{inputs.gate}#/verdict"),
              sourced("measured", "gate_reason", "Why", f"{inputs.gate}#/reason")]
    if read_json(Path(inputs.gate))["judge_win_rate"] is not None:
        fields += [sourced("measured", f"win_rate.{part}", label, f"{inputs.gate}#/judge_win_rate/{part}")
                   for part, label in (("value", "Judge prefers it to the checkpoint before (ties count half)"),
                                       ("interval", "95 % interval of that rate"), ("n", "Prompts compared"))]
    return section("evaluation", "Evaluation", "Task & Output", "Principle 1.4; Annex XI 1(2)(a)", fields, [
        table("Held-out documents and questions; one seeded draw a prompt, user turns are scripted",
              ["Metric", "Value", "95 % interval and n", "Checkpoint before", "Change", "Gate"], rows)])


def metric_row(inputs: Inputs, name: str, label: str, before: str | None, checked: bool) -> list[Cell]:
    """One metric; Change is absolute, after minus before."""
    now = f"{inputs.evaluation}#/{name}"
    row: list[Cell] = [label, sourced("measured", name, label, now),
                       sourced("measured", f"{name}.interval", "interval", f"{inputs.evaluation}#/intervals/{name}")]
    if before is None:
        return [*row, "none", "none", "no check"]
    then = f"{before}#/{name}"
    verdict: Cell = (sourced("measured", f"{name}.gate", "gate", f"{inputs.gate}#/checks/{name}/verdict")
                     if checked else "no check")
    return [*row, sourced("measured", f"{name}.before", "before", then),
            computed(f"{name}.change", "change", "first - second", [now, then]), verdict]


def metrics_before(inputs: Inputs) -> str | None:
    """The metrics.json of the checkpoint before, as the gate's own record names it; None for the first."""
    gates = [run for run in inputs.chain.runs.values() if inputs.gate in run.products]
    named = [item.path for run in gates for item in run.materials if item.path.endswith("metrics.json")]
    other = [path for path in named if path != inputs.evaluation]
    return inputs.chain.trusted(other[0]) if other else None


def provenance(inputs: Inputs) -> Section:
    """Digests, and the commands that check them."""
    chain = inputs.chain
    name = Path(chain.checkpoint).name
    rows: list[list[Cell]] = [[f"`{stage}`", sourced("measured", f"statement.{stage}", "sha256",
                                               f"{chain.statement(stage)}#sha256")]
                              for stage in chain.stages]
    weights: list[list[Cell]] = [[f"`{path}`", sourced("measured", f"file.{path}", "sha256", f"{path}#sha256")]
                                 for path in checkpoint_files(chain)]
    return section("provenance", "Provenance & Verification", "AI Model", "Principle 1.5; HAIP 2, 5", [
        sourced("measured", "digest", "Digest of the checkpoint (sha256 of its sha256sums)",
                chain.digest_pointer(chain.maker, chain.checkpoint)),
        *[sourced("measured", f"input.{item.path}", f"Digest of `{item.path}` ({item.role})",
                  chain.material_pointer(chain.maker, item.path)) for item in chain.runs[chain.maker].materials],
    ], [table("Files", ["File", "sha256"], weights),
        table("Statements, first to last", ["Stage", "sha256"], rows),
        table("How to check", ["Command", "What it shows"], [
            [f"`pedigree verify {chain.checkpoint}`", "dataset, base and checkpoint form one signed, unbroken chain"],
            [f"`sha256sum -c` with the manifest in `lineage/{chain.maker}/`", "the files are the recorded ones"],
            [f"`models/{name}.attestation/`", "signatures over weights, lineage, verdict and this card"]])])


def checkpoint_files(chain: Chain) -> list[str]:
    """Every file of the checkpoint, sorted."""
    return [path.as_posix() for path in list_files(Path(chain.checkpoint))]


def _unique(rows: list[list[Cell]]) -> list[list[Cell]]:
    kept: dict[str, list[Cell]] = {str(row[0]): row for row in reversed(rows)}
    return [kept[name] for name in dict.fromkeys(str(row[0]) for row in rows)]
