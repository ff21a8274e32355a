"""Stage `evaluate`: perplexities and task scores of one checkpoint.

Reads   --checkpoint  a full model, or an adapter;  --on the full model an adapter sits on
        --documents   DOCUMENTS + `split`, `origin`; held-out domain documents are measured
        --general     DOCUMENTS + `split`; held-out documents are measured
        --items       EVAL_ITEMS;  --examples  EXAMPLES, the held-out ones
Writes  --out         answers table: one row per item and task (private text: cached, not in Git)
        --metrics     a dozen numbers, with intervals and n

Answers are greedy, the user turns of conversations are scripted. Nothing of a checkpoint decides what
it is asked.
"""

from pathlib import Path
from typing import cast

import polars as pl
from transformers import PreTrainedModel

from pipeline.evals.metrics import metrics as summarise
from pipeline.evals.questions import Question, conversations, held_out_documents, questions
from pipeline.evals.respond import Respondent
from pipeline.evals.rows import answer_row
from pipeline.evals.tasks import citation, multi_turn, perplexity, refusal, rubric
from pipeline.evals.tasks import format as answer_format
from pipeline.lm.determinism import configure, numeric_platform
from pipeline.lm.load import is_adapter, load_policy, load_tokenizer
from pipeline.schema.env import Env
from pipeline.schema.eval_answers import ANSWERS
from pipeline.schema.evaluate import Evaluate
from pipeline.stage.outputs import output_dir, write_json
from pipeline.stage.params import load_section
from pipeline.stage.run import run_stage
from pipeline.tables.parquet import read_table, write_table
from pipeline.text.answers import prompt_messages, render_prompt

VERSIONS = {"perplexity": perplexity.VERSION, "format": answer_format.VERSION, "citation": citation.VERSION,
            "refusal": refusal.VERSION, "rubric": rubric.VERSION, "multi_turn": multi_turn.VERSION}


def main(checkpoint: Path, on: Path, documents: Path, general: Path, items: Path, examples: Path, out: Path,
         metrics: Path, params: Evaluate) -> dict[str, object]:
    """Ask `checkpoint` everything; write what it answered and what that scored."""
    configure(params.seed, load_section(Env, "env").threads)
    model = cast(PreTrainedModel, load_policy(checkpoint, on))  # an adapter passes everything on to its model
    respondent = Respondent(model, load_tokenizer(on if is_adapter(checkpoint) else checkpoint), params)
    authored, held = read_table(items), read_table(examples)
    rows = [
        *perplexity_rows(respondent, read_table(documents), read_table(general), authored),
        *question_rows(respondent, questions(authored, held, params)),
        *multi_turn.rows(respondent, conversations(authored, held, params)),
    ]
    table = pl.DataFrame(rows, schema=ANSWERS)
    with output_dir(out) as folder:
        write_table(table, folder, ["item_id", "task"], ANSWERS)
    write_json(metrics, summarise(table, params))
    return {"platform": numeric_platform(), "tasks": VERSIONS,
            "decoding": {"temperature": params.temperature, "top_p": params.top_p}}


def perplexity_rows(respondent: Respondent, documents: pl.DataFrame, general: pl.DataFrame,
                    items: pl.DataFrame) -> list[dict[str, object]]:
    """Held-out domain documents; held-out general documents and the authored general items."""
    params = respondent.params
    in_domain = held_out_documents(documents.filter(origin="domain"), "documents", params)
    english = held_out_documents(general, "general text", params)
    english |= dict(items.filter(task="general").sort("item_id").select("item_id", "text").iter_rows())
    return [*perplexity.rows(respondent, "in_domain_perplexity", in_domain),
            *perplexity.rows(respondent, "general_perplexity", english)]


def question_rows(respondent: Respondent, asked: list[Question]) -> list[dict[str, object]]:
    """Each question once, its answer scored by every single-turn task."""
    answers = respondent.answer([prompt_messages(item.passages, item.question) for item in asked],
                                respondent.params.max_new_tokens)
    rows = []
    for item, answer in zip(asked, answers, strict=True):
        scored = {"format": answer_format.score(answer), "citation": citation.score(item, answer),
                  "refusal": refusal.score(item, answer), "rubric": rubric.score(item, answer)}
        prompt = render_prompt(item.passages, item.question)
        rows += [answer_row(item.item_id, task, prompt, answer, found) for task, found in scored.items()]
    return rows


if __name__ == "__main__":
    run_stage(main, Evaluate)
