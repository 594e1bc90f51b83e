"""Results as text for a language model: what it needs to answer and to cite, within a budget.

Whatever comes from notes is quoted line by line, so that a note cannot pass for ragqa's own words.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ragqa.answering.shown import citation_text, passage_text
from ragqa.diagnosis import Status
from ragqa.explaining.explanation import Explanation
from ragqa.getting import NotePart
from ragqa.passages import tokens
from ragqa.render.documents import skipped_document
from ragqa.render.explanations import verdict, word_lines
from ragqa.render.parts import part_document
from ragqa.sanitise import safe_line, safe_text
from ragqa.serving.warm import Freshness
from ragqa.types import (
    Answer,
    Citation,
    NoteList,
    SearchResult,
    Verdict,
    counted,
)
from ragqa.verifying.checking import Checked, Verification
from ragqa.verifying.current_notes import Stretch

_MOST_NAMED = 8
_MOST_SKIPPED = 10

_VERDICTS = {
    Verdict.ANSWERED: "The notes answer this",
    Verdict.CLOSE: "The notes come close, but may not answer this",
    Verdict.NOT_IN_NOTES: "The notes do not answer this",
}


@dataclass(frozen=True, slots=True)
class Result:
    """What a tool gives: text for the model and the same as data for a program."""

    text: str
    data: dict[str, Any]


def answer_text(answer: Answer, freshness: Freshness, budget: int) -> str:
    """An answer with its citations."""
    blocks = [f"{_VERDICTS[answer.verdict]} (confidence {answer.confidence:.2f})."]
    if answer.missing:
        blocks.append(f"Not in these quotes: {safe_line(', '.join(answer.missing))}.")
    blocks += [_cited(citation) for citation in answer.citations]
    for one in answer.disagreements:
        sides = " but ".join(
            f"{_place(side)} says {safe_line(says)!r}"
            for side, says in zip(one.citations, one.says, strict=True)
        )
        blocks.append(f"The notes disagree: {sides}.")
    if not answer.citations and answer.hits:
        near = (safe_line(hit.passage.path) for hit in answer.hits)
        blocks.append(f"Nearest notes: {', '.join(dict.fromkeys(near))}.")
    return within(blocks, budget, "ask again with a larger max_tokens", _notices(answer, freshness))


def search_text(result: SearchResult, freshness: Freshness, budget: int) -> str:
    """The passages found, best first."""
    blocks = [f"{counted(len(result.hits), 'passage')} found, best first."]
    for number, hit in enumerate(result.hits, start=1):
        passage = hit.passage
        place = f"{safe_line(passage.path)}:{passage.lines[0]}-{passage.lines[1]}"
        blocks.append(
            f"{number}. {place}  {safe_line(passage.trail)}\n{_quoted(passage_text(passage))}"
        )
    more = "ask for fewer with limit, or read one with get"
    return within(blocks, budget, more, _notices(result, freshness))


def part_result(part: NotePart, budget: int) -> Result:
    """Lines of a note; where they do not fit, the address to go on with."""
    note = part.note
    lines = part.text.split("\n")
    kept = _fitting(lines, budget)
    last = part.lines[0] + max(kept, 1) - 1
    shown = "\n".join(lines[: max(kept, 1)])
    head = f"{safe_line(note.path)}:{part.lines[0]}-{last} of {counted(part.total_lines, 'line')}"
    about = [safe_line(one) for one in (note.date, " > ".join(part.heading) or note.title) if one]
    blocks = ["  ".join([head, *about]), _numbered(shown.split("\n"), part.lines[0])]
    following = f"{note.path}:{last + 1}:{part.lines[1]}" if last < part.lines[1] else ""
    if following:
        blocks.append(f"Cut here. To go on: get {safe_line(following)!r}")
    data = part_document(part) | {
        "lines": [part.lines[0], last],
        "text": shown,
        "next": following or None,
    }
    return Result("\n".join(blocks), data)


def joined(results: Sequence[Result]) -> Result:
    """Several parts of notes as one result."""
    text = "\n\n".join(result.text for result in results)
    return Result(text, {"parts": [result.data for result in results]})


def verification_text(verification: Verification, budget: int) -> str:
    """Whether each quote still stands."""
    sound = "All quotes stand" if verification.is_sound else "Not all quotes stand"
    blocks = [f"{sound}.", *map(_checked, verification.checked)]
    return within(blocks, budget, "verify fewer at once", verification.warnings)


def explanation_text(explanation: Explanation, budget: int) -> str:
    """Why a note is in an answer, or is not."""
    blocks = [safe_line(line) for line in (verdict(explanation), *word_lines(explanation))]
    return within(blocks, budget, "", explanation.warnings)


def status_result(status: Status, listed: NoteList, freshness: Freshness) -> Result:
    """What is indexed, and how current it is."""
    made = f"made {safe_line(status.info.created)}"
    size = f"Index of {counted(status.info.passages, 'passage')}, {made}."
    blocks = [overview(listed), f"{size} {freshness_line(freshness)}"]
    if status.skipped:
        blocks.append(f"{counted(len(status.skipped), 'file')} skipped:")
        blocks += [
            f"- {safe_line(one.path)}: {safe_line(one.reason)}"
            for one in status.skipped[:_MOST_SKIPPED]
        ]
    data = {
        "notes": status.info.notes,
        "passages": status.info.passages,
        "created": status.info.created,
        "fresh": status.is_fresh,
        "updating": str(freshness.running) if freshness.running else None,
        "problem": freshness.problem or None,
        "tags": listed.tags,
        "skipped": skipped_document(status.skipped),
    }
    return Result("\n".join(blocks), data)


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
        return f"Up to date since {freshness.updated:%Y-%m-%d %H:%M:%S}."
    return "It is used as it is."


def within(blocks: Iterable[str], budget: int, more: str, notices: Sequence[str] = ()) -> str:
    """Join blocks as far as the budget of tokens goes, and say what was left out.

    :param more: how to get the rest, "" if there is no way.
    """
    blocks = [*blocks]
    last = [f"Note: {safe_line(notice)}" for notice in notices]
    kept = _fitting(blocks, budget - sum(tokens.count(last)))
    if kept < len(blocks):
        how = f": {more}" if more else ""
        last.append(f"Cut: {len(blocks) - kept} of {counted(len(blocks), 'part')} left out{how}.")
    shown = blocks[:kept] or [_shortened(blocks[0], budget)]
    return "\n\n".join([*shown, *last])


def _fitting(texts: Sequence[str], budget: int) -> int:
    """How many of the first texts fit."""
    used = 0
    for number, count in enumerate(tokens.count(texts)):
        used += count + 1
        if used > budget:
            return number
    return len(texts)


def _shortened(text: str, budget: int) -> str:
    return text[: 3 * budget]


def _notices(found: Answer | SearchResult, freshness: Freshness) -> list[str]:
    stale = [freshness_line(freshness)] if freshness.running or freshness.problem else []
    corrected = [f"read {one.typed!r} as {one.read!r}" for one in found.corrected]
    return [*stale, *corrected, *found.warnings]


def _cited(citation: Citation) -> str:
    about = [safe_line(one) for one in (citation.note_date, " > ".join(citation.heading)) if one]
    head = "  ".join([f"[{citation.n}] {_place(citation)}", *about])
    context = f"{_quoted(citation.context)}\n" if citation.context else ""
    return f"{head}\n{context}{_quoted(citation_text(citation))}"


def _place(at: Citation | Stretch) -> str:
    lines = f"{at.path}:{at.lines[0]}-{at.lines[1]}"
    return safe_line(f"{at.path}, {at.locator}" if at.locator else lines)


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in safe_text(text).split("\n"))


def _numbered(lines: Sequence[str], first: int) -> str:
    return "\n".join(f"{n:>4} {safe_text(line)}" for n, line in enumerate(lines, start=first))


def _checked(checked: Checked) -> str:
    citation, place = checked.citation, checked.place
    line = f"[{citation.n}] {checked.standing}"
    if place:
        line += f": {_place(place)}"
    if checked.reason:
        line += f" ({safe_line(checked.reason)})"
    changed = not checked.is_sound and place is not None
    return f"{line}\n{_quoted(place.text)}" if changed and place else line
