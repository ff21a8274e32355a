"""Stage report on a small finished run: complete, self-contained, safe to open."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pipeline.cards.dag import draw, layers_of, ordered, reduced
from pipeline.cards.run_facts import COLUMNS
from pipeline.schema.errors import BadInput
from pipeline.stages.report import main
from tests.cards import world

FACTS = (Path(__file__).parents[2] / "data/card.yaml").read_text()
HOSTILE = "<script>alert(1)</script>\"'&"


class Tags(HTMLParser):
    """Every tag with its attributes, and whether open tags are closed in order."""

    VOID = frozenset({"meta", "link", "img", "br", "hr"})

    def __init__(self, text):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def report(out="report"):
    main(Path("lineage"), Path("data"), Path("models"), Path(out, "index.html"), Path(out, "summary.json"),
         Path(out, "headline.json"))
    return Path(out, "index.html").read_text(), json.loads(Path(out, "summary.json").read_text())


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    world.build(FACTS)


@pytest.mark.usefixtures("run")
def test_the_summary_has_a_row_a_checkpoint_in_the_order_of_making():
    _, summary = report()
    assert [row["name"] for row in summary["checkpoints"]] == ["base", "dacpt", "sft", "dpo_1"]
    assert set(summary["checkpoints"][1]) == {
        "name", "in_domain_perplexity", "general_perplexity", "format", "citation_precision", "citation_recall",
        "refusal", "multi_turn", "judge_win_rate", "gate", "attested"}
    assert summary["checkpoints"][1]["gate"] == "pass"
    assert summary["checkpoints"][0]["attested"] is False


@pytest.mark.usefixtures("run")
def test_the_summary_of_curation_adds_up():
    _, summary = report()
    assert [row["stage"] for row in summary["curation"]] == list(world.CURATION)
    for row in summary["curation"]:
        assert row["kept"] + row["merged"] + row["dropped"] == row["in"] == sum(row["reasons"].values())


@pytest.mark.usefixtures("run")
def test_the_headlines_are_few_and_end_with_all_scores_of_the_last_checkpoint():
    _, summary = report()
    headlines = json.loads(Path("report/headline.json").read_text())
    assert headlines["dpo_1"] == {column: summary["checkpoints"][-1][column] for column in COLUMNS}
    assert headlines["sft"]["judge_win_rate"] == summary["checkpoints"][2]["judge_win_rate"]
    assert headlines["documents"] == summary["curation"][-1]["kept"]


@pytest.mark.usefixtures("run")
def test_nothing_outside_the_page_is_asked_for():
    text, _ = report()
    tags = Tags(text)
    assert not {"script", "link", "img", "iframe", "object", "embed", "image", "use"} & {tag for tag, _ in tags.found}
    assert not re.search(r"https?://|url\((?!#)|@import|//cdn", text)
    assert all(attrs["href"].startswith("#") for tag, attrs in tags.found if "href" in attrs)
    assert not any(name.startswith("on") for _, attrs in tags.found for name in attrs)


@pytest.mark.usefixtures("run")
def test_the_page_is_well_formed_and_accessible():
    tags = Tags(report()[0])
    assert tags.open == []
    names = [tag for tag, _ in tags.found]
    assert (names.count("h1"), dict(tags.found[0][1]).get("lang")) == (1, "en")
    images = [attrs for tag, attrs in tags.found if tag == "svg" and "aria-hidden" not in attrs]
    assert images
    assert all(attrs["role"] == "img" for attrs in images)
    assert names.count("title") == names.count("desc") + 1 == len(images) + 1
    assert all(attrs.get("scope") in ("col", "row") for tag, attrs in tags.found if tag == "th")
    ids = [attrs["id"] for _, attrs in tags.found if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_hostile_names_are_shown_and_not_obeyed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    world.build(FACTS, hostile=HOSTILE)
    gate = Path("models/sft.gate/gate.json")
    gate.write_text(gate.read_text().replace('"reason": "', f'"reason": "{HOSTILE[:25]} '))
    text, _ = report()
    assert "<script" not in text
    assert "&lt;script&gt;" in text


@pytest.mark.usefixtures("run")
def test_every_reason_and_every_digest_is_on_the_page():
    text, summary = report()
    assert all(reason in text for row in summary["curation"] for reason in row["reasons"])
    statement = json.loads(Path("lineage/sft/statement.json").read_text())
    assert statement["subject"][0]["digest"]["sha256"] in text


@pytest.mark.usefixtures("run")
def test_same_inputs_same_bytes():
    assert report("one") == report("two")


@pytest.mark.usefixtures("run")
def test_a_run_without_evaluations_is_refused_and_nothing_is_written():
    with pytest.raises(BadInput, match="holds no evaluation"):
        main(Path("lineage"), Path("data"), Path("data"), Path("report/index.html"), Path("report/summary.json"),
             Path("report/headline.json"))
    assert not Path("report").exists()


def test_a_drawn_graph_leaves_out_edges_that_a_longer_way_implies():
    graph = {"a": frozenset(), "b": frozenset("a"), "c": frozenset("ab"), "d": frozenset("a")}
    assert reduced(graph)["c"] == frozenset("b")
    assert ordered(graph) == ["a", "b", "d", "c"]
    rows = layers_of(reduced(graph))
    assert all(rows[need] < rows[node] for node, needs in graph.items() for need in needs)


def test_a_drawn_graph_does_not_depend_on_the_order_of_its_nodes():
    graph = {"a": frozenset(), "b": frozenset("a"), "c": frozenset("ab"), "d": frozenset("a"), "e": frozenset("cd")}
    assert draw(graph, {}, "t", "k") == draw(dict(reversed(graph.items())), {}, "t", "k")
