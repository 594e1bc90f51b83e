"""Properties: the keys and values of the front matter, also as blocks, and of inline fields."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

import yaml

from ragqa.notes.lines import one_line
from ragqa.types import Block, Kind

Keys = tuple[str, ...]

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


def is_secret(key: str) -> bool:
    """Whether a key's name marks its value as a secret, however it is spelled."""
    words = _SEPARATORS.sub("_", _CAMEL.sub("_", key)).casefold()
    return _SECRET.search(words) is not None


def properties_of(tree: Mapping[object, object]) -> tuple[tuple[str, str], ...]:
    """The names and values of a front matter, a list as several; nested ones are left out."""
    pairs = ((str(key), each) for key, value in tree.items() for each in _each(value))
    return tuple(_usable(pairs))


def inline_fields(text: str, blocks: Iterable[Block]) -> Iterator[tuple[str, str]]:
    """The names and values of a note's inline fields."""
    for block in blocks:
        if block.kind in (Kind.PARAGRAPH, Kind.ITEM):
            found = _FIELD.finditer(text, block.start, block.end)
            yield from _usable((one[1] or one[3], one[2] or one[4]) for one in found)


def _each(value: object) -> Iterable[object]:
    return value if isinstance(value, list) else (value,)


def _usable(pairs: Iterable[tuple[str, object]]) -> Iterator[tuple[str, str]]:
    for name, value in pairs:
        if isinstance(value, str) and value not in ("", "null", "~") and not is_secret(name):
            yield " ".join(name.split()), " ".join(value[:MAX_PROPERTY_CHARS].split())


@dataclass(frozen=True, slots=True)
class Positions:
    """Maps character offsets in `source` to the note.

    `written` is the YAML in the note, from `start` on; in `source` some values may have been
    quoted since.
    """

    source: str
    written: str
    start: int

    def of(self, at: int) -> int:
        """The offset in the note of an offset in the source."""
        line = self.source.count("\n", 0, at)
        column = at - (self.source.rfind("\n", 0, at) + 1)
        lines = self.written.split("\n")
        if column and self.source.split("\n")[line] != lines[line]:
            column = len(lines[line].rstrip())  # only values that end their line were quoted
        return self.start + sum(len(one) + 1 for one in lines[:line]) + column


def property_blocks(
    root: yaml.Node, positions: Positions, *, names: Collection[str] = ()
) -> tuple[Block, ...]:
    """The key-value pairs of a mapping as blocks, in order.

    A key with a scalar or a list of scalars is one block; the pairs of a nested mapping are blocks
    of their own, labelled with the parent keys. A value that cannot be separated from a secret in
    it is secret as a whole.

    :param names: keys that name the note, as every citation of it does; they become rules.
    """
    found = []
    source = positions.source
    for kind, start, end, keys in _pairs(root, (), source):
        name = source[start:end].partition(":")[0].strip(" \"'").lower()
        if kind is Kind.PROPERTY and not keys and name in names:
            kind = Kind.RULE
        end -= len(source[start:end]) - len(source[start:end].rstrip())
        label = one_line(" > ".join(keys))
        found.append(Block(kind, positions.of(start), positions.of(end), label=label))
    return tuple(found)


_Found = tuple[Kind, int, int, Keys]


def _pairs(node: yaml.Node, above: Keys, source: str) -> Iterator[_Found]:
    for key, value in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else ""
        start, end = key.start_mark.index, _end(value)
        if is_secret(name):
            yield Kind.SECRET, start, end, above
        elif value.start_mark.index == value.end_mark.index:
            continue  # no value
        elif _holds_secret(value):
            yield Kind.SECRET, start, end, above
        elif _is_flat(key, value, source) or getattr(value, "flow_style", False):
            yield Kind.PROPERTY, start, end, above
        else:
            yield from _within(value, (*above, name), source)


def _within(value: yaml.Node, above: Keys, source: str) -> Iterator[_Found]:
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
    if not all(isinstance(one, yaml.ScalarNode) for one in (key, *values)):
        return False
    ends = [key.end_mark.index, *(_end(one) for one in values)]
    starts = [one.start_mark.index for one in values]
    return all(
        _SEPARATOR.fullmatch(source, end, start) for end, start in zip(ends, starts, strict=False)
    )


def _holds_secret(node: yaml.Node) -> bool:
    """Whether a value that is quoted as a whole contains a secret key."""
    if isinstance(node, yaml.ScalarNode):
        # A flow mapping that was read as text because the front matter was invalid YAML.
        return node.value.startswith("{") and is_secret(node.value)
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
