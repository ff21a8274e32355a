"""The curation page, as a Jinja2 template with autoescaping. No script, no request: a policy in it forbids both."""

HUES = (205, 150, 35, 265, 95, 330, 185, 15, 235, 60, 300, 120)

STYLE = "".join(f"svg .s{number}{{fill:hsl({hue} 42% 55%);fill-opacity:.62}}" for number, hue in enumerate(HUES)) + """
svg .loss{fill-opacity:.38}
.warn{border-left:4px solid var(--dropped);padding:.5rem .9rem;background:var(--card);max-width:44rem}
blockquote{margin:.3rem 0 .2rem;padding-left:.8rem;border-left:3px solid var(--rule);overflow-wrap:anywhere}
.example{margin:.7rem 0 1rem;max-width:60rem}.example p{margin:0;max-width:none}
td.all{background:var(--dropped);color:var(--on)}
"""

PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Pedigree: what curation did</title>
<style>{{ style }}</style>
</head>
<body>
<a class="skip" href="#survival">Skip to the sources</a>
<main>
<h1>What curation did</h1>
<p class="soft">{{ "{:,.0f}".format(flows[0].total(none, "documents")) }} files and records came in,
{{ "{:,.0f}".format(flows[-1].total("", "documents")) }} documents went on to training or were held out.
Every input of every step is in its ledger exactly once.</p>
<p class="warn"><strong>Internal.</strong>
{% if params.quote_unredacted %}The examples below quote documents as they were before personal data was replaced.
{%- else %}The examples below name files of the lake, and quote only text in which personal data was replaced.
{%- endif %} Documents refused for rights, embargo or compliance are not quoted. This page is for those who may read the
lake; hand out the data cards instead.</p>

<h2 id="documents">Documents</h2>
<p>Each bar is a step; what leaves below was merged into another document or dropped, by reason.</p>
<div class="scroll wide" tabindex="0" role="region" aria-label="Flow of documents">{{ documents }}</div>

<h2 id="tokens">Tokens</h2>
<p>The same in tokens of the chosen base model, from {{ "{:,}".format(params.token_sample_chars) }} characters of each
source at most. <em>{{ edited }}</em>: documents that were kept with less text, since a passage was a repetition.
Pseudonyms may be longer than the names they replace.</p>
<div class="scroll wide" tabindex="0" role="region" aria-label="Flow of tokens">{{ tokens }}</div>

<h2 id="survival">What is left of each source</h2>
<p>Documents after each step, and the share of what came in. The last column: tokens a character, where fewer means
that the tokenizer knows the source's words better.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Sources"><table>
<thead><tr><th scope="col">Source</th><th scope="col">In</th>
{%- for flow in flows %}<th scope="col">{{ flow.stage | replace("curate_", "") }}</th>{% endfor -%}
<th scope="col">Left</th><th scope="col">Tokens a character</th></tr></thead>
<tbody>{% for row in survival %}
<tr><th scope="row">{{ row.source }}</th><td>{{ "{:,}".format(row.arrived) }}</td>
{%- for count in row.after %}<td>{{ "{:,}".format(count) }}</td>{% endfor -%}
<td{% if not row.after[-1] %} class="all"{% endif %}>{{ "{:.0%}".format(row.after[-1] / row.arrived) }}</td>
<td>{{ "{:.3f}".format(row.rate) if row.rate else "" }}</td></tr>
{% endfor %}</tbody></table></div>

<h2 id="examples">Examples of what each rule took</h2>
<p>Some for each rule, the same ones on every run: those with the lowest hash of their key. A score is in
the unit of its reason.</p>
{% for stage, took in rules %}
<h3>{{ stage }}: {{ took.reason }}{% if took.rule %}, {{ took.rule }}{% endif %}</h3>
<p class="soft">{{ took.reason | explain }}: {{ "{:,}".format(took.documents) }} in all
{%- if took.examples | length < took.documents %}, {{ took.examples | length }} shown{% endif %}</p>
{% if took.withheld and took.examples %}<p>Not quoted: {{ took.withheld }}.</p>
{% endif %}
{%- for example in took.examples %}<div class="example"><p><code>{{ example.where }}</code> ({{ example.source }})
{%- if example.score is not none %}, score {{ "{:.3g}".format(example.score) }}{% endif %}
{%- if example.evidence %}: {{ example.evidence }}{% endif %}
{%- if example.kept_instead %}; kept instead: <code>{{ example.kept_instead }}</code>{% endif %}</p>
{% if example.excerpt %}<blockquote>{{ example.excerpt }}</blockquote>{% endif %}</div>
{% endfor %}{% else %}<p>Nothing was left out.</p>{% endfor %}
</main>
</body>
</html>
"""
