"""Write docs/schema and the lists of docs/json.md from the keys that types of results declare.

python docs/make_schema.py

What a key means is written in json.md, behind its type and a colon, and is kept. A key that
is not there is added, to be filled in.
"""

import json
import re
import typing
from functools import cache, reduce
from operator import or_
from pathlib import Path
from types import NoneType, UnionType
from typing import Any

from msgspec import defstruct
from msgspec.json import schema_components

from ragqa.index import StorePlace
from ragqa.lookup import NotePart
from ragqa.related import NearNote, RelatedNotes
from ragqa.render import parsed
from ragqa.saved import Verification
from ragqa.status import IndexStatus, LlmChoice
from ragqa.types import (
    DOCUMENT_VERSION,
    Answer,
    Hit,
    IndexInfo,
    IndexReport,
    NoteList,
    NoteRecord,
    SearchResult,
    Skipped,
    Written,
    WrittenSentence,
)

DOCS = Path(__file__).parent
PAGE = DOCS / "json.md"
DOCUMENTS: dict[str, tuple[str, type]] = {
    "ask": ("ask", Answer),
    "search": ("search", SearchResult),
    "related": ("search --related", RelatedNotes),
    "get": ("get", NotePart),
    "index": ("index", IndexReport),
    "status": ("status", IndexStatus),
    "list": ("list", NoteList),
    "verify": ("verify", Verification),
}
"""The command that prints each document, and the type of its result, by the name of its schema."""

_PARTS: dict[type, str] = {
    Hit: "Passage", IndexInfo: "Index", LlmChoice: "Choice", NearNote: "Related",
    NoteRecord: "Note", Skipped: "Remark", StorePlace: "Store", Written: "Llm",
    WrittenSentence: "Sentence",
}  # fmt: skip
"""Types of results that the page calls by another name."""

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


@cache
def _json(kind: Any) -> Any:  # noqa: ANN401 - any type
    """A type as JSON has it: a result has the keys that it declares."""
    if arguments := typing.get_args(kind):
        of = [argument if argument is ... else _json(argument) for argument in arguments]
        is_union = typing.get_origin(kind) in (typing.Union, UnionType)
        return reduce(or_, of) if is_union else typing.get_origin(kind)[tuple(of)]
    if not hasattr(kind, "JSON"):
        return kind
    fields: list[Any] = []
    for key, attributes, may_be_null, may_lack in parsed(kind.JSON):
        value = reduce(_attribute, attributes, kind)
        if may_lack:
            fields.append((key, _json(reduce(or_, _without_none(value))), None))
        else:
            fields.append((key, _json(value | None if may_be_null else value)))
    return defstruct(_PARTS.get(kind, kind.__name__), fields, kw_only=True)


def _attribute(kind: Any, name: str) -> Any:  # noqa: ANN401 - any type
    """The type of an attribute; it may be None where what has it may."""
    owners = _without_none(kind)
    declared = getattr(owners[0], name, None)
    about = declared.fget if isinstance(declared, property) else owners[0]
    hints = typing.get_type_hints(about)
    value = hints["return" if isinstance(declared, property) else name]
    return value | None if NoneType in typing.get_args(kind) else value


def _without_none(kind: Any) -> list[Any]:  # noqa: ANN401 - any type
    is_union = typing.get_origin(kind) in (typing.Union, UnionType)
    return [of for of in typing.get_args(kind) if of is not NoneType] if is_union else [kind]


def _schema(command: str, kind: type, said: dict[str, dict[str, str]]) -> Schema:
    shape = _json(kind)
    _, parts = schema_components(
        [shape], ref_template="#/$defs/{name}", schema_hook={Path: {"type": "string"}}.__getitem__
    )
    enums = {name: parts.pop(name)["enum"] for name in list(parts) if "enum" in parts[name]}
    whole = {f"ragqa {command} --json": parts.pop(shape.__name__)}
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
    """The name of a part as the page has it: `ShortAnswer` is a short_answer."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


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
