"""Write docs/schema and the lists of docs/json.md from the declarations of the JSON documents.

python docs/make_schema.py

What a key means is written in json.md, behind its type and a colon, and is kept. A key that
is not there is added, to be filled in.
"""

import json
import re
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.json import schema_components

from ragqa.render import documents
from ragqa.render.explanations import JsonVerification
from ragqa.render.overviews import JsonStatus
from ragqa.types import DOCUMENT_VERSION

DOCS = Path(__file__).parent
PAGE = DOCS / "json.md"
DOCUMENTS: dict[str, tuple[str, type[Struct]]] = {
    "ask": ("ask", documents.JsonAnswer),
    "search": ("search", documents.JsonSearch),
    "related": ("search --related", documents.JsonRelated),
    "get": ("get", documents.JsonPart),
    "index": ("index", documents.JsonReport),
    "status": ("status", JsonStatus),
    "list": ("list", documents.JsonList),
    "verify": ("verify", JsonVerification),
}
"""The command that prints each document, and its declaration, by the name of its schema."""

_KEY = re.compile(r"^- `([^`]+)` \(.*?\): (.*)$", re.MULTILINE)
_SECTION = re.compile(r"^(##+) ([^\n]+)\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)
_LIST = re.compile(r"(?:^- .*\n)+", re.MULTILINE)
_WORDS = {"string": "string", "integer": "whole number", "number": "number", "boolean": "boolean"}

Schema = dict[str, Any]


def schemas() -> dict[str, str]:
    """The text of each schema, by its name."""
    said = meanings(PAGE.read_text(encoding="utf-8"))
    return {
        name: json.dumps(_schema(command, kind, said), indent=2) + "\n"
        for name, (command, kind) in DOCUMENTS.items()
    }


def page() -> str:
    """The page with its lists as the declarations are."""
    text = PAGE.read_text(encoding="utf-8")
    said, lists = meanings(text), dict[str, str]()
    for command, kind in DOCUMENTS.values():
        schema = _schema(command, kind, said)
        parts = {f"ragqa {command} --json": schema, **schema["$defs"]}
        lists |= {name: _list(part) for name, part in parts.items()}

    def section(found: re.Match[str]) -> str:
        level, title, body = found.groups()
        if title in lists:
            body = _LIST.sub(lambda _: lists.pop(title), body, count=1)
        elif level == "###":
            return ""  # a part that no document has any more
        return f"{level} {title}\n{body}"

    made = _SECTION.sub(section, text)
    return made + "".join(f"\n### {title}\n\n{keys}" for title, keys in lists.items())


def meanings(text: str) -> dict[str, dict[str, str]]:
    """What the page says of each key, by the section that it is in."""
    return {found[2]: dict(_KEY.findall(found[3])) for found in _SECTION.finditer(text)}


def _schema(command: str, kind: type[Struct], said: dict[str, dict[str, str]]) -> Schema:
    _, parts = schema_components([kind], ref_template="#/$defs/{name}")
    enums = {name: parts.pop(name)["enum"] for name in list(parts) if "enum" in parts[name]}
    whole = {f"ragqa {command} --json": parts.pop(kind.__name__)}
    whole |= {_name(name): part for name, part in parts.items()}
    for title, part in whole.items():
        meant = said.get(title, {})
        for key in ("title", "description"):
            part.pop(key, None)
        part["additionalProperties"] = False
        for key, value in part["properties"].items():
            value.pop("default", None)
            if meaning := meant.get(key):
                value["description"] = meaning
    (title, document), *shared = whole.items()
    version = {"const": DOCUMENT_VERSION}
    made = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"What {title} prints",
        **document,
        "required": ["version", *document["required"]],
        "properties": {"version": version, **document["properties"]},
        "$defs": dict(shared),
    }
    text = json.dumps(made)
    for name, values in enums.items():
        text = text.replace(f'"$ref": "#/$defs/{name}"', f'"enum": {json.dumps(values)}')
    text = re.sub(r"#/\$defs/(\w+)", lambda ref: f"#/$defs/{_name(ref[1])}", text)
    schema: Schema = json.loads(text)
    return schema


def _name(name: str) -> str:
    """The name of a part as the page has it: `_ShortAnswer` is a short_answer."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.lstrip("_")).lower()


def _list(part: Schema) -> str:
    """The keys of a part but the version."""
    lines = ""
    for key, value in part["properties"].items():
        if key != "version":
            may_lack = "" if key in part["required"] else "optional "
            said = f": {value['description']}" if "description" in value else ""
            lines += f"- `{key}` ({may_lack}{_type(value)}){said}\n"
    return lines


def _type(value: Schema) -> str:
    """What a key holds, in words."""
    match value:
        case {"$ref": ref}:
            name = ref.rpartition("/")[2]
            return f"[{name}](#{name})"
        case {"const": constant}:
            return f"`{json.dumps(constant)}`"
        case {"enum": values}:
            return ", ".join(f"`{json.dumps(one)}`" for one in values)
        case {"anyOf": [first, {"type": "null"}]}:
            return f"{_type(first)} or null"
        case {"prefixItems": [first, _]}:
            return f"two {_type(first)}s"
        case {"type": "array", "items": items}:
            return f"list of {_type(items)}"
        case {"type": "object", "additionalProperties": items}:
            return f"object of {_type(items)}s"
    return _WORDS[value["type"]]


if __name__ == "__main__":
    for name, schema in schemas().items():
        (DOCS / "schema" / f"{name}.json").write_text(schema, encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")
