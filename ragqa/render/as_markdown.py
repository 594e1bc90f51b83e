"""An answer as Markdown, for files, pipes and assistants.

What notes say is escaped, or the source of an excerpt in a fence that it cannot close.
"""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from ragqa.answering.candidates import context_of
from ragqa.lookup import reference_to
from ragqa.notes.formats import fragment
from ragqa.render import view
from ragqa.render.excerpts import quoted_words
from ragqa.safe import safe_line, safe_text
from ragqa.saved import defused, record_of
from ragqa.text.dates import date_shown
from ragqa.types import Answer, Citation, Hit, Passage, WrittenSentence, trail_text
from ragqa.types.answers import Cited

if TYPE_CHECKING:
    from ragqa.follow_ups import Exchange

# Starts markup in CommonMark, GitHub's dialect, Obsidian or TeX math. Escaping the bracket
# disarms an image; lists are escaped at the start of a line only.
_MARKUP = re.compile(r"[\\`*_{}\[\]<>#|~$^=%&@]|(?<=www)\.|(?<=mailto):|:(?=//|:)", re.IGNORECASE)
_LIST = re.compile(r"^(\d{0,9})(?=[-+:.)])")
_SPACE = re.compile(r"\s+")
_FENCE_END = re.compile(r"\n*[ \t]*(?:`{3,}|~{3,})[ \t]*\Z|\n+\Z")

_FIRST = 80
"""The characters that are shown of a further excerpt."""

_VERIFY_BY = (
    "From this record, `ragqa verify FILE` can check later whether the notes still say the same."
)
_NO_SOURCE = "This record marks the file as an answer, so that ragqa quotes nothing from it."


@dataclass(frozen=True, slots=True)
class TextPart:
    """A part of a text; the document has it as an entry of the list `key`, "" for none."""

    text: str
    key: str = ""
    entry: int = 0


def answer_markdown(answer: Answer, *, record: bool = True) -> str:
    """The answer with its sources, and the record that `ragqa verify` reads."""
    texts = [f"# {escaped(answer.question)}", *_body(answer, "##")]
    return _joined([*texts, *(_record(answer) if record else ())])


def chat_markdown(exchanges: "Sequence[Exchange]") -> str:
    """A chat of at least one exchange, with one record of all citations."""
    from ragqa.follow_ups import numbered  # late: a single answer does not need it

    exchanges = list(numbered(exchanges))
    texts = ["# Chat"]
    for exchange in exchanges:
        asked, answer = exchange.asked, exchange.answer
        texts.append(f"## {escaped(asked)}")
        if answer.question != asked:
            texts.append(f"Asked as: {escaped(answer.question)}")
        texts += _body(answer, "###")
    first = exchanges[0].asked
    rest = len(exchanges) - 1
    cited = tuple(citation for exchange in exchanges for citation in exchange.answer.citations)
    title = f"{first} (and {rest} more)" if rest else first
    last = replace(exchanges[-1].answer, question=title, citations=cited)
    return _joined([*texts, *_record(last)])


def _joined(texts: Sequence[str]) -> str:
    return "\n\n".join(texts) + "\n"


def _body(answer: Answer, level: str) -> Iterator[str]:
    """What an LLM wrote, how far to trust the answer, and its sources."""
    if corrected := view.corrected_line(answer.corrected):
        yield escaped(corrected)
    written = answer.written if answer.written and answer.written.is_answer else None
    if written:
        yield "".join(map(_written, written.sentences)).strip()
    if trust := view.trust_line(answer):
        yield f"**{escaped(trust)}**"
    if written:
        yield escaped(view.written_by(written))
    yield from (part.text for part in answer_parts(answer, level, whole=not answer.sure))
    if warnings := answer.every_warning:
        yield f"{level} Warnings"
        yield "\n".join(f"- {escaped(warning)}" for warning in warnings)


def _record(answer: Answer) -> Iterator[str]:
    """The record that `ragqa verify` reads."""
    yield _VERIFY_BY if answer.citations else _NO_SOURCE
    yield f"```json\n{record_of(answer)}\n```"


def answer_parts(answer: Answer, level: str = "##", *, whole: bool) -> Iterator[TextPart]:
    """Sources, statements of other dates and further excerpts, or else the nearest passages.

    :param whole: give further excerpts whole, too, and not the first words of each.
    """
    is_written = answer.written is not None and answer.written.is_answer
    further = cited if whole else _first_words
    passages = () if answer.citations else enumerate(answer.hits, start=1)
    sections: list[tuple[str, str, Iterable[str]]] = [
        ("Sources" if is_written else "", "citations", map(cited, answer.citations)),
        (view.history_title(answer), "earlier", map(further, answer.earlier)),
        ("Further excerpts", "also", map(further, answer.also)),
        ("Nearest passages", "passages", (found(f"{n}.", hit) for n, hit in passages)),
    ]
    for title, key, texts in sections:
        for entry, text in enumerate(texts):
            heading = f"{level} {title}\n\n" if title and not entry else ""
            yield TextPart(heading + text, key, entry)


def cited(citation: Citation) -> str:
    """The numbered place of a citation, and below it its source with what stands around it."""
    labels = " | ".join(view.labels_of(citation))
    context = ": ".join(filter(None, (view.context_line(citation), labels)))
    return _sourced(_numbered(citation), context, citation.shown)


def found(label: str, hit: Hit) -> str:
    """The place of a passage after a label, and below it its source."""
    passage = hit.passage
    place = _place(passage, hit.locator, trail_text(passage.title, passage.heading, view.BELOW))
    return _sourced(f"{label} {place}", context_of(passage), passage.text)


def _sourced(place: str, context: str, source: str) -> str:
    texts = [place, f"> {escaped(context)}" if context else "", fenced(source)]
    return "\n\n".join(filter(None, texts))


def _first_words(citation: Citation) -> str:
    words = quoted_words(citation)
    cut = f"{words[:_FIRST].rsplit(' ', 1)[0]} \u2026" if len(words) > _FIRST else words
    return f"{_numbered(citation)}: {escaped(cut)}"


def _numbered(citation: Citation) -> str:
    trail = view.BELOW.join(citation.heading)
    return f"{citation.n}. {_place(citation, citation.locator, trail)}"


def _place(source: Citation | Passage, locator: str, trail: str) -> str:
    """A place with the date of its note and its headings, linked from the notes' folder."""
    date = date_shown(source)
    when = date and f" ({within_line(date)})"
    target = quote(os.fsencode(source.path), safe="/") + fragment(locator)
    link = f"[{within_line(reference_to(source.path, source.lines, locator))}]({target})"
    return f"{link}{when}{view.BELOW if trail else ''}{within_line(trail)}"


def _written(sentence: WrittenSentence) -> str:
    """A sentence of an LLM: lists and code keep their markup, the rest is escaped."""
    lead, mark = sentence.lead.replace("#", ""), within_line(view.source_mark(sentence))
    if "\n" not in sentence.text:
        # Markdown ignores a single line break.
        lead = "\\\n" if lead.strip(" ") == "\n" else lead
        return f"{lead}{_cited(sentence.cited)}{mark and ' '}{mark}"
    code = _FENCE_END.sub("", sentence.text.partition("\n")[2])
    numbers = _cited(sentence.cited[len(sentence.parts) :]).strip()
    return f"\n\n{fenced(code)}\n\n{numbers}{mark and ' '}{mark}\n"


def _cited(parts: Cited) -> str:
    """The numbers of citations as they are, since nothing in the file makes them links."""
    return "".join(f"[{part}]" if isinstance(part, int) else _escape(part) for part in parts)


def escaped(text: str) -> str:
    """Escape text so that Markdown shows it literally, on one line."""
    return _LIST.sub(r"\1\\", within_line(text))


def within_line(text: str) -> str:
    """Like `escaped`, for text that does not begin a line."""
    return _escape(text).strip(" ")


def _escape(text: str) -> str:
    return _MARKUP.sub(r"\\\g<0>", safe_line(_SPACE.sub(" ", text)))


def fenced(text: str) -> str:
    """Text as a code block, with a fence longer than any in the text."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}\n{safe_text(defused(text))}\n{fence}"
