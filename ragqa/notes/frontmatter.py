"""Front matter: YAML between two lines of `---` at the top of a note."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import yaml

from ragqa.notes.properties import Positions, properties_of, property_blocks
from ragqa.types import Block

MAX_FRONT_MATTER_CHARS = 64_000
MAX_DEPTH = 20
MAX_TITLE_CHARS = 300

DATE_KEYS = (
    "updated", "lastupdated", "updatedat", "dateupdated",
    "modified", "lastmodified", "modifiedat", "datemodified", "lastmod", "lastedited",
    "date", "published", "publishdate", "datepublished",
    "created", "createdat", "datecreated",
)  # fmt: skip
"""The first key present counts, so a revised note is as new as its revision. The words of a key may
be separated by spaces, hyphens or underscores."""

_NAMES = frozenset({"title", "aliases", "alias"})
_COMMON = _NAMES | {"tags", "tag", "excalidraw-plugin"}

# The base loader reads every scalar as text: `no` stays a word, `2024-02-30` and a number of
# 100,000 digits are harmless, and no tag creates an object.
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)

_FENCE = re.compile(r"---[ \t]*(?:\r\n|\r|\n)")
_CLOSING = re.compile(r"(?:(?<=\n)|(?<=\r))(?:---|\.\.\.)[ \t]*(?:\r\n|\r|\n|\Z)")
_KEY = re.compile(r"(?:[ \t]*(?:#[^\r\n]*)?[\r\n])*[ \t]*[\w\"'][\w \"'.-]{0,80}:(?:\s|\Z)")
# A top-level key with a value that YAML would not read as text unquoted.
_UNQUOTED = re.compile(
    r"^([\w-]+:[ \t]+)(?![\"'\[|>])(\S.*?:(?: .*?)?|[{@`%].*?)[ \t]*$", re.MULTILINE
)
_DATE = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The fields that ragqa keeps; `end` is the character offset of the body.

    `blocks` are its key-value pairs in place; there are none if it has only a title, aliases, tags
    and dates.
    """

    end: int = 0
    title: str = ""
    aliases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    date: str = ""
    blocks: tuple[Block, ...] = ()
    warnings: tuple[str, ...] = ()
    properties: tuple[tuple[str, str], ...] = ()


class _Refused(Exception):
    """The front matter cannot be used, for the reason given."""


def read_front_matter(text: str) -> FrontMatter:
    """Read the front matter of a note; if it is invalid, warn and continue without it."""
    opening = _FENCE.match(text)
    if opening is None:
        return FrontMatter()
    is_flow = text.startswith('{"', opening.end())
    looks_right = is_flow or _KEY.match(text, opening.end()) is not None
    closing = _CLOSING.search(text, opening.end())
    if closing is None:
        missing = ("front matter without a closing `---` is read as text",)
        return FrontMatter(warnings=missing if looks_right else ())
    source = text[opening.end() : closing.start()]
    if source.strip() and not looks_right:
        return FrontMatter(warnings=("no `key: value` between the first two `---`: read as text",))
    positions = Positions(source, source, opening.end())
    try:
        return _read(positions, closing.end())
    except _Refused as exc:
        return _repaired(positions, closing.end(), str(exc))


def _read(positions: Positions, end: int) -> FrontMatter:
    node, tree = _load(positions.source)
    fields = _fields(tree, end)
    if node is None or all(map(_is_common, tree)):
        return fields
    return replace(fields, blocks=property_blocks(node, positions, names=_NAMES))


def _is_common(key: object) -> bool:
    """Whether nearly every note has this key; such keys are shown or searched elsewhere."""
    return isinstance(key, str) and (key.strip().lower() in _COMMON or _folded(key) in DATE_KEYS)


def _folded(key: str) -> str:
    return re.sub(r"[\s_-]", "", key).lower()


def _repaired(positions: Positions, end: int, reason: str) -> FrontMatter:
    """Quote values that are invalid YAML, such as `title: Retries: what we decided`."""
    quoted = _UNQUOTED.sub(
        lambda line: line[1] + json.dumps(line[2], ensure_ascii=False), positions.written
    )
    if quoted != positions.written:
        try:
            found = _read(replace(positions, source=quoted), end)
        except _Refused:
            pass
        else:
            warning = f"front matter is not valid YAML, so its values are read as text: {reason}"
            return replace(found, warnings=(warning, *found.warnings))
    return FrontMatter(end, warnings=(f"front matter is ignored: {reason}",))


def _load(source: str) -> tuple[yaml.Node | None, Mapping[object, object]]:
    if len(source) > MAX_FRONT_MATTER_CHARS:
        raise _Refused(f"longer than {MAX_FRONT_MATTER_CHARS:,} characters")
    loader = _LOADER(source)
    try:
        _check_events(source)
        node = loader.get_single_node()
        tree = {} if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as exc:
        line = exc.problem_mark.line + 2 if exc.problem_mark else 1
        raise _Refused(f"{exc.problem or 'invalid YAML'} (line {line})") from exc
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        raise _Refused("invalid YAML") from exc
    finally:
        loader.dispose()
    if not isinstance(tree, dict):
        raise _Refused("not a mapping of keys to values")
    return node, tree


def _check_events(source: str) -> None:
    """Refuse YAML that could blow up, before building a tree."""
    depth = 0
    for event in yaml.parse(source, Loader=_LOADER):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _Refused("it has anchors or aliases")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise _Refused(f"nested more than {MAX_DEPTH} deep")


def _fields(tree: Mapping[object, object], end: int) -> FrontMatter:
    keys = {key.strip().lower(): value for key, value in tree.items() if isinstance(key, str)}
    when, warnings = _date(keys)
    tags = (tag.removeprefix("#").strip() for tag in _listed(keys, "tags", "tag", split=r"[,\s]+"))
    return FrontMatter(
        end=end,
        title=_scalar(keys.get("title"))[:MAX_TITLE_CHARS].rstrip(),
        aliases=_listed(keys, "aliases", "alias", split=","),
        tags=tuple(dict.fromkeys(tag for tag in tags if tag)),
        date=when,
        warnings=warnings,
        properties=properties_of(tree),
    )


def _scalar(value: object) -> str:
    """A value on one line; "" if it is empty, null or not a scalar."""
    if not isinstance(value, str) or value in ("null", "~"):
        return ""
    return " ".join(value.split())


def _listed(keys: Mapping[str, object], *names: str, split: str) -> tuple[str, ...]:
    """The values of a field that is a list or a text with separators."""
    values: list[str] = []
    for name in names:
        value = keys.get(name)
        if isinstance(value, list):
            values += (_scalar(each) for each in value)
        else:
            values += (part.strip() for part in re.split(split, _scalar(value)))
    return tuple(dict.fromkeys(value for value in values if value))


def _date(keys: Mapping[str, object]) -> tuple[str, tuple[str, ...]]:
    """The date in ISO form, and a warning for each unreadable one."""
    warnings: list[str] = []
    written = {_folded(key): key for key in keys}
    for known in DATE_KEYS:
        key = written.get(known, known)
        value = _scalar(keys.get(key))
        if not value:
            continue
        match = _DATE.match(value)
        try:
            if match:
                return date(*map(int, match.groups())).isoformat(), tuple(warnings)
        except ValueError:
            pass
        warnings.append(f"{key} is not a date in the form YYYY-MM-DD: {value[:40]}")
    return "", tuple(warnings)
