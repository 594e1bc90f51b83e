"""A streamed reply as sentences, with their citation numbers and without links."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from ragqa.text.sentences import sentence_spans
from ragqa.text.shown import set_apart
from ragqa.text.words import blank
from ragqa.types.answers import Cited

_NUMBER = r"(?:passages?|sources?|\^)?\s*\d{1,9}"
_TARGET = r"\((?:[^()\s]|\([^()\s]*\)){0,300}(?:\s+\"[^\"\n]{0,200}\")?\)"
_CITED = re.compile(
    # Brackets with a space after them are a passage's own, as the prompt has set them apart.
    rf"(?P<space>(?<![ \t])[ \t]*+)(?:\[{{1,2}}|\u3010)(?!\s)"
    rf"(?P<numbers>{_NUMBER}(?:\s*(?:[,;&-]|\u2013|and)\s*{_NUMBER})*)\s*"
    # Some models add a location in the passage, or make it a link, which is ignored.
    rf"(?:\u2020[^\]\u3011\n]{{0,40}})?(?:\]{{1,2}}|\u3011)(?:{_TARGET})?",
    re.IGNORECASE,
)
# In code `[0-9]` is a pattern, so only what `set_apart` takes for numbers is changed there.
_CODE_OR_CITED = re.compile(
    rf"(?P<code>^[ \t]*(?P<fence>`{{3,}}+|~{{3,}}+)(?s:.*?)^[ \t]*(?P=fence)|`[^`\n]*`)"
    rf"|{_CITED.pattern}",
    re.IGNORECASE | re.MULTILINE,
)
_FENCED = r"[ \t]*(?P<fence>```+|~~~+).*(?:\n(?s:.*?)(?:^[ \t]*(?P=fence)[ \t]*$|\Z))?"
# What is skipped is a footnote or link definition: a line that says nothing.
_BLOCK = re.compile(
    rf"^(?:(?P<code>{_FENCED})|(?P<skipped>[ \t]*\[\^?\d{{1,9}}\]:.*)|.+)", re.MULTILINE
)
MAX_CHARS = 2000
MAX_CODE_CHARS = 20_000
"""A longer line or block of code is cut, so that an endless one is not searched again and again."""

_WORD_BEGINS = re.compile(r"\s\S")
_CODE = re.compile(r"`[^`\n]*`")
_FENCE = re.compile(r"\s*(?:```|~~~)")
_LEAD = re.compile(r"[ \t]*(?:(?:[-*+\u2022]|\d{1,3}[.)])[ \t]+|>+[ \t]*|#{1,6}[ \t]+)?")
_OPEN = {"(": ")", "[": "]", "\u3010": "\u3011", "\u201c": "\u201d"}
_PAIRED = '`"'
_ENDINGS = " .!?\u2026\u3002\uff01\uff1f\"'\u201d\u2019)]*_|"

REMOVED = "(link removed)"

MAX_FRAME_WORDS = 10
"""A longer line makes a claim, whatever it ends with."""

_DIGIT = re.compile(r"\b\d")
_HEADING = re.compile(r"\*\*[^*]+\*\*:?|__[^_]+__:?")

# In code the same characters are a function call.
_LINK = re.compile(r"(?P<code>`[^`\n]*`)|!?\[(?P<label>[^\[\]\n]{0,300})\]\([^()\s]{0,2000}\)")
_ADDRESS = re.compile(
    r"\b(?:[a-z][a-z0-9+.-]{1,20}://|www\.)[^\s<>\"']*[^\s<>\"'.,;:!?)\]}*_`]", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Drafted:
    """A sentence without the citation marks at its end, and the text between it and the last one.

    `lead` is white space, with the list marker if it begins an item; "" for the first. `marked`
    still has the marks inside it, which its grammar may need ("as [1] says"). `numbers` are all
    that it cites.
    """

    lead: str
    marked: str
    numbers: tuple[int, ...] = ()

    @property
    def text(self) -> str:
        """The sentence without any marks."""
        if _FENCE.match(self.marked):
            return self.marked
        return _CODE_OR_CITED.sub(lambda match: match["code"] or "", self.marked).lstrip(" \t")

    def parts(self, known: Collection[int]) -> Cited:
        """The texts of the sentence, and the known numbers inside it."""
        if _FENCE.match(self.marked):
            return (set_apart(self.marked),)
        parts, start = list[str | int](), 0
        for mark in _CODE_OR_CITED.finditer(self.marked):
            if not mark["code"]:
                parts.append(set_apart(self.marked[start : mark.start()]))
                gap, start = mark["space"], mark.end()
                for n in _numbers([mark]):
                    if n in known:
                        parts += [gap, n]
                        gap = " "
        return tuple(part for part in (*parts, set_apart(self.marked[start:])) if part != "")


def uncited(text: str) -> str:
    """A passage's text whose own brackets are no citations in a draft that repeats them."""

    def apart(match: re.Match[str]) -> str:
        if match["code"]:
            return set_apart(match["code"])
        before, numbers, after = match[0].partition(match["numbers"])
        return f"{before} {numbers} {after}"

    return _CODE_OR_CITED.sub(apart, text)


def drafted_from(pieces: Iterable[str]) -> Iterator[Drafted]:
    """Yield the sentences of a text as its pieces arrive, each once the next one has begun."""
    rest, began = "", False
    for piece in chain(pieces, [None]):
        before = len(rest)
        rest = (rest + (piece or "")).replace("\r\n", "\n")
        limit = MAX_CODE_CHARS if _FENCE.match(rest) else MAX_CHARS
        is_whole = piece is None or len(rest) > limit
        # Look again only when a new word has begun, not for every character.
        if not (is_whole or _WORD_BEGINS.search(rest, max(0, before - 1))):
            continue
        units = list(_units(rest, began=began, is_whole=is_whole))
        if not is_whole:
            # Whether a full stop ends a sentence also depends on the whole next word.
            last = units[-1][1].marked if units else ""
            units = units[: -2 if len(last.split()) < 2 or _is_open(last) else -1]
        if is_whole or units:
            rest = "" if is_whole else rest[units[-1][0] :]
            began = began or bool(units)
        yield from (sentence for _, sentence in units)


def _units(text: str, *, began: bool, is_whole: bool) -> Iterator[tuple[int, Drafted]]:
    """Yield the sentences and blocks of code, each with the offset of its end.

    :param began: the text goes on after a sentence, so that its first line does not begin there.
    :param is_whole: nothing follows that could change how the last line is split.
    """
    pending: tuple[int, Drafted] | None = None
    end = 0
    for at, line, is_code, begins_line in _blocks(text, began=began):
        is_open = not is_whole and at + len(line) == len(text) and _is_open(line)
        if is_code or is_open:
            sentences = [(0, len(line), Drafted("", line.rstrip("\n")))]
        else:
            sentences = list(_sentences(line, begins_line=begins_line))
        for start, stop, sentence in sentences:
            if not sentence.marked:
                # Bare citations belong to the sentence before.
                if pending is not None:
                    numbers = dict.fromkeys(pending[1].numbers + sentence.numbers)
                    pending = at + stop, replace(pending[1], numbers=tuple(numbers))
                continue
            between = text[end : at + start]
            follows = began or pending is not None
            lead = "\n" * min(2, between.count("\n")) * follows
            if follows and not (lead or sentence.lead) and between[:1].isspace():
                lead = " "
            if pending is not None:
                yield pending
            end = at + stop
            pending = end, replace(sentence, lead=lead + sentence.lead)
    if pending is not None:
        yield pending


def _blocks(text: str, *, began: bool) -> Iterator[tuple[int, str, bool, bool]]:
    """Yield lines and blocks of code with their offsets, which is code, and which begins a line."""
    head = len(text.partition("\n")[0]) if began else 0
    if head:
        yield 0, text[:head], False, False
    for block in _BLOCK.finditer(text, head):
        if not block["skipped"]:
            yield block.start(), block[0], bool(block["code"]), True


def _sentences(line: str, *, begins_line: bool) -> Iterator[tuple[int, int, Drafted]]:
    """Yield the sentences of a line, each with its start and the offset of the next one."""
    codes = [code.span() for code in _CODE.finditer(line)]
    marks = [
        mark
        for mark in _CITED.finditer(line)
        if not any(start < mark.start() < end for start, end in codes)
    ]
    begins = len(_LEAD.match(line)[0]) if begins_line else 0  # type: ignore[index] # it matches
    # Marks become white space, so that offsets do not change.
    blanked = blank(line, (mark.span() for mark in marks))
    spans = [(begins + start, begins + end) for start, end in sentence_spans(blanked[begins:])]
    if not spans and marks:
        yield 0, len(line), Drafted("", "", _numbers(marks))
    nexts = [len(line[:start].rstrip(" \t")) for start, _ in spans[1:]]
    first = 0
    for (start, end), following in zip(spans, [*nexts, len(line)], strict=False):
        own = [mark for mark in marks if first <= mark.start() < following]
        lead = line[:begins] if begins_line and not first else ""
        yield start, following, Drafted(lead, _marked(line, own, start, end), _numbers(own))
        first = following


def _marked(line: str, marks: Sequence[re.Match[str]], start: int, end: int) -> str:
    """A sentence of the line without the citation marks at its end."""
    start = min([start, *(mark.start() for mark in marks)])
    text = line[start:end]
    for mark in reversed(marks):
        after = text[mark.end() - start :]
        if after.strip(_ENDINGS):
            break
        text = text[: mark.start() - start] + after
    return text.strip(" \t")


def _numbers(marks: Sequence[re.Match[str]]) -> tuple[int, ...]:
    numbers = (number for mark in marks for number in re.findall(r"\d{1,9}", mark["numbers"]))
    return tuple(dict.fromkeys(map(int, numbers)))


def _is_open(text: str) -> bool:
    """Whether a quotation, bracket or code span is open, in which a full stop does not count."""
    return any(text.count(mark) % 2 for mark in _PAIRED) or any(
        text.rfind(opening) > text.rfind(closing) for opening, closing in _OPEN.items()
    )


def is_frame(text: str, lead: str, before: str) -> bool:
    """Whether a sentence without a citation claims nothing: a heading, a rule, a lead-in.

    :param lead: the text between it and the previous sentence, `before`.
    """
    if not any(map(str.isalnum, text)):
        return True
    if len(text.split()) > MAX_FRAME_WORDS or _DIGIT.search(text):
        return False
    heads_table = text.startswith("|") and not before.startswith("|")
    is_heading = "#" in lead or _HEADING.fullmatch(text) is not None
    return is_heading or heads_table or text.endswith((":", "\uff1a"))


def without_links(text: str, given: str) -> str:
    """Replace links with their labels, and remove URLs that were not given.

    :param given: the LLM's input; URLs in it may be repeated.
    """
    if not text.startswith(("```", "~~~")):
        text = _LINK.sub(lambda match: match["code"] or match["label"] or "", text)
    return _ADDRESS.sub(lambda match: match[0] if match[0] in given else REMOVED, text)
