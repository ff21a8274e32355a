"""The curation page, as a Jinja2 template with autoescaping. No script, no request: a policy in it forbids both."""

HUES = (205, 150, 35, 265, 95, 330, 185, 15, 235, 60, 300, 120)

STYLE = "".join(f"svg .s{number}{{fill:hsl({hue} 42% 55%);fill-opacity:.62}}" for number, hue in enumerate(HUES)) + """
svg .loss{fill-opacity:.38}
.warn{border-left:4px solid var(--dropped);padding:.5rem .9rem;background:var(--card);max-width:44rem}
blockquote{margin:.3rem 0 .2rem;padding-left:.8rem;border-left:3px solid var(--rule)}
h3,.example{overflow-wrap:anywhere}.example{margin:.7rem 0 1rem;max-width:60rem}.example p{margin:0;max-width:none}
svg .ideal{stroke:var(--soft);stroke-dasharray:4 3}.plot{max-width:30rem;margin:1rem 0}.plot svg{width:100%}
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

{% if quality %}<h2 id="quality">What the quality model's scores are worth</h2>
<p>Scores of documents by a model that did not learn from them. Of those with a score of 0.8, eight in ten should be of
the domain: then the dots lie on the dashed line. A larger dot stands for more of the weight; good and bad documents
weigh the same. Expected calibration error {{ "{:.4f}".format(quality.error) }}, Brier score
{{ "{:.4f}".format(quality.brier) }} (0 is best for both; a constant 0.5 has a Brier score of 0.25).</p>
<figure class="plot"><figcaption>Reliability: observed over predicted shares</figcaption>{{ reliability }}</figure>
<div class="scroll" tabindex="0" role="region" aria-label="Ranking"><table>
<thead><tr><th scope="col">What should score higher</th><th scope="col">AUC</th></tr></thead>
<tbody>{% for compared, value in quality.auc %}
<tr><td>{{ compared }}</td><td>{{ "{:.4f}".format(value) }}</td></tr>{% endfor %}
</tbody></table></div>
{% if quality.cuts %}<h3>The bottom share of each source</h3>
<p>Of the documents that came as far as the quality model and are long enough for it. Those below the cut go; what the
floor for all sources took is not counted again, so fewer may go than the share.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Cuts"><table>
<thead><tr><th scope="col">Source</th><th scope="col">Documents</th><th scope="col">Share to go, at most</th>
<th scope="col">Cut</th><th scope="col">Went</th></tr></thead>
<tbody>{% for row in quality.cuts %}
<tr><th scope="row">{{ row.source }}</th><td>{{ "{:,}".format(row.documents) }}</td>
<td>{{ "" if row.share is none else "{:.0%}".format(row.share) }}</td>
<td>{{ "none" if row.cut is none else "{:.4f}".format(row.cut) }}</td><td>{{ "{:,}".format(row.below) }}</td></tr>
{% endfor %}</tbody></table></div>{% endif %}{% endif %}

<h2 id="examples">Examples of what each rule took</h2>
<p>Some for each rule, the same ones on every run: those with the lowest hash of their key. A score is in
the unit of its reason.</p>
{% for stage, took in rules %}
<h3>{{ stage }}: {{ took.reason }}{% if took.rule %}, {{ took.rule }}{% endif %}</h3>
<p class="soft">{{ took.reason | explain }}: {{ "{:,}".format(took.documents) }} in all
{%- if took.examples | length < took.documents %}, {{ took.examples | length }} shown{% endif %}
{%- if took.withheld and took.examples %}; not quoted: {{ took.withheld }}{% endif %}</p>
{% for example in took.examples %}<div class="example"><p><code>{{ example.where }}</code> ({{ example.source }})
{%- if example.score is not none %}, score {{ "{:.3g}".format(example.score) }}{% endif %}
{%- if example.evidence %}: {{ example.evidence }}{% endif %}
{%- if example.kept_instead %}; kept instead: <code>{{ example.kept_instead }}</code>{% endif %}</p>
{% if example.excerpt %}<blockquote>{{ example.excerpt }}</blockquote>{% endif %}</div>
{% endfor %}{% else %}<p>Nothing was left out.</p>{% endfor %}
</main>
</body>
</html>
"""
