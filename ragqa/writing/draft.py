"""What an LLM writes, as sentences with the numbers that they cite, while it arrives."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ragqa.passages import sentence_spans

_NUMBER = r"(?:passages?|sources?|\^)?\s*-?\d{1,9}"
_TARGET = r"\((?:[^()\s]|\([^()\s]*\)){0,300}(?:\s+\"[^\"\n]{0,200}\")?\)"
_CITED = re.compile(
    rf"[ \t]*(?:\[{{1,2}}|\u3010)\s*"
    rf"(?P<numbers>{_NUMBER}(?:\s*(?:[,;&-]|\u2013|and)\s*{_NUMBER})*)\s*"
    # Some models add where in the passage, some make a link of it, which is not followed.
    rf"(?:\u2020[^\]\u3011\n]{{0,40}})?(?:\]{{1,2}}|\u3011)(?:{_TARGET})?",
    re.IGNORECASE,
)
# What a footnote or a link by number refers to: a line of its own, which says nothing.
_DEFINITION = re.compile(r"[ \t]*\[\^?\d{1,9}\]:")
_RANGE = re.compile(r"(-?\d{1,9})(?:\s*[-\u2013]\s*(\d{1,9}))?")
_MAX_RANGE = 20
_CODE = re.compile(r"`[^`\n]*`")
_FENCE = re.compile(r"[ \t]*(?:```|~~~)")
_LEAD = re.compile(r"[ \t]*(?:(?:[-*+\u2022]|\d{1,3}[.)])[ \t]+|>+[ \t]*|#{1,6}[ \t]+)?")
_OPEN = {"(": ")", "[": "]", "\u3010": "\u3011", "\u201c": "\u201d"}
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
        self._given = 0
        self._breaks = ""
        self._code: Drafted | None = None
        self._held: Drafted | None = None
        self._began = False

    def feed(self, piece: str) -> list[Drafted]:
        """Take the next piece; gives the sentences that are complete with it."""
        self._line += piece.replace("\r\n", "\n").replace("\r", "\n")
        complete: list[Drafted] = []
        while "\n" in self._line:
            line, _, rest = self._line.partition("\n")
            complete += self._take(line, all_of_it=True)
            self._line, self._given = rest, 0
            self._breaks += "\n"
        complete += self._take(self._line, all_of_it=False)
        return complete

    def finish(self) -> list[Drafted]:
        """Give what is left."""
        complete = self._take(self._line, all_of_it=True)
        if self._code is not None:
            complete += self._next(self._code)
        return complete + self._release()

    def _take(self, line: str, *, all_of_it: bool) -> list[Drafted]:
        if self._code is not None or (not self._given and _FENCE.match(line)):
            return self._take_code(line) if all_of_it else []
        if not self._given and _DEFINITION.match(line):
            return []
        complete: list[Drafted] = []
        for sentence, end in _sentences(line, self._given, all_of_it=all_of_it):
            lead = self._lead(sentence.lead) if sentence.text else ""
            complete += self._next(replace(sentence, lead=lead))
            self._given = end
            if not all_of_it:
                # What follows it has begun on the same line: no bare number can belong to it.
                complete += self._release()
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


def _sentences(line: str, given: int, *, all_of_it: bool) -> Iterator[tuple[Drafted, int]]:
    """The sentences of a line from a character on, each with where the next one begins."""
    if not all_of_it and _is_open(line[given:]):
        return
    marks = [mark for mark in _CITED.finditer(line, given) if not _in_code(line, mark.start())]
    begins = given or len(_LEAD.match(line)[0])  # type: ignore[index] # it matches anything
    blanked = _blanked(line, marks)
    spans = [(begins + start, begins + end) for start, end in sentence_spans(blanked[begins:])]
    if not spans:
        if marks and all_of_it:
            yield Drafted("", "", _numbers(marks)), len(line)
        return
    nexts = [_with_marks(line, marks, start) for start, _ in spans[1:]]
    if all_of_it:
        nexts.append(len(line))
    elif len(blanked[slice(*spans[-1])].split()) < 2:
        # Whether a full stop ends a sentence also depends on the whole word after it.
        return
    for (start, end), first, following in zip(spans, [given, *nexts], nexts, strict=False):
        own = [mark for mark in marks if first <= mark.start() < following]
        lead = line[:begins] if not first else " " * (" " in line[first - 1 : first + 1])
        text, within = _without(line, own, start, end)
        yield Drafted(lead, text, _numbers(own), within), following


def _with_marks(line: str, marks: Sequence[re.Match[str]], start: int) -> int:
    """Where a sentence begins, with the marks before it if it is built around them."""
    before = [
        mark for mark in marks if mark.end() <= start and not line[mark.end() : start].strip()
    ]
    return before[-1].start() if before and line[start].islower() else start


def _blanked(line: str, marks: Sequence[re.Match[str]]) -> str:
    """The line with white space in place of citation marks, so that places stay as they are."""
    for mark in marks:
        line = line[: mark.start()] + " " * len(mark[0]) + line[mark.end() :]
    return line


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


def _in_code(line: str, at: int) -> bool:
    return any(code.start() < at < code.end() for code in _CODE.finditer(line))


def _is_open(text: str) -> bool:
    """Whether something that reads as one is still open, so that no full stop in it counts yet."""
    return any(text.count(mark) % 2 for mark in _EVEN) or any(
        text.rfind(opening) > text.rfind(closing) for opening, closing in _OPEN.items()
    )
