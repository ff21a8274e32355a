"""Draw docs/dag.svg from dvc.yaml: `python -m tests.dag_picture` (the target `make dag`).

The four stages that every checkpoint has are drawn once; tests/test_dvc_yaml.py compares the
picture with the declaration.
"""

from pathlib import Path

from dvc.repo import Repo

from pipeline.cards.dag import draw

PER_CHECKPOINT = ("evaluate", "gate", "card", "attest")
STYLE = """<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
<path d="M0 0L8 4L0 8z" fill="#8a93a0"/></marker></defs><style>
text{font-family:system-ui,sans-serif}.edge{fill:none;stroke:#8a93a0;stroke-width:1.1}
.box{fill:#f6f8fa;stroke:#c6ccd4;stroke-width:1.2}.name{fill:#1f2733;font-size:12px;font-weight:600}
.caption{fill:#5b6675;font-size:10px}</style>"""


def dag_svg(root: Path) -> str:
    """The stages of dvc.yaml and what they need, as a page-less SVG file."""
    with Repo(str(root)) as repo:
        stages = list(repo.index.stages)
        outs = {out.def_path: shown(stage.name) for stage in stages for out in stage.outs}
        deps = {stage.name: [dep.def_path for dep in stage.deps if not hasattr(dep, "params")] for stage in stages}
    graph: dict[str, set[str]] = {}
    for name, paths in deps.items():
        makers = {maker for path in paths for out, maker in outs.items()
                  if out == path or (out.startswith(f"{path}/") and path != "lineage" and path != "models")}
        graph.setdefault(shown(name), set()).update(makers - {shown(name)})
    graph["report"] = {"attest"}
    captions = dict.fromkeys(PER_CHECKPOINT, "for each checkpoint")
    svg = str(draw({name: frozenset(needs) for name, needs in graph.items()}, captions, "The stages", "dag"))
    head, body = svg.split(">", 1)
    attributes = "" if "xmlns=" in head else ' xmlns="http://www.w3.org/2000/svg"'
    return f"{head}{attributes}>{STYLE}{body}\n"


def shown(stage: str) -> str:
    """`evaluate@sft` -> `evaluate`; other stages keep their key."""
    name = stage.split("@")[0]
    return name if name in PER_CHECKPOINT else stage


if __name__ == "__main__":
    Path("docs/dag.svg").write_text(dag_svg(Path()), encoding="utf-8")
