"""The report page, as a Jinja2 template with autoescaping. No script, no request: a policy in the page forbids both.

Text and not a file, so that the stage's code dependencies are exactly its imports.
"""

STYLE = """
:root{--ink:#1c2430;--soft:#5b6675;--page:#fbfaf7;--card:#fff;--rule:#dcd9d0;--accent:#1f5f8b;--kept:#2f7d5b;
--merged:#b9892b;--dropped:#b0483f;--on:#fff;color-scheme:light dark}
@media(prefers-color-scheme:dark){:root{--ink:#e4e7ec;--soft:#9aa5b4;--page:#14181e;--card:#1b2129;--rule:#323b47;
--accent:#7ab8e0;--kept:#4fa37d;--merged:#d1a548;--dropped:#d0706a;--on:#10151b}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.6 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:1180px;margin:0 auto;padding:2.5rem 1.25rem 4rem}
h1{font-size:2rem;line-height:1.2;margin:0 0 .4rem;letter-spacing:-.01em}
h2{font-size:1.35rem;margin:3rem 0 .6rem;padding-top:1.2rem;border-top:1px solid var(--rule)}
h3{font-size:1rem;margin:1.6rem 0 .4rem}
p{max-width:44rem;margin:.4rem 0 1rem}.soft{color:var(--soft)}
a{color:var(--accent)}.skip{position:absolute;left:-99rem}.skip:focus{left:1rem}
.scroll{overflow-x:auto;margin:.6rem 0 1.2rem;border:1px solid var(--rule);border-radius:8px;background:var(--card)}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:.87rem}
th,td{padding:.5rem .6rem;text-align:right;border-bottom:1px solid var(--rule);vertical-align:top}
tr:last-child td,tr:last-child th{border-bottom:0}
th:first-child,td:first-child,.left{text-align:left}
thead th{font-weight:600;color:var(--soft);vertical-align:bottom}
tbody th{font-weight:600;white-space:nowrap}
td small{display:block;color:var(--soft);font-size:.78rem;white-space:nowrap}
td.left small{white-space:normal;min-width:7rem}
code{font:.85em ui-monospace,SFMono-Regular,Menlo,monospace}.digest{word-break:break-all}
pre{background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:.9rem 1rem;overflow-x:auto}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,300px),1fr));gap:1rem;margin:1rem 0}
figure{margin:0;padding:.8rem;border:1px solid var(--rule);border-radius:8px;background:var(--card)}
figcaption{font-size:.88rem;font-weight:600;margin-bottom:.3rem}
svg{max-width:100%;height:auto;display:block}.grid svg{width:100%}
.wide svg{max-width:none;margin:0 auto}.wide{padding:.6rem}
svg text{font:11px system-ui,-apple-system,"Segoe UI",sans-serif;fill:var(--soft)}
svg .value{fill:var(--ink);font-weight:600;paint-order:stroke;stroke:var(--card);stroke-width:3px}
svg .tick{font-size:10px}svg .rule{stroke:var(--rule)}
svg .line{fill:none;stroke:var(--accent);stroke-width:1.6}
svg .whisker{stroke:var(--accent);stroke-width:1.2;opacity:.55}
svg .dot{fill:var(--accent)}svg .edge{fill:none;stroke:var(--soft);stroke-width:1.1;opacity:.75}
svg .box{fill:var(--card);stroke:var(--rule);stroke-width:1.2}svg .name{fill:var(--ink);font-size:12px;font-weight:600}
svg .kept{fill:var(--kept)}svg .merged{fill:var(--merged)}svg .dropped{fill:var(--dropped)}
svg .on{fill:var(--on);font-weight:600}
.bar{margin:.2rem 0 .8rem}.key{display:inline-block;width:.8em;height:.8em;border-radius:2px;margin:0 .3em 0 .9em}
.pass{color:var(--kept);font-weight:600}.regression{color:var(--dropped);font-weight:600}
@media(max-width:480px){main{padding:1.5rem .9rem 3rem}h1{font-size:1.55rem}th,td{padding:.4rem .5rem}}
@media print{:root{--ink:#000;--soft:#444;--page:#fff;--card:#fff;--rule:#bbb;--accent:#124}
main{max-width:none;padding:0}.scroll{overflow:visible}.wide svg{max-width:100%}h2{break-after:avoid}
figure,tr{break-inside:avoid}table{font-size:.72rem}th,td{padding:.25rem .35rem}.skip{display:none}}
"""

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Pedigree: what was built, and from what</title>
<style>{{ style }}</style>
</head>
<body>
<a class="skip" href="#checkpoints">Skip to the checkpoints</a>
<svg width="0" height="0" style="position:absolute" aria-hidden="true"><defs><marker id="arrow" viewBox="0 0 8 8"
 refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto">
<path d="M0 0L8 4L0 8z" fill="#8a93a0"/></marker></defs></svg>
<main>
<h1>What was built, and from what</h1>
<p class="soft">{{ summary.checkpoints | length }} checkpoints from {{ first_in }} records of the lake,
by {{ runs | length }} recorded stages. This page is made from the lineage, the ledgers and the evaluations; it proves
nothing by itself: <a href="#verify">how to verify</a> says what does.</p>

<h2 id="checkpoints">Checkpoints</h2>
<p>Perplexity: lower is better. All other scores: from 0 to 1, higher is better. Small print: 95&nbsp;% interval.
Held-out documents and questions, one seeded draw a prompt, scripted user turns. Judge win rate: how often the
rubric scores an answer above that of the checkpoint before, ties half.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Checkpoints"><table>
<thead><tr><th scope="col">Checkpoint</th>
{%- for label in labels.values() %}<th scope="col">{{ label }}</th>{% endfor -%}
<th scope="col">Judge win rate</th><th scope="col" class="left">Gate</th>
<th scope="col" class="left">Signed</th></tr></thead>
<tbody>
{% for row in rows -%}
<tr><th scope="row">{{ row.name }}</th>
{%- for column in labels %}<td>{{ row.metrics | score(column) }}<small>{{ row.metrics | interval(column) }}</small></td>
{%- endfor -%}
{% set rate = row.gate.judge_win_rate if row.gate else none %}
<td>{% if rate %}{{ rate.value | short }}<small>{{ rate.interval[0] | short }} to {{ rate.interval[1] | short }}</small>
{%- else %}none before{% endif %}</td>
<td class="left"><span class="{{ row.gate.verdict | replace(' ', '-') if row.gate else '' }}">
{{- row.gate.verdict if row.gate else "not gated" }}</span><small>{{ row.gate.reason if row.gate else "" }}</small></td>
<td class="left">{{ "yes" if row.attested else "no" }}</td></tr>
{% endfor -%}
</tbody></table></div>

<h3>Scores across checkpoints</h3>
<p class="soft">The same numbers as in the table. Bars: 95&nbsp;% interval.</p>
<div class="grid">{% for title, chart in score_charts %}<figure><figcaption>{{ title }}</figcaption>{{ chart }}</figure>
{% endfor %}</div>

{% if checks %}<h3>Gates</h3>
<p>Each checkpoint is compared with the one before on the same items (small
print: 95&nbsp;% interval). <em>No evidence</em> means that neither the bound
nor a loss beyond it could be shown with this many items; it is not a pass.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Gates"><table>
<thead><tr><th scope="col">Checkpoint</th><th scope="col" class="left">Check</th><th scope="col">Before</th>
<th scope="col">After</th><th scope="col">Change</th><th scope="col">Bound</th><th scope="col">Items</th>
<th scope="col">Detectable</th><th scope="col" class="left">Verdict</th></tr></thead>
<tbody>{% for name, check, found in checks %}
<tr><th scope="row">{{ name }}</th><td class="left">{{ check }}</td><td>{{ found.before | short }}</td>
<td>{{ found.after | short }}</td><td>{{ found | change }}<small>{{ found | change_interval }}</small></td>
<td>{{ found | bound }}</td><td>{{ found.n }}</td><td>{{ found | detectable }}</td>
<td class="left"><span class="{{ found.verdict | replace(' ', '-') }}">{{ found.verdict }}</span>
{%- if found.items_needed %}<small>{{ "{:,}".format(found.items_needed) }} items needed</small>{% endif %}</td></tr>
{% endfor %}</tbody></table></div>{% endif %}

<h2 id="pipeline">The pipeline</h2>
<p>Every recorded stage, from top to bottom, with how many documents or rows came out. An arrow means: needs.
Arrows that a longer way implies are left out.</p>
<div class="scroll wide" tabindex="0" role="region" aria-label="Graph of the stages">{{ dag }}</div>

<h2 id="curation">What curation dropped, and why</h2>
<p>Every input of every step is in its ledger exactly once; <code>curation.html</code> beside this page shows the flow
and quotes examples.
<span class="key" style="background:var(--kept)"></span>kept
<span class="key" style="background:var(--merged)"></span>merged into another
<span class="key" style="background:var(--dropped)"></span>dropped (always in this order)</p>
{% for entry, bar, reasons, sources in curation %}
<h3>{{ entry.stage }}: {{ "{:,}".format(entry.total) }} in, {{ "{:,}".format(entry.kept) }} kept</h3>
<div class="bar">{{ bar }}</div>
<div class="scroll" tabindex="0" role="region" aria-label="Decisions of {{ entry.stage }}"><table>
<thead><tr><th scope="col">Reason</th><th scope="col" class="left">Meaning</th>
<th scope="col" class="left">Decision</th><th scope="col">All</th>
{%- for source in sources %}<th scope="col">{{ source }}</th>{% endfor %}</tr></thead>
<tbody>{% for reason, meaning, decision, total, counts in reasons %}
<tr><th scope="row">{{ reason }}</th><td class="left">{{ meaning }}</td><td class="left">{{ decision }}</td>
<td>{{ "{:,}".format(total) }}</td>{% for count in counts %}<td>{{ "{:,}".format(count) if count else "" }}</td>
{%- endfor %}</tr>{% endfor %}</tbody></table></div>
{% else %}<p>No ledger was found.</p>{% endfor %}

<h2 id="training">Training</h2>
{% if curve_charts %}<div class="grid">
{% for title, chart in curve_charts %}<figure><figcaption>{{ title }}</figcaption>{{ chart }}</figure>{% endfor %}</div>
<div class="scroll" tabindex="0" role="region" aria-label="Training curves"><table><thead><tr><th scope="col">Stage</th>
<th scope="col">Steps</th><th scope="col">First loss</th><th scope="col">Last loss</th></tr></thead><tbody>
{% for curve in curves if curve.steps %}<tr><th scope="row">{{ curve.name }}</th>
<td>{{ "{:,.0f}".format(curve.steps[-1]) }}</td>
<td>{{ curve.losses[0] | short }}</td><td>{{ curve.losses[-1] | short }}</td></tr>{% endfor %}
</tbody></table></div>{% else %}<p>No training curve was found.</p>{% endif %}

<h2 id="lineage">Lineage</h2>
<p>The sha256 of each stage's statement and of what it made. A folder's digest is the sha256 of its sorted
<code>sha256sum</code> list, which lies beside the statement.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Lineage digests"><table>
<thead><tr><th scope="col">Stage</th><th scope="col" class="left">Made</th><th scope="col" class="left">sha256</th></tr>
</thead><tbody>{% for stage, run in runs %}
<tr><th scope="row">{{ stage }}</th><td class="left">statement</td>
<td class="left digest"><code>{{ run.sha256 }}</code></td></tr>
{%- for path, digest in run.products | dictsort %}
<tr><td></td><td class="left"><code>{{ path }}</code></td><td class="left digest"><code>{{ digest }}</code></td></tr>
{%- endfor %}{% endfor %}</tbody></table></div>

<h2 id="verify">How to verify</h2>
<p>From the repository, for each checkpoint; it lists what it checked, what failed, and what it could not check:</p>
<pre><code>{% for row in rows %}pedigree verify {{ models }}/{{ row.name }}
{% endfor %}</code></pre>
<p>Without this project, for one product of one stage:</p>
<pre><code>cd {{ example.folder }} &amp;&amp; sha256sum -c {{ example.manifest }}</code></pre>
<p>What this cannot show: that the text of the lake is true, that a person with the key told the truth about the
machine, or that the scores carry over to other questions.</p>
</main>
</body>
</html>
"""
