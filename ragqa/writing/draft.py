"""What an LLM writes, as sentences with the numbers that they cite, while it arrives."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ragqa.answering.disagreement.statements import blank
from ragqa.passages import sentence_spans

_NUMBER = r"(?:passages?|sources?|\^)?\s*-?\d{1,9}"
_TARGET = r"\((?:[^()\s]|\([^()\s]*\)){0,300}(?:\s+\"[^\"\n]{0,200}\")?\)"
_CITED = re.compile(
    rf"(?<![ \t])[ \t]*+(?:\[{{1,2}}|\u3010)\s*"
    rf"(?P<numbers>{_NUMBER}(?:\s*(?:[,;&-]|\u2013|and)\s*{_NUMBER})*)\s*"
    # Some models add where in the passage, some make a link of it, which is not followed.
    rf"(?:\u2020[^\]\u3011\n]{{0,40}})?(?:\]{{1,2}}|\u3011)(?:{_TARGET})?",
    re.IGNORECASE,
)
# What a footnote or a link by number refers to: a line of its own, which says nothing.
_DEFINITION = re.compile(r"[ \t]*\[\^?\d{1,9}\]:")
_RANGE = re.compile(r"(-?\d{1,9})(?:\s*[-\u2013]\s*(\d{1,9}))?")
_MAX_RANGE = 20
MAX_CHARS = 2000
"""A longer line is cut, so that one without an end takes no time to look for it again and again."""

_WORD_BEGINS = re.compile(r"\s\S")
_CODE = re.compile(r"`[^`\n]*`")
_FENCE = re.compile(r"[ \t]*(?:```|~~~)")
_LEAD = re.compile(r"[ \t]*(?:(?:[-*+\u2022]|\d{1,3}[.)])[ \t]+|>+[ \t]*|#{1,6}[ \t]+)?")
_OPEN = {"(": ")", "[": "]", "\u3010": "\u3011", "\u201c": "\u201d"}
_MAY_END = frozenset(".!?\u2026\u061f\u06d4\u0964\u0965\u3002\uff01\uff1f\uff61")
_EVEN = '`"'
_ENDINGS = " .!?\u2026\u3002\uff01\uff1f\"'\u201d\u2019)]*_|"


Mark = tuple[int, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Drafted:
    """A sentence without its citation marks, and what stands between it and the one before.

    `lead` is white space, with the mark of a list item where it begins one; "" for the first.
    `numbers` are all that it cites, `within` those in the midst of it, which the sentence may be
    built around ("as [1] says"), each with the character of `text` that they stood before.
    """

    lead: str
    text: str
    numbers: tuple[int, ...] = ()
    within: tuple[Mark, ...] = ()


class Draft:
    """A text that arrives in pieces; a sentence is given once the next one has begun."""

    def __init__(self) -> None:
        self._line = ""
        self._begins_line = True
        self._breaks = ""
        self._code: Drafted | None = None
        self._held: Drafted | None = None
        self._began = False
        self._return = ""

    def feed(self, piece: str) -> list[Drafted]:
        """Take the next piece; gives the sentences that are complete with it."""
        piece = self._return + piece
        # It may be half of a line break.
        self._return = "\r" if piece.endswith("\r") else ""
        piece = piece.removesuffix("\r").replace("\r\n", "\n").replace("\r", "\n")
        complete: list[Drafted] = []
        *lines, rest = piece.split("\n")
        for line in lines:
            complete += self._take(line, all_of_it=True)
            self._breaks += "\n"
            self._begins_line = True
        return complete + self._take(rest, all_of_it=False)

    def finish(self) -> list[Drafted]:
        """Give what is left."""
        complete = self._take("", all_of_it=True)
        if self._code is not None:
            complete += self._next(self._code)
        return complete + self._release()

    def _take(self, text: str, *, all_of_it: bool) -> list[Drafted]:
        """Take more of a line; what is not complete yet is kept for the next time."""
        self._line += text
        line, complete = self._line, list[Drafted]()
        if self._code is not None or (self._begins_line and _FENCE.match(line)):
            if all_of_it:
                self._line = ""
                return self._take_code(line)
            return []
        if self._begins_line and _DEFINITION.match(line):
            self._line = "" if all_of_it else line
            return []
        whole = all_of_it or len(line) > MAX_CHARS
        if not whole and not _WORD_BEGINS.search(line, max(0, len(line) - len(text) - 1)):
            # What is no sentence yet is not looked through again for every letter.
            return []
        for sentence, end in _sentences(line, begins_line=self._begins_line, all_of_it=whole):
            lead = self._lead(sentence.lead) if sentence.text else ""
            complete += self._next(replace(sentence, lead=lead))
            self._line, self._begins_line = line[end:], False
            if not whole:
                # What follows it has begun on the same line: no bare number can belong to it.
                complete += self._release()
        if whole:
            self._line = ""
        return complete

    def _take_code(self, line: str) -> list[Drafted]:
        if self._code is None:
            self._code = Drafted(self._lead(""), line)
            return []
        code = replace(self._code, text=f"{self._code.text}\n{line}")
        self._breaks = ""
        closes = _FENCE.fullmatch(line.rstrip())
        self._code = None if closes else code
        return self._next(code) if closes else []

    def _lead(self, within: str) -> str:
        """What stands before a sentence: the line breaks since the last one, and its list mark."""
        breaks, self._breaks = self._breaks[:2] if self._began else "", ""
        self._began = True
        return breaks + (within.lstrip("\n") if breaks else within)

    def _next(self, sentence: Drafted) -> list[Drafted]:
        """Hold a sentence back and give the one before; bare citations belong to that one."""
        if not sentence.text:
            if self._held is not None:
                numbers = dict.fromkeys(self._held.numbers + sentence.numbers)
                self._held = replace(self._held, numbers=tuple(numbers))
            return []
        before = self._release()
        self._held = sentence
        return before

    def _release(self) -> list[Drafted]:
        held, self._held = self._held, None
        return [] if held is None else [held]


def _sentences(line: str, *, begins_line: bool, all_of_it: bool) -> Iterator[tuple[Drafted, int]]:
    """The sentences of a line, or of its rest, each with where the next one begins."""
    if not all_of_it and (_is_open(line) or _MAY_END.isdisjoint(line)):
        return
    codes = [code.span() for code in _CODE.finditer(line)]
    marks = [
        mark
        for mark in _CITED.finditer(line)
        if not any(start < mark.start() < end for start, end in codes)
    ]
    begins = len(_LEAD.match(line)[0]) if begins_line else 0  # type: ignore[index] # it matches
    # Marks become white space, so that places stay as they are.
    blanked = blank(line, (mark.span() for mark in marks))
    spans = [(begins + start, begins + end) for start, end in sentence_spans(blanked[begins:])]
    if not spans:
        if marks and all_of_it:
            yield Drafted("", "", _numbers(marks)), len(line)
        return
    nexts = [len(line[: _with_marks(line, marks, start)].rstrip(" \t")) for start, _ in spans[1:]]
    if all_of_it:
        nexts.append(len(line))
    elif len(blanked[slice(*spans[-1])].split()) < 2:
        # Whether a full stop ends a sentence also depends on the whole word after it.
        return
    for (start, end), first, following in zip(spans, [0, *nexts], nexts, strict=False):
        own = [mark for mark in marks if first <= mark.start() < following]
        lead = " " * line[first : first + 1].isspace()
        text, within = _without(line, own, start, end)
        begun = begins_line and not first
        yield Drafted(line[:begins] if begun else lead, text, _numbers(own), within), following


def _with_marks(line: str, marks: Sequence[re.Match[str]], start: int) -> int:
    """Where a sentence begins, with the marks before it if the line begins with such, too."""
    before = [
        mark for mark in marks if mark.end() <= start and not line[mark.end() : start].strip()
    ]
    leads = bool(marks) and not line[: marks[0].start()].strip()
    return before[-1].start() if leads and before and line[start].islower() else start


def _without(
    line: str, marks: Sequence[re.Match[str]], start: int, end: int
) -> tuple[str, tuple[Mark, ...]]:
    """A sentence of the line without citation marks, and the marks in the midst of it."""
    text, places = "", []
    for mark in marks:
        text += line[start : min(mark.start(), end)] if start < mark.start() else ""
        places.append((len(text), _numbers([mark])))
        start = max(start, mark.end())
        if text and line[start:end][:1].isalnum():
            text += " "
    text = f"{text}{line[start:end]}".rstrip()
    last = len(text.rstrip(_ENDINGS))
    return text, tuple(place for place in places if place[0] < last)


def _numbers(marks: Sequence[re.Match[str]]) -> tuple[int, ...]:
    numbers: dict[int, None] = {}
    for mark in marks:
        for found in _RANGE.finditer(mark["numbers"]):
            first = int(found[1])
            last = int(found[2] or first)
            wide = not first <= last <= first + _MAX_RANGE
            numbers |= dict.fromkeys((first, last) if wide else range(first, last + 1))
    return tuple(numbers)


def _is_open(text: str) -> bool:
    """Whether something that reads as one is still open, so that no full stop in it counts yet."""
    return any(text.count(mark) % 2 for mark in _EVEN) or any(
        text.rfind(opening) > text.rfind(closing) for opening, closing in _OPEN.items()
    )
