"""NIST OSCAL, XML or JSON: both become one shape, so that one catalogue in two formats is one text.

Parameters stand in the text as NIST prints them: `[Assignment: organization-defined frequency]`,
`[Selection (one or more): a; b]`. (OSCAL 1.1 reference, "Metaschema JSON/XML mappings"; SP 800-53 r5, 2.2.)
"""

import re
from collections.abc import Iterator
from typing import Any

NAMESPACE = "http://csrc.nist.gov/ns/oscal/1.0"
MARKUP = frozenset({"p", "ul", "ol", "table", "pre", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "img"})
"""Elements of prose."""
INSERT = re.compile(r"\{\{\s*(?:insert:\s*)?param[,:]?\s*([\w.\-]+)\s*\}\}")
DEEPEST_INSERT = 4
"""A selection may insert parameters whose selections insert others; a circle ends here."""
DEFINED = "organization-defined"
KEPT_METADATA = ("title", "version", "published", "last-modified", "remarks")
"""Of a document's metadata; roles, parties and addresses are about its makers."""


def is_oscal(value: Any) -> bool:
    """Is this parsed JSON an OSCAL document: one root object whose metadata names the OSCAL version."""
    if not isinstance(value, dict) or len(value) > 2:
        return False
    return any(isinstance(root, dict) and isinstance(root.get("metadata"), dict)
               and "oscal-version" in root["metadata"] for root in value.values())


def simplified(value: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """The document without what serves machines, its parameters put in; and the date it names."""
    root = next(item for item in value.values() if isinstance(item, dict))
    metadata = {name: root["metadata"][name] for name in KEPT_METADATA if name in root["metadata"]}
    published = metadata.pop("published", None) or metadata.pop("last-modified", None)
    metadata.pop("last-modified", None)
    params: dict[str, dict[str, Any]] = {}
    _gather(root, params)
    body = {name: item for name, item in root.items() if name != "metadata"}
    return {**metadata, **_filled(body, params)}, str(published) if published else None


def _gather(value: Any, params: dict[str, dict[str, Any]]) -> None:
    """Every parameter of the document by its id."""
    if isinstance(value, dict):
        for param in value.get("params", []) if isinstance(value.get("params"), list) else []:
            if isinstance(param, dict) and isinstance(param.get("id"), str):
                params[param["id"]] = param
        for item in value.values():
            _gather(item, params)
    elif isinstance(value, list):
        for item in value:
            _gather(item, params)


def _filled(value: Any, params: dict[str, dict[str, Any]]) -> Any:
    if isinstance(value, str):
        return INSERT.sub(lambda found: _param(found[1], params, DEEPEST_INSERT), value)
    if isinstance(value, list):
        return [_filled(item, params) for item in value]
    if isinstance(value, dict):
        filled = {name: _filled(item, params) for name, item in value.items() if name != "params"}
        related = _related(value)
        if related:  # a part of its own behind the others
            filled["parts"] = [*(filled.pop("parts", None) or []), {"name": "related controls", "prose": related}]
        return filled
    return value


def _related(value: dict[str, Any]) -> str:
    """The controls an object links to, as the catalogue prints them; "" for none."""
    links = value.get("links")
    if not isinstance(links, list):
        return ""
    targets = [str(link.get("href", "")) for link in links if isinstance(link, dict) and link.get("rel") == "related"]
    names = [_control(target[1:]) for target in targets if re.fullmatch(r"#[a-z]{2}-[0-9.]+", target)]
    return ", ".join(names)


def _control(ident: str) -> str:
    """`ac-2.1` -> `AC-2(1)`."""
    base, _, enhancement = ident.partition(".")
    return base.upper() + (f"({enhancement})" if enhancement else "")


def _param(ident: str, params: dict[str, dict[str, Any]], left: int) -> str:
    param = params.get(ident)
    if param is None or left == 0:
        return f"[Assignment: {DEFINED} value]"
    values = param.get("values")
    if isinstance(values, list) and values:
        return ", ".join(map(str, values))
    select = param.get("select")
    if isinstance(select, dict):
        many = "one or more" if select.get("how-many") == "one-or-more" else "one"
        choices = [" ".join(INSERT.sub(lambda found: _param(found[1], params, left - 1), str(choice)).split())
                   for choice in select.get("choice", [])]
        return f"[Selection ({many}): {'; '.join(choices)}]"
    name = str(param.get("label") or "value")
    return f"[Assignment: {name if name.startswith(DEFINED) else f'{DEFINED} {name}'}]"


def as_json(root: Any) -> dict[str, Any]:
    """An OSCAL XML document in the shape of OSCAL JSON."""
    return {_name(root): _object(root)}


def _object(element: Any) -> Any:
    """Attributes and children by name; children that may repeat are lists, prose is Markdown."""
    children = [child for child in element if isinstance(child.tag, str)]
    found: dict[str, Any] = dict(element.attrib)
    prose = [child for child in children if _name(child) in MARKUP]
    if prose:
        found["prose" if _name(element) in ("part", "control", "group") else "text"] = prose_of(prose)
    for child in children:
        name = _name(child)
        if name in MARKUP:
            continue
        value = _value(child)
        if name in LISTED:
            found.setdefault(LISTED[name], []).append(value)
        elif isinstance(found.get(name), list):
            found[name].append(value)
        elif name in found:
            found[name] = [found[name], value]
        else:
            found[name] = value
    if set(found) == {"text"}:
        return found["text"]
    return found


def _value(element: Any) -> Any:
    if _name(element) in FLAGS or len(element.attrib) or any(_name(child) not in INLINE for child in element
                                                             if isinstance(child.tag, str)):
        if _name(element) == "select":
            return {"how-many": element.get("how-many", "one"),
                    "choice": [inline(child) for child in element if _name(child) == "choice"]}
        return _object(element)
    return inline(element)


def prose_of(elements: list[Any]) -> str:
    """Prose elements as Markdown paragraphs."""
    return "\n\n".join(block for element in elements for block in _prose(element))


def _prose(element: Any) -> Iterator[str]:
    name = _name(element)
    if name in ("ul", "ol"):
        marks = (f"{number}." if name == "ol" else "-" for number, _ in enumerate(element, start=1))
        yield "\n".join(f"{mark} {inline(item)}" for mark, item in zip(marks, element, strict=True))
    elif name == "table":
        yield "\n".join(f"| {' | '.join(inline(cell) for cell in row)} |" for row in element.iter("{*}tr"))
    elif name != "img" and (text := inline(element)):
        yield text


def inline(element: Any) -> str:
    """Mixed content in one line; a parameter as OSCAL JSON writes it."""
    return " ".join("".join(_pieces(element)).split())


def _pieces(element: Any) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if isinstance(child.tag, str):
            if _name(child) == "insert":
                yield f"{{{{ insert: param, {child.get('id-ref', '')} }}}}"
            else:
                yield from _pieces(child)
        yield child.tail or ""


def _name(element: Any) -> str:
    return str(element.tag).rsplit("}", 1)[-1]


INLINE = frozenset({"em", "strong", "i", "b", "code", "q", "sub", "sup", "a", "insert", "img"})
FLAGS = frozenset({"prop", "link", "part", "control", "group", "param", "metadata", "back-matter", "select"})
"""Elements that are objects in JSON even when they hold nothing."""
LISTED = {
    "prop": "props", "link": "links", "part": "parts", "control": "controls", "group": "groups", "param": "params",
    "guideline": "guidelines", "resource": "resources", "component": "components", "statement": "statements",
    "implemented-requirement": "implemented-requirements", "control-implementation": "control-implementations",
    "by-component": "by-components", "role": "roles", "party": "parties", "rlink": "rlinks",
    "document-id": "document-ids", "observation": "observations", "risk": "risks", "finding": "findings",
    "import": "imports", "alter": "alters", "add": "adds", "set-parameter": "set-parameters",
    "responsible-role": "responsible-roles", "user": "users", "inventory-item": "inventory-items"}
"""Elements that JSON gathers in a list under a plural key."""
