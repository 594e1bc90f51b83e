"""Results as text for a language model: what it needs to answer and to cite, within a budget.

Whatever comes from notes is quoted line by line, so that a note cannot pass for ragqa's own words.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ragqa.answering.sentences import context_of
from ragqa.errors import RagqaError
from ragqa.explaining.explanation import Explanation
from ragqa.getting import NotePart
from ragqa.render.documents import part_document
from ragqa.render.explanations import lacking_line, verdict
from ragqa.render.view import address, corrected_line, disagreement_line, trust_line
from ragqa.safe import safe_line, safe_text
from ragqa.serving.budget import MORE, clipped, fitted, longest, most_chars, size, weight, within
from ragqa.serving.failing import hint_of
from ragqa.serving.warm import Freshness
from ragqa.types import Answer, Citation, Hit, NoteList, SearchResult, counted
from ragqa.verifying.checking import Checked, Verification

_MOST_NAMED = 8
_MOST_SKIPPED = 10

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
        return Result(clipped(self.text, budget), fitted(self.data, budget, first, MORE))


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
    quoted = [_quoted(one) for one in (context_of(passage), passage.text) if one]
    return "\n".join([f"{label} {place}  {safe_line(passage.trail)}", *quoted])


def _is_quoted(hit: Hit, citations: Iterable[Citation]) -> bool:
    """Whether one of the citations has most of a passage."""
    start, end = hit.passage.start, hit.passage.end
    own = (one.chars for one in citations if one.path == hit.passage.path)
    return any(2 * (min(last, end) - max(first, start)) > end - start for first, last in own)


def part_result(part: NotePart, budget: int) -> Result:
    """Lines of a note; where they do not fit, the address to go on with."""
    most = min(len(part.text), most_chars(budget))
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
    about = "  ".join(filter(None, (note.date, " > ".join(part.heading) or note.title)))
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
    hint = hint_of(exc)
    return safe_line(f"{exc.message}." + (f" Try: {hint}" if hint else ""))


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
    blocks += [
        f"- {safe_line(one['path'])}: {safe_line(one['reason'])}" for one in skipped[:_MOST_SKIPPED]
    ]
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


def freshness_line(freshness: Freshness) -> str:
    """How current the index is, in a sentence."""
    if freshness.running:
        return f"An update is running ({freshness.running})."
    if freshness.problem:
        return f"The last update failed: {safe_line(freshness.problem)}."
    if freshness.updated:
        return f"Last brought up to date {freshness.updated:%Y-%m-%d %H:%M:%S}."
    return "It is used as it is."


def _notices(found: Answer | SearchResult, freshness: Freshness) -> list[str]:
    stale = [freshness_line(freshness)] if freshness.running or freshness.problem else []
    corrected = [corrected_line(found.corrected)] if found.corrected else []
    return _noted([*stale, *corrected, *found.warnings])


def _noted(notices: Iterable[str]) -> list[str]:
    return [f"Note: {safe_line(notice)}" for notice in notices]


def _cited(citation: Citation) -> str:
    about = [safe_line(one) for one in (citation.note_date, " > ".join(citation.heading)) if one]
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
    changed = not checked.is_sound and place is not None
    return f"{line}\n{_quoted(place.text)}" if changed and place else line
