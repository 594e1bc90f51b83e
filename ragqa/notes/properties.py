"""The keys of front matter with their values, each as a block of the note at its own place."""

import re
from collections.abc import Collection, Iterator
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
# What may stand between the scalars of a list: anything else, such as a remark, is not quoted.
_FRAME = re.compile(r"[\s:,\[\]?-]*")


def is_secret(key: str) -> bool:
    """Whether the name of a key says that its value is a secret, however it is spelled."""
    words = _SEPARATORS.sub("_", _CAMEL.sub("_", key)).casefold()
    return _SECRET.search(words) is not None


@dataclass(frozen=True, slots=True)
class Positions:
    """From a character of some YAML to that of the note.

    `written` is the YAML as it stands in the note, from `start` on; some values of `source` may
    have been put into quotation marks since.
    """

    source: str
    written: str
    start: int

    def of(self, at: int) -> int:
        """Where a character of the source stands in the note."""
        line = self.source.count("\n", 0, at)
        column = at - (self.source.rfind("\n", 0, at) + 1)
        lines = self.written.split("\n")
        if column and self.source.split("\n")[line] != lines[line]:
            column = len(lines[line].rstrip())  # only what begins and ends with its line was quoted
        return self.start + sum(len(one) + 1 for one in lines[:line]) + column


def property_blocks(
    root: yaml.Node, where: Positions, *, names: Collection[str] = ()
) -> tuple[Block, ...]:
    """The keys of a mapping with their values, in order.

    A key with a scalar, or a list of them, is one block; those of nested mappings are blocks of
    their own, labelled with the keys above. Where that cannot be told apart from a secret, all of
    it is one.

    :param names: keys that name the note, which every citation of it does: as good as a rule.
    """
    found = []
    for kind, start, end, keys in _pairs(root, (), where.source):
        name = where.source[start:end].partition(":")[0].strip(" \"'").lower()
        if kind is Kind.PROPERTY and not keys and name in names:
            kind = Kind.RULE
        end -= len(where.source[start:end]) - len(where.source[start:end].rstrip())
        label = one_line(" > ".join(keys))
        found.append(Block(kind, where.of(start), where.of(end), label=label))
    return tuple(found)


_Found = tuple[Kind, int, int, Keys]


def _pairs(node: yaml.Node, above: Keys, source: str) -> Iterator[_Found]:
    for key, value in node.value:
        name = key.value if isinstance(key, yaml.ScalarNode) else ""
        start, end = key.start_mark.index, _end(value)
        if is_secret(name):
            yield Kind.SECRET, start, end, above
        elif value.start_mark.index == value.end_mark.index:
            continue  # a key without a value says nothing
        elif _holds_secret(value):
            yield Kind.SECRET, start, end, above
        elif _is_flat(key, value, source) or getattr(value, "flow_style", False):
            yield Kind.PROPERTY, start, end, above
        else:
            yield from _within(value, (*above, name), source)


def _within(value: yaml.Node, above: Keys, source: str) -> Iterator[_Found]:
    """What stands in the value of a key: pairs, or the items of a list, one by one."""
    if isinstance(value, yaml.MappingNode):
        yield from _pairs(value, above, source)
    elif isinstance(value, yaml.SequenceNode):
        for item in value.value:
            yield from _within(item, above, source)
    else:
        yield Kind.PROPERTY, value.start_mark.index, _end(value), above


def _is_flat(key: yaml.Node, value: yaml.Node, source: str) -> bool:
    """Whether a key has a scalar, or a list of them, and nothing but marks of YAML between."""
    values = value.value if isinstance(value, yaml.SequenceNode) else [value]
    if not all(isinstance(one, yaml.ScalarNode) for one in (key, *values)):
        return False
    ends = [key.end_mark.index, *(_end(one) for one in values)]
    starts = [one.start_mark.index for one in values]
    return all(
        _FRAME.fullmatch(source, end, start) for end, start in zip(ends, starts, strict=False)
    )


def _holds_secret(node: yaml.Node) -> bool:
    """Whether a value that is quoted as a whole has a key that names a secret."""
    if isinstance(node, yaml.ScalarNode):
        # A mapping that was taken for text, since other front matter is no YAML.
        return node.value.startswith("{") and is_secret(node.value)
    if isinstance(node, yaml.MappingNode):
        # The pairs of any other are told apart one by one.
        return bool(node.flow_style) and any(
            is_secret(str(key.value)) or _holds_secret(value) for key, value in node.value
        )
    return any(map(_holds_secret, node.value))


def _end(node: yaml.Node) -> int:
    """Where a node ends; a block of YAML ends with the last thing in it."""
    if isinstance(node, yaml.ScalarNode) or getattr(node, "flow_style", False) or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(last[1] if isinstance(node, yaml.MappingNode) else last)
