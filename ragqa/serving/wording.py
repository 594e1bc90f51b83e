"""Results as text for a language model, as far as they fit; what notes say is in fences."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, takewhile

from ragqa import types
from ragqa.lookup import NotePart, reference_to
from ragqa.passages import token_counts
from ragqa.related import RelatedNotes
from ragqa.render import Document
from ragqa.render.as_markdown import TextPart, answer_parts, fenced, found
from ragqa.render.explanations import ranks_line, verdict_line
from ragqa.render.view import BELOW, corrected_line, trust_line
from ragqa.safe import safe_line, safe_text
from ragqa.saved import Checked, Verification
from ragqa.serving.updates import Freshness
from ragqa.types import Answer, Citation, Hit, NoteList, SearchResult, counted
from ragqa.why import Explanation

MORE = "a larger max_tokens gives more"
_CUT, _GAP = "\u2026", "\n\n"
_CHARS = 4
"""The characters that a token has, about."""

_MOST_NAMED = 8

_MAY_BE_WRONG = (
    "The first excerpt may be the wrong one: compare it with those below before you answer."
)


@dataclass(frozen=True, slots=True)
class Said:
    """A result in words; `lists` are lists of the document that keep only what a part shows."""

    head: str
    parts: Sequence[TextPart]
    notices: Sequence[str] = ()
    gap: str = _GAP
    lists: Sequence[str] = ()

    def within(self, document: Document, budget: int) -> tuple[str, Document]:
        """As many whole parts as fit, one at least, and the document with the entries shown."""
        around = [self.head, *self.notices]
        fits = _fitting([*around, *(part.text for part in self.parts)], budget) - len(around)
        shown = self.parts[: max(1, fits)]
        texts = [self.head, self.gap.join(part.text for part in shown), *self.notices]
        if left := len(self.parts) - len(shown):
            texts.append(f"Left out: {left} of {counted(len(self.parts), 'part')}; {MORE}.")
        lists = {
            key: [document[key][part.entry] for part in shown if part.key == key]
            for key in {*self.lists, *(part.key for part in self.parts)} - {""}
        }
        return _GAP.join(filter(None, texts)), document | lists


def answer_said(answer: Answer, freshness: Freshness) -> Said:
    """An answer with its citations, then further excerpts, then passages."""
    cited = [*answer.citations, *answer.earlier, *answer.also]
    parts = list(answer_parts(answer, whole=True))
    if cited:
        passages = _parts("passages", (found("Passage:", hit) for hit in answer.hits))
        pairs = zip(answer.hits, passages, strict=True)
        parts += [passage for hit, passage in pairs if not _is_quoted(hit, cited)]
    head = _GAP.join(filter(None, [_MAY_BE_WRONG if cited else "", trust_line(answer)]))
    return Said(head, parts, _notices(answer, freshness), lists=("passages",))


def search_said(result: SearchResult, freshness: Freshness) -> Said:
    """The passages found, best first."""
    texts = (found(f"{number}.", hit) for number, hit in enumerate(result.hits, start=1))
    head = f"{counted(len(result.hits), 'passage')} found, best first."
    return Said(head, _parts("hits", texts), _notices(result, freshness))


def _parts(key: str, texts: Iterable[str]) -> list[TextPart]:
    """The parts for one list of the document."""
    return [TextPart(text, key, entry) for entry, text in enumerate(texts)]


def _is_quoted(hit: Hit, citations: Iterable[Citation]) -> bool:
    """Whether most of a passage is shown with one of the citations."""
    path, start, end = hit.passage.path, hit.passage.start, hit.passage.end
    own = (citation.around or citation.chars for citation in citations if citation.path == path)
    return any(2 * (min(last, end) - max(first, start)) > end - start for first, last in own)


@dataclass(frozen=True, slots=True)
class PartSaid:
    """Some lines of a note in words."""

    part: NotePart

    def within(self, document: Document, budget: int) -> tuple[str, Document]:
        """Whole lines, as many as fit, one at least; else the address to go on with."""
        part, note, (first, last) = self.part, self.part.note, self.part.lines
        lines, width = part.text.split("\n"), max(4, *map(len, part.margin))
        margin = [f"{safe_line(beside):>{width}} " for beside in part.margin]
        numbered = (f"{beside}{line}\n" for beside, line in zip(margin, lines, strict=False))
        fits = _fitting(numbered, budget)
        shown = lines[: fits or 1]
        if not fits and len(lines[0]) > _CHARS * budget:  # a paragraph may be one line
            shown = [lines[0][: _CHARS * budget] + _CUT]
        after = first + len(shown)
        following = f"{note.path}:{after}-{last}" if after <= last else ""
        about = "  ".join(filter(None, (note.date, BELOW.join(part.heading) or note.title)))
        of = "" if part.locator else f" of {counted(part.total_lines, 'line')}"
        place = reference_to(note.path, (first, after - 1), part.locator)
        texts = [safe_line(f"{place}{of}  {about}").rstrip()]
        texts += [b + safe_text(line) for b, line in zip(margin, shown, strict=False)]
        if following:
            texts.append(f"Cut here. To go on: get {safe_line(following)!r}")
        elif shown != lines:
            texts.append(f"Cut here: {MORE}.")
        whole = {"lines": [first, after - 1], "text": "\n".join(shown), "next": following or None}
        return "\n".join(texts), document | whole


def related_said(result: RelatedNotes) -> Said:
    """The notes near a note, each with the reasons."""
    texts = []
    for n, near in enumerate(result.related, start=1):
        about = "  ".join(filter(None, (near.note.path, near.note.date, near.note.title)))
        texts.append(f"{n}. {safe_line(about)}\n   {'; '.join(near.why)}")
    notes = counted(len(texts), "note") if texts else "No note"
    verb = "is" if len(texts) < 2 else "are"
    head = safe_line(f"{notes} {verb} near {result.note.path}.")
    return Said(head, _parts("related", texts), _noted(result.warnings))


def list_said(listed: NoteList, what: str, limit: int) -> Said:
    """A line for each note, or for each tag."""
    if what == "tags":
        lines = [f"{n}  {safe_line(tag)}" for tag, n in listed.tags.items()]
    else:
        about = (
            (note.path, note.date, note.title, " ".join(f"#{tag}" for tag in note.tags))
            for note in listed.notes
        )
        lines = [safe_line("  ".join(filter(None, parts))) for parts in about]
    head = f"{counted(len(lines), what.removesuffix('s'))}."
    if len(lines) > limit:
        head = f"{limit} of {head} A larger limit or a filter gives others."
    return Said(head, _parts(what, lines)[:limit], _noted(listed.warnings), gap="\n")


def verification_said(verification: Verification) -> Said:
    """Whether each quote still stands."""
    head = "All quotes stand." if verification.is_sound else "Not all quotes stand."
    parts = _parts("citations", map(_checked, verification.checked))
    return Said(head, parts, _noted(verification.warnings))


def explanation_said(explanation: Explanation) -> Said:
    """Why a note is in an answer, or is not."""
    quote = explanation.sentence.quote if explanation.sentence else ""
    lines = (verdict_line(explanation), ranks_line(explanation), quote)
    parts = [TextPart(safe_line(line)) for line in lines if line]
    return Said("", parts, _noted(explanation.warnings))


def status_said(status: Document, listed: NoteList) -> Said:
    """What is indexed, and how current it is; `status` is the document."""
    passages, skipped = counted(status["index"]["passages"], "passage"), status["skipped"]
    made = f"Index of {passages}, made {safe_line(status['created'])}. {status['server']['state']}"
    lines = types.by_kind(types.Remark(skip["path"], skip["reason"]) for skip in skipped)
    heads = [made, *([f"{counted(len(skipped), 'file')} skipped:"] if skipped else [])]
    texts = (*heads, *(f"- {safe_line(line)}" for line in lines))
    return Said(overview(listed), list(map(TextPart, texts)))


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


def _notices(result: Answer | SearchResult, freshness: Freshness) -> list[str]:
    stale = [freshness.line] if freshness.running or freshness.problem else []
    corrected = corrected_line(result.corrected)
    return _noted(filter(None, [*stale, corrected, *result.warnings]))


def _noted(notices: Iterable[str]) -> list[str]:
    return [f"Note: {safe_line(notice)}" for notice in notices]


def _checked(checked: Checked) -> str:
    citation, place = checked.citation, checked.place
    line = f"[{citation.n}] {checked.standing}"
    if place:
        line += f": {safe_line(reference_to(place.path, place.lines, place.locator))}"
    if checked.reason:
        line += f" ({safe_line(checked.reason)})"
    if place and not (checked.is_sound and place.text == citation.quote):
        line += f"\n\n{fenced(place.text)}"
    return line


def _fitting(texts: Iterable[str], budget: int) -> int:
    """How many of these texts fit together, from the first."""
    used = accumulate(token_counts(texts))
    return sum(1 for _ in takewhile(lambda size: size <= budget, used))
