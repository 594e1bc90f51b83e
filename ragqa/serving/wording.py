"""Results as text for a language model: what it needs to answer and to cite, within a budget.

Whatever comes from notes is quoted line by line, so that a note cannot pass for ragqa's own words.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ragqa import types
from ragqa.addresses import NoTarget, NotePart
from ragqa.answering.sentences import context_of
from ragqa.errors import RagqaError
from ragqa.explaining import Explanation
from ragqa.passages import tokens
from ragqa.related import RelatedNotes
from ragqa.render.documents import part_document
from ragqa.render.explanations import lacking_line, verdict
from ragqa.render.view import BELOW, address, corrected_line, disagreement_line, trust_line
from ragqa.safe import safe_line, safe_text
from ragqa.serving.asking import freshness_line
from ragqa.serving.warm import Freshness
from ragqa.types import Answer, Citation, Hit, NoteList, SearchResult, counted, trail_text
from ragqa.verifying.checking import Checked, Verification

MORE = "a larger max_tokens gives more"
_ITEM = ("status", "path", "lines", "address", "error", "quote", "text")
"""What is kept, cut if it must be, of an item that does not fit."""

_CUT, _GAP = "\u2026", "\n\n"
_SLACK = 3
_CHARS = 8
"""The characters of a token at most: what is longer is not tried."""

_MOST_NAMED = 8
_MOST_SKIPPED = 10

_TOOLS = (
    (re.compile("ragqa list --tags"), "list with what='tags'"),
    (re.compile("ragqa (?:ask|list) --where (.+?)(?: QUESTION|$)"), r"where=\1"),
    (re.compile(r"ragqa (list|status)\b"), r"the tool \1"),
    (re.compile('ragqa ask ".+"'), "give some words to look for"),
    (re.compile("save one: ragqa .+"), "give quotes, or a whole saved answer as answer"),
    (re.compile("--(since|where)"), r"\1"),
)
"""Commands as messages name them, and what does the same here."""

_MAY_BE_WRONG = (
    "The first excerpt may be the wrong one: compare it with those below before you answer."
)


@dataclass(frozen=True, slots=True)
class Result:
    """What a tool gives: text for the model and the same as data for a program."""

    text: str
    data: Mapping[str, Any]

    @property
    def tokens(self) -> int:
        """The tokens of the longer of both."""
        return max(size(self.text), weight(self.data))

    def within(self, budget: int, first: Collection[str]) -> "Result":
        """The same, or what fits of it; `first` is as in `fitted`."""
        data = dict(self.data)
        if "warnings" in data:
            data["warnings"] = [for_tools(one) for one in data["warnings"]]
        return Result(clipped(self.text, budget), fitted(data, budget, first, MORE))


def answer_text(answer: Answer, freshness: Freshness, budget: int) -> str:
    """An answer with its citations, then further excerpts, then passages."""
    cited = [*answer.citations, *answer.also]
    blocks = [_cited(citation) for citation in answer.citations]
    blocks += [disagreement_line(one) for one in answer.disagreements]
    blocks += [_cited(citation) for citation in answer.also]
    blocks += [_passage("Passage:", hit) for hit in answer.hits if not _is_quoted(hit, cited)]
    trust = trust_line(answer)
    if cited and trust:
        blocks[0] = f"{trust}\n{blocks[0]}"
    head = _MAY_BE_WRONG if cited else trust
    return within(head, blocks, budget, _notices(answer, freshness))


def search_text(result: SearchResult, freshness: Freshness, budget: int) -> str:
    """The passages found, best first."""
    blocks = [_passage(f"{number}.", hit) for number, hit in enumerate(result.hits, start=1)]
    head = f"{counted(len(blocks), 'passage')} found, best first."
    return within(head, blocks, budget, _notices(result, freshness))


def _passage(label: str, hit: Hit) -> str:
    passage = hit.passage
    place = _place(passage.path, passage.lines, hit.locator)
    trail = trail_text(passage.title, passage.heading, BELOW)
    quoted = [_quoted(one) for one in (context_of(passage), passage.text) if one]
    return "\n".join([f"{label} {place}  {safe_line(trail)}", *quoted])


def _is_quoted(hit: Hit, citations: Iterable[Citation]) -> bool:
    """Whether one of the citations has most of a passage."""
    start, end = hit.passage.start, hit.passage.end
    own = (one.chars for one in citations if one.path == hit.passage.path)
    return any(2 * (min(last, end) - max(first, start)) > end - start for first, last in own)


def part_result(part: NotePart, budget: int) -> Result:
    """Lines of a note; where they do not fit, the address to go on with."""
    most = min(len(part.text), _CHARS * budget)
    whole = _cut_part(part, most, budget)
    if most == len(part.text) and whole.tokens <= budget:
        return whole
    chars = longest(most, lambda n: _cut_part(part, n, budget).tokens <= budget)
    line = part.text.rfind("\n", 0, chars + 1)
    cut = _cut_part(part, line if line > chars // 2 else max(chars, 1), budget)
    return cut.within(budget, ("path", "lines", "next", "text"))


def _cut_part(part: NotePart, chars: int, budget: int) -> Result:
    """The first characters of a part."""
    note, (first, end) = part.note, part.lines
    text, rest = part.text[:chars], part.text[chars:]
    last, following = first + text.count("\n"), ""
    if rest.startswith("\n"):
        following = f"{note.path}:{last + 1}:{end}"
    elif rest:
        skip = len(text) - text.rfind("\n") - 1 + (part.skip if last == first else 0)
        following = f"{note.path}:{last}:{end}+{skip}"
    place = _place(note.path, (first, last), part.locator) + f"+{part.skip}" * bool(part.skip)
    about = "  ".join(filter(None, (note.date, BELOW.join(part.heading) or note.title)))
    of = "" if part.locator else f" of {counted(part.total_lines, 'line')}"
    lines = [f"{place}{of}  {clipped(safe_line(about), budget // 6)}".rstrip()]
    width = max(4, *map(len, part.margin))
    for beside, line in zip(part.margin, text.split("\n"), strict=False):
        lines.append(f"{safe_line(beside):>{width}} {safe_text(line)}")
    if following:
        lines.append(f"Cut here. To go on: get {safe_line(following)!r}")
    data = {"path": note.path, "lines": [first, last], "text": text, "next": following or None}
    return Result("\n".join(lines), fitted(part_document(part) | data, budget // 4, ()) | data)


def problem(exc: RagqaError) -> str:
    """What went wrong, and what helps, in a sentence or two."""
    hint = for_tools(exc.hint)
    if isinstance(exc, NoTarget) and exc.targets:
        hint = ", or ".join(exc.targets)
    elif "ragqa " in hint:
        hint = f"tell the user: {hint}"
    return safe_line(f"{for_tools(exc.message)}." + (f" Try: {hint}" if hint else ""))


def for_tools(text: str) -> str:
    """A message or a hint with the tools in place of the commands of the same names."""
    for command, tool in _TOOLS:
        text = command.sub(tool, text)
    return text


def related_text(found: RelatedNotes, budget: int) -> str:
    """The notes near a note, each with the reasons."""
    blocks = []
    for n, one in enumerate(found.related, start=1):
        about = "  ".join(filter(None, (one.note.path, one.note.date, one.note.title)))
        blocks.append(f"{n}. {safe_line(about)}\n   {'; '.join(one.why)}")
    near = counted(len(blocks), "note") if blocks else "No note"
    verb = "is" if len(blocks) < 2 else "are"
    head = safe_line(f"{near} {verb} near {found.note.path}.")
    return within(head, blocks, budget, _noted(found.warnings))


def list_text(found: NoteList, what: str, limit: int, budget: int) -> str:
    """A line for each note, or for each tag."""
    if what == "tags":
        lines = [f"{n}  {safe_line(tag)}" for tag, n in found.tags.items()]
    else:
        about = (
            (one.path, one.date, one.title, " ".join(f"#{tag}" for tag in one.tags))
            for one in found.notes
        )
        lines = [safe_line("  ".join(filter(None, one))) for one in about]
    head = f"{counted(len(lines), what.removesuffix('s'))}."
    if len(lines) > limit:
        head = f"{limit} of {head} A larger limit or a filter gives others."
    return within(head, lines[:limit], budget, _noted(found.warnings), gap="\n")


def verification_text(verification: Verification, budget: int) -> str:
    """Whether each quote still stands."""
    head = "All quotes stand." if verification.is_sound else "Not all quotes stand."
    blocks = [_checked(one) for one in verification.checked]
    return within(head, blocks, budget, _noted(verification.warnings))


def explanation_text(explanation: Explanation, budget: int) -> str:
    """Why a note is in an answer, or is not."""
    said = (verdict(explanation), lacking_line(explanation))
    blocks = [safe_line(line) for line in said if line]
    return within("", blocks, budget, _noted(explanation.warnings))


def status_text(status: Mapping[str, Any], listed: NoteList, budget: int) -> str:
    """What is indexed, and how current it is; `status` is the document."""
    passages, skipped = counted(status["index"]["passages"], "passage"), status["skipped"]
    made = f"Index of {passages}, made {safe_line(status['created'])}. {status['server']['state']}"
    blocks = [made, *([f"{counted(len(skipped), 'file')} skipped:"] if skipped else [])]
    lines = types.by_kind(types.Remark(one["path"], one["reason"]) for one in skipped)
    blocks += [f"- {safe_line(line)}" for line in lines[:_MOST_SKIPPED]]
    return within(overview(listed), blocks, budget)


def overview(listed: NoteList) -> str:
    """How many notes there are, on what and how new, in a few sentences."""
    folders = Counter(note.path.partition("/")[0] for note in listed.notes if "/" in note.path)
    about = [f"{counted(len(listed.notes), 'note')}."]
    for kind, counts in (("Folders", folders), ("Tags", Counter(listed.tags))):
        if counts:
            common = (f"{safe_line(name)} ({n})" for name, n in counts.most_common(_MOST_NAMED))
            about.append(f"{kind}: {', '.join(common)}.")
    if dated := max((note.date for note in listed.notes if note.date), default=""):
        about.append(f"The newest is dated {safe_line(dated)}.")
    return " ".join(about)


def _notices(found: Answer | SearchResult, freshness: Freshness) -> list[str]:
    stale = [freshness_line(freshness)] if freshness.running or freshness.problem else []
    corrected = [corrected_line(found.corrected)] if found.corrected else []
    return _noted([*stale, *corrected, *found.warnings])


def _noted(notices: Iterable[str]) -> list[str]:
    return [f"Note: {safe_line(for_tools(notice))}" for notice in notices]


def _cited(citation: Citation) -> str:
    about = [safe_line(one) for one in (citation.note_date, BELOW.join(citation.heading)) if one]
    place = _place(citation.path, citation.lines, citation.locator)
    head = "  ".join([f"[{citation.n}] {place}", *about])
    context = f"{_quoted(citation.context)}\n" if citation.context else ""
    return f"{head}\n{context}{_quoted(citation.quote)}"


def _place(path: str, lines: tuple[int, int], locator: str) -> str:
    return safe_line(address(path, lines, locator))


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in safe_text(text).split("\n"))


def _checked(checked: Checked) -> str:
    citation, place = checked.citation, checked.place
    line = f"[{citation.n}] {checked.standing}"
    if place:
        line += f": {_place(place.path, place.lines, place.locator)}"
    if checked.reason:
        line += f" ({safe_line(checked.reason)})"
    if place and not (checked.is_sound and place.text == citation.quote):
        line += f"\n{_quoted(place.text)}"
    return line


def size(text: str) -> int:
    """The tokens of a text."""
    return tokens.count([text])[0]


def weight(data: object) -> int:
    """The tokens of data as JSON."""
    return size(json.dumps(data, ensure_ascii=False))


def longest(most: int, fits: Callable[[int], bool]) -> int:
    """The largest number up to `most` that fits, 0 if none does; what is less fits, too."""
    least = 0
    while least < most:
        middle = (least + most + 1) // 2
        least, most = (middle, most) if fits(middle) else (least, middle - 1)
    return least


def clipped(text: str, room: int, measure: Callable[[str], int] = size) -> str:
    """A text, cut where it has more tokens."""
    most = _CHARS * room
    if len(text) <= most and measure(text) <= room:
        return text
    kept = longest(min(len(text), most), lambda n: measure(text[:n] + _CUT) <= room)
    return text[:kept] + _CUT if kept else ""


def within(
    head: str, blocks: Sequence[str], budget: int, notices: Iterable[str] = (), *, gap: str = _GAP
) -> str:
    """Join a heading and blocks as far as the budget goes, and say what is cut.

    Of the blocks there is always one, cut if it must be.
    """
    notes = "\n\n".join(notices)
    whole = _joined(head, gap.join(blocks), notes)
    if size(whole) <= budget:
        return whole
    head, notes = clipped(head, budget // 4), clipped(notes, budget // 6)
    told = f"Cut: {{}} of {len(blocks)} parts are not whole; {MORE}."
    room = budget - size(_joined(head, notes, told)) - _SLACK
    shown = list[str]()
    for block in blocks:
        if size(block) >= room:
            break
        shown.append(block)
        room -= size(block) + 1
    told = told.format(len(blocks) - len(shown))
    if len(shown) < len(blocks):
        shown.append(clipped(blocks[len(shown)], room))
    return clipped(_joined(head, gap.join(shown), notes, told), budget)


def fitted(data: Mapping[str, Any], room: int, first: Collection[str], more: str = "") -> Any:  # noqa: ANN401 - as `data`
    """Data, or what fits of it.

    What comes `first` is there, cut if it must be; anything else is whole or not there.

    :param more: becomes the value of `cut` in what is not whole.
    """
    if weight(data) <= room:
        return dict(data)
    empty: dict[type, Any] = {str: "", list: [], tuple: []}
    kept = {name: empty.get(type(data[name]), data[name]) for name in first if name in data}
    kept |= {"cut": more} if more else {}
    for name in dict.fromkeys((*kept, *data)):
        left = room - weight(kept) - _SLACK
        value = _shortened(data.get(name), left) if name in kept else data[name]
        if name != "cut" and weight(value) <= left and weight(kept | {name: value}) <= room:
            kept[name] = value
    return kept


def _shortened(value: object, room: int) -> object:
    if weight(value) <= room:
        return value
    if isinstance(value, str):
        return clipped(value, room, weight)
    kept = list[object]()
    items = value if isinstance(value, Sequence) else ()
    for item in items if items and isinstance(items[0], Mapping) else ():
        room -= weight(item) + 1
        if room < 1:
            return kept or [fitted(item, room + weight(item), _ITEM)]
        kept.append(item)
    return kept


def _joined(*blocks: str) -> str:
    return _GAP.join(block for block in blocks if block)
