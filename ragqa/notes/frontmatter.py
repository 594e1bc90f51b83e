"""Front matter, YAML at the top of a note; properties, its keys and values and inline fields."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import yaml

from ragqa.notes.blocks import one_line
from ragqa.notes.dated import EDITED_KEYS, folded_key
from ragqa.text.dates import day_of
from ragqa.types import Block, Kind

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SEPARATORS = re.compile(r"[\W_]+")
_SECRET = re.compile(
    r"pass_?(?:w(?:or)?[dt]|phrase|code)|_pass(?:_|$)|(?:^|_)(?:pwd?|otp|pat|bearer)(?:_|$)"
    r"|(?:api|private|access|signing|ssh|encryption)_?key|recovery_?code"
    r"|secret(?!ar)|credential|tokens?(?:_|$)"
)
MAX_PROPERTIES = 500
MAX_PROPERTY_CHARS = 500

# Dataview's inline fields: `key:: value` on a line or in brackets.
_FIELD = re.compile(
    r"(?m)^[ \t>*+-]*(?:\[.\][ \t])?[*_]{0,3}(\w[\w -]{0,60}?)[*_]{0,3}::[ \t]+(\S[^\r\n]*)"
    r"|[\[(](\w[\w -]{0,60}?)::[ \t]+([^\])\r\n]{1,500})[\])]"
)
# What may separate the scalars of a list; anything else, such as a comment, is not quoted.
_SEPARATOR = re.compile(r"[\s:,\[\]?-]*")

MAX_FRONT_MATTER_CHARS = 64_000
MAX_DEPTH = 20
MAX_TITLE_CHARS = 300

DATE_KEYS = (
    *EDITED_KEYS,
    "date", "published", "publishdate", "datepublished",
    "created", "createdat", "datecreated",
)  # fmt: skip
"""The first key present counts, so a revised note is as new as its revision. The words of a key may
be separated by spaces, hyphens or underscores."""

_NAMES = frozenset({"title", "aliases", "alias"})
_COMMON = _NAMES | {"tags", "tag"}

# The base loader reads every scalar as text: `no` stays a word, `2024-02-30` and a number of
# 100,000 digits are harmless, and no tag creates an object.
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)

_FENCE = re.compile(r"---[ \t]*(?:\r\n|\r|\n)")
_CLOSING = re.compile(r"(?:(?<=\n)|(?<=\r))(?:---|\.\.\.)[ \t]*(?:\r\n|\r|\n|\Z)")
_KEY = re.compile(r"(?:[ \t]*(?:#[^\r\n]*)?[\r\n])*[ \t]*[\w\"'][\w \"'.-]{0,80}:(?:\s|\Z)")


def is_secret(key: str) -> bool:
    """Whether a key's name marks its value as a secret, however it is spelled."""
    words = _SEPARATORS.sub("_", _CAMEL.sub("_", key)).casefold()
    return _SECRET.search(words) is not None


def inline_fields(text: str, blocks: Iterable[Block]) -> Iterator[tuple[str, str]]:
    """The names and values of a note's inline fields."""
    for block in blocks:
        if block.kind in (Kind.PARAGRAPH, Kind.ITEM):
            matches = _FIELD.finditer(text, block.start, block.end)
            yield from _usable((match[1] or match[3], match[2] or match[4]) for match in matches)


def _usable(pairs: Iterable[tuple[str, object]]) -> Iterator[tuple[str, str]]:
    """The names and values of properties; what is nested or secret is left out."""
    for name, value in pairs:
        if isinstance(value, str) and value not in ("", "null", "~") and not is_secret(name):
            yield " ".join(name.split()), " ".join(value[:MAX_PROPERTY_CHARS].split())


def _property_blocks(root: yaml.Node, source: str, offset: int) -> Iterator[Block]:
    """The key-value pairs of a mapping as blocks, nested ones labelled with the parent keys.

    Those that name the note are rules. A value with a secret that cannot be separated is secret.

    :param source: the YAML, which begins at `offset` in the note.
    """
    for kind, start, end, keys in _pairs(root, (), source):
        name = source[start:end].partition(":")[0].strip(" \"'").lower()
        if kind is Kind.PROPERTY and not keys and name in _NAMES:
            kind = Kind.RULE
        end = start + len(source[start:end].rstrip())
        yield Block(kind, offset + start, offset + end, label=one_line(" > ".join(keys)))


_Pair = tuple[Kind, int, int, tuple[str, ...]]


def _pairs(node: yaml.Node, above: tuple[str, ...], source: str) -> Iterator[_Pair]:
    for key, value in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else ""
        start, end = key.start_mark.index, _end(value)
        is_empty = value.start_mark.index == value.end_mark.index
        if is_secret(name) or (not is_empty and _holds_secret(value)):
            yield Kind.SECRET, start, end, above
        elif is_empty:
            continue
        elif _is_flat(key, value, source) or getattr(value, "flow_style", False):
            yield Kind.PROPERTY, start, end, above
        else:
            yield from _within(value, (*above, name), source)


def _within(value: yaml.Node, above: tuple[str, ...], source: str) -> Iterator[_Pair]:
    """The contents of a value: pairs, or the items of a list, one by one."""
    if isinstance(value, yaml.MappingNode):
        yield from _pairs(value, above, source)
    elif isinstance(value, yaml.SequenceNode):
        for item in value.value:
            yield from _within(item, above, source)
    else:
        yield Kind.PROPERTY, value.start_mark.index, _end(value), above


def _is_flat(key: yaml.Node, value: yaml.Node, source: str) -> bool:
    """Whether a value is a scalar or a list of scalars, with only YAML punctuation between."""
    values = value.value if isinstance(value, yaml.SequenceNode) else [value]
    if not all(isinstance(node, yaml.ScalarNode) for node in (key, *values)):
        return False
    ends = [key.end_mark.index, *(_end(node) for node in values)]
    starts = [node.start_mark.index for node in values]
    return all(
        _SEPARATOR.fullmatch(source, end, start) for end, start in zip(ends, starts, strict=False)
    )


def _holds_secret(node: yaml.Node) -> bool:
    """Whether a value that is quoted as a whole contains a secret key."""
    if isinstance(node, yaml.ScalarNode):
        return False
    if isinstance(node, yaml.MappingNode):
        # The pairs of a block mapping are checked one by one.
        return bool(node.flow_style) and any(
            is_secret(str(key.value)) or _holds_secret(value) for key, value in node.value
        )
    return any(map(_holds_secret, node.value))


def _end(node: yaml.Node) -> int:
    """Where a node ends; a block collection ends with its last value."""
    if isinstance(node, yaml.ScalarNode) or getattr(node, "flow_style", False) or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(last[1] if isinstance(node, yaml.MappingNode) else last)


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """The fields that ragqa keeps; the body begins at `end`.

    `blocks` are its key-value pairs, unless all are a title, aliases, tags and dates.
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
    """Read the front matter of a note; an invalid one is text, unless it may name a secret."""
    opening = _FENCE.match(text)
    if opening is None:
        return FrontMatter()
    looks_right = text.startswith("{", opening.end()) or _KEY.match(text, opening.end()) is not None
    closing = _CLOSING.search(text, opening.end())
    if closing is None:
        missing = ("front matter without a closing `---` is read as text",)
        return FrontMatter(warnings=missing if looks_right else ())
    source = text[opening.end() : closing.start()]
    if source.strip() and not looks_right:
        return FrontMatter(warnings=("no `key: value` between the first two `---`: read as text",))
    try:
        node, tree = _load(source)
    except _Refused as exc:
        if is_secret(source):
            return FrontMatter(closing.end(), warnings=(f"front matter is left out: {exc}",))
        return FrontMatter(warnings=(f"front matter is read as text: {exc}",))
    blocks: tuple[Block, ...] = ()
    # Nearly every note has the common keys, which are shown or searched elsewhere.
    is_common = all(
        isinstance(key, str) and (key.strip().lower() in _COMMON or folded_key(key) in DATE_KEYS)
        for key in tree
    )
    if node is not None and not is_common:
        blocks = tuple(_property_blocks(node, source, opening.end()))
    return _fields(tree, closing.end(), blocks)


def _load(source: str) -> tuple[yaml.Node | None, Mapping[object, object]]:
    if len(source) > MAX_FRONT_MATTER_CHARS:
        raise _Refused(f"longer than {MAX_FRONT_MATTER_CHARS:,} characters")
    try:
        _check_events(source)
        node = yaml.compose(source, Loader=_LOADER)
        tree = {} if node is None else _LOADER("").construct_document(node)
    except yaml.MarkedYAMLError as exc:
        line = exc.problem_mark.line + 2 if exc.problem_mark else 1
        raise _Refused(f"{exc.problem or 'invalid YAML'} (line {line})") from exc
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        raise _Refused("invalid YAML") from exc
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


def _fields(tree: Mapping[object, object], end: int, blocks: tuple[Block, ...]) -> FrontMatter:
    keys = {key.strip().lower(): value for key, value in tree.items() if isinstance(key, str)}
    listed = ((str(key), it if isinstance(it, list) else [it]) for key, it in tree.items())
    when, warnings = _date(keys)
    tags = (tag.removeprefix("#").strip() for tag in _listed(keys, "tags", "tag", split=r"[,\s]+"))
    return FrontMatter(
        end=end,
        title=_scalar(keys.get("title"))[:MAX_TITLE_CHARS].rstrip(),
        aliases=_listed(keys, "aliases", "alias", split=","),
        tags=tuple(dict.fromkeys(tag for tag in tags if tag)),
        date=when,
        warnings=warnings,
        properties=tuple(_usable((key, value) for key, values in listed for value in values)),
        blocks=blocks,
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
            values += (_scalar(item) for item in value)
        else:
            values += (part.strip() for part in re.split(split, _scalar(value)))
    return tuple(dict.fromkeys(value for value in values if value))


def _date(keys: Mapping[str, object]) -> tuple[str, tuple[str, ...]]:
    """The date in ISO form, and a warning for each unreadable one."""
    warnings: list[str] = []
    written = {folded_key(key): key for key in keys}
    for known in DATE_KEYS:
        key = written.get(known, known)
        value = _scalar(keys.get(key))
        if unix := re.fullmatch(r"(1\d{9})(?:\d{3})?", value):  # in seconds or milliseconds
            value = datetime.fromtimestamp(int(unix[1]), UTC).date().isoformat()
        if day := day_of(value):
            return day, tuple(warnings)
        if value:
            warnings.append(f"{key} is not a date in the form YYYY-MM-DD: {value[:40]}")
    return "", tuple(warnings)
