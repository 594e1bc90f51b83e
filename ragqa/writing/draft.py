"""What an LLM writes, as sentences with the numbers that they cite, while it arrives."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ragqa.passages import sentence_spans

_NUMBER = r"(?:passages?|sources?|\^)?\s*-?\d{1,9}"
_CITED = re.compile(
    rf"[ \t]*[\[\u3010]\s*(?P<numbers>{_NUMBER}(?:\s*(?:[,;&-]|\u2013|and)\s*{_NUMBER})*)\s*"
    # Some models add where in the passage, some make a link of it, which is not followed.
    r"(?:\u2020[^\]\u3011\n]{0,40})?[\]\u3011](?:\([^)\s]{0,300}\))?",
    re.IGNORECASE,
)
_RANGE = re.compile(r"(-?\d{1,9})(?:\s*[-\u2013]\s*(\d{1,9}))?")
_MAX_RANGE = 20
_CODE = re.compile(r"`[^`\n]*`")
_FENCE = re.compile(r"[ \t]*(?:```|~~~)")
_LEAD = re.compile(r"[ \t]*(?:(?:[-*+\u2022]|\d{1,3}[.)])[ \t]+|>+[ \t]*|#{1,6}[ \t]+)?")
_OPEN = {"(": ")", "[": "]", "\u3010": "\u3011", "\u201c": "\u201d"}
_EVEN = '`"'


@dataclass(frozen=True, slots=True)
class Drafted:
    """A sentence without its citation marks, and what stands between it and the one before.

    `lead` is white space, with the mark of a list item where it begins one; "" for the first.
    """

    lead: str
    text: str
    numbers: tuple[int, ...] = ()


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
    nexts = [start for start, _ in spans[1:]]
    if all_of_it:
        nexts.append(len(line))
    elif len(blanked[slice(*spans[-1])].split()) < 2:
        # Whether a full stop ends a sentence also depends on the whole word after it.
        return
    for i, (start, following) in enumerate(zip((start for start, _ in spans), nexts, strict=False)):
        first = i == 0
        own = [
            mark for mark in marks if mark.start() < following and (first or start <= mark.start())
        ]
        begins_line = first and not given
        lead = line[:begins] if begins_line else " " * blanked[start - 1].isspace()
        yield Drafted(lead, _without(line, own, start, spans[i][1]), _numbers(own)), following


def _blanked(line: str, marks: Sequence[re.Match[str]]) -> str:
    """The line with white space in place of citation marks, so that places stay as they are."""
    for mark in marks:
        line = line[: mark.start()] + " " * len(mark[0]) + line[mark.end() :]
    return line


def _without(line: str, marks: Sequence[re.Match[str]], start: int, end: int) -> str:
    """A sentence of the line without citation marks."""
    pieces = []
    for mark in marks:
        pieces.append(line[start : min(mark.start(), end)] if start < mark.start() else "")
        if pieces[-1] and line[mark.end() : end][:1].isalnum():
            pieces.append(" ")
        start = max(start, mark.end())
    return "".join([*pieces, line[start:end]]).strip()


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
