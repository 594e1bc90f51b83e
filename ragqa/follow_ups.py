"""What a chat understands: its commands, and questions that lean on the one before.

These refer back ("does it help?"), continue without a subject ("and for tables?"), or have no
content word ("why?"); docs/decisions/answers.md says what they take from the one before.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ragqa.api.index import Index
from ragqa.errors import NoIndex, UsageError
from ragqa.index import Snapshot
from ragqa.languages import ENGLISH
from ragqa.search.question import MAX_QUESTION_BYTES, languages_for
from ragqa.search.spelling import best_by_terms
from ragqa.text.dates import moments_of
from ragqa.text.names import names_of
from ragqa.text.words import blank, compiled, is_stop_word, one_of, query_terms, table
from ragqa.types import Answer, Span

COMMANDS = {
    "/next": "the further excerpts in full, then the next ones",
    "/open": "N: open source N in your editor, at its line",
    "/sources": "the sources of the last answer in full",
    "/why": "NOTE: why a note is in the last answer, or is not",
    "/save": "FILE: write the chat as Markdown, which ragqa verify can check",
    "/new": "forget the conversation and change the subject",
    "/help": "list the commands",
    "/quit": "leave (so does Ctrl-D)",
}
"""Each command with its help text."""

_COMMAND = re.compile(r"(/\w*)(?:\s+(.*))?", re.DOTALL)

# docs/decisions/answers.md has where these are from. A subject has so many content words.
_MAX_CARRIED = 2
_ANTECEDENT = 3
_HEADING_CHARS = 80
_EDGES = "\"'`*_.,;:?!()[]{}<>\u2018\u2019\u201c\u201d\u2026"
# What goes on to a whole question is read like any other.
_CONTINUES = (
    r"(?i)(and|or|but|so|then|also|plus|ok|okay|(what|how) about|what if|why not|how (so|come)"
    r"|in|on|at|for|with|without|from|by|since|during|before|after)\b"
    rf"(?!,? (?:{one_of('auxiliaries')})\b"
    r"|.*\b(?:who|whom|whose|when|where|why|how|what|which)\b)"
)
_TIME = (
    r"(?i)\b(?:(?:this|last|past|next) (?:week|month|year|morning|afternoon|evening|night)"
    r"|today|yesterday|tomorrow)\b"
)
# These refer back only as the last word.
_REFERRING_LAST = frozenset(("one", "then", "too", "there", "mine"))
_BEGIN_CLAUSE = frozenset(("and", "or", "but", "if", "when", "because", "how", "what", "why"))
_COMPARED = frozenset(("than", "to", "or"))


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question as asked, and its answer, whose `question` stands alone."""

    asked: str
    answer: Answer


def command_in(line: str) -> tuple[str, str] | None:
    """The command that a line is, and its argument, "" for none; None for a question.

    :raises UsageError: there is no such command.
    """
    match = _COMMAND.fullmatch(line.strip())
    if match is None:
        return None
    name, argument = match[1], (match[2] or "").strip()
    if name not in COMMANDS:
        raise UsageError(f"there is no command {name}", hint="/help lists all commands")
    return name, argument


def numbered(exchanges: Sequence[Exchange]) -> Iterator[Exchange]:
    """Number the sources of all exchanges consecutively, so that one list can hold them."""
    before = 0
    for exchange in exchanges:
        yield replace(exchange, answer=_renumbered(exchange.answer, before))
        shown = (*exchange.answer.citations, *exchange.answer.also)
        before += max((citation.n for citation in shown), default=0)


def _renumbered(answer: Answer, by: int) -> Answer:
    written = answer.written
    if written is not None:
        sentences = [
            replace(
                sentence,
                parts=tuple(p + by if isinstance(p, int) else p for p in sentence.parts),
                citations=tuple(n + by for n in sentence.citations),
            )
            for sentence in written.sentences
        ]
        written = replace(written, sentences=tuple(sentences))
    return replace(
        answer,
        citations=tuple(replace(citation, n=citation.n + by) for citation in answer.citations),
        also=tuple(replace(citation, n=citation.n + by) for citation in answer.also),
        written=written,
    )


@dataclass(frozen=True, slots=True)
class _QuestionWord:
    """A word as written, with its search terms, () for a stop word."""

    text: str
    terms: tuple[str, ...]
    ends_clause: bool

    @property
    def folded(self) -> str:
        return self.text.casefold().replace("\u2019", "'")


def stand_alone(index: Index, asked: str, earlier: Sequence[Exchange]) -> str:
    """Make a question stand alone; one that already does is returned unchanged."""
    before: Answer | None = None
    for exchange in earlier:
        if exchange.answer.citations:
            before = exchange.answer
        elif exchange.asked == exchange.answer.question:
            before = None  # it changed the subject to something that the notes lack
    try:
        return completed(asked, before, index.snapshot()) if before else asked
    except NoIndex:
        return asked


def completed(question: str, before: Answer, snapshot: Snapshot) -> str:
    """Complete a question with words of the one that it leans on, in parentheses, or leave it.

    A date of its own replaces that of the one before, and so does a name if it only continues.
    """
    languages = languages_for(snapshot, question)
    times = [time.span() for time in compiled(_TIME).finditer(question)]
    words = list(_words(blank(question, times), languages))
    own = [term for word in words for term in word.terms]
    # Only of English is it known what refers back.
    is_english = languages[0] == ENGLISH
    opening = _opening(words)
    refers = not own or (
        is_english and any(_refers(words, at, opening) for at in range(len(opening)))
    )
    is_short = sum(bool(word.terms) for word in words) < _ANTECEDENT
    goes_on = is_english and is_short and compiled(_CONTINUES).match(question.lstrip())
    if not (refers or goes_on):
        return question
    asked, replaced = before.looked_for, list[Span]()
    if times or moments_of(question):
        replaced += [moment.span for moment in moments_of(asked)]
    if not refers and names_of(question):
        replaced += [(name.start, name.end) for name in names_of(asked)]
    carried = _carried(blank(asked, replaced), before, snapshot)
    carried = [text for text in carried if not set(own).issuperset(query_terms(text, languages))]
    if not carried or (not refers and _stand_apart(own, carried, snapshot)):
        return question
    end = "" if question.rstrip().endswith(("?", ".", "!")) else "?"
    longer = f"{question.rstrip()}{end} ({', '.join(carried)})"
    return longer if len(longer.encode("utf-8")) <= MAX_QUESTION_BYTES else question


def _stand_apart(own: Sequence[str], carried: Sequence[str], snapshot: Snapshot) -> bool:
    """Whether passages have all of a question's own terms, and none of these a carried word."""
    terms = _terms(carried)
    searches = (own, [*own, *terms])
    passages = [passage for terms in searches for passage in best_by_terms(snapshot, terms, 20)]
    texts = [_terms([passage.embedded_text], (passage.language,)) for passage in passages]
    together = [text for text in texts if text.issuperset(own)]
    return bool(together) and all(text.isdisjoint(terms) for text in together)


def _opening(words: Sequence[_QuestionWord]) -> Sequence[_QuestionWord]:
    """The first clause with a content word, and what is before it: what follows refers to that."""
    for at, word in enumerate(words):
        begins = word.folded in _BEGIN_CLAUSE or (at and words[at - 1].ends_clause)
        if begins and any(before.terms for before in words[:at]):
            return words[:at]
    return words


def _refers(words: Sequence[_QuestionWord], at: int, opening: Sequence[_QuestionWord]) -> bool:
    """Whether the word at a position in the opening refers back beyond its own question."""
    if sum(bool(word.terms) for word in words[:at]) >= _ANTECEDENT:
        return False
    word = words[at].folded
    if word == "that":
        # After a content word it begins a clause: "models that reason".
        return at in (0, len(opening) - 1) or not words[at - 1].terms
    if word in table("comparing"):
        return _COMPARED.isdisjoint(after.folded for after in words[at:])
    return word in table("referring") or (word in _REFERRING_LAST and at == len(opening) - 1)


def _carried(asked: str, before: Answer, snapshot: Snapshot) -> list[str]:
    """The rarest words that the cited notes have of a question, in its order; else a heading."""
    languages = languages_for(snapshot, before.looked_for)
    headed = _terms((" ".join(citation.heading) for citation in before.citations), languages)
    cited = headed | _terms((citation.quote for citation in before.citations), languages)
    words = {word.text: word for word in _words(asked, languages) if word.terms}
    idf = snapshot.idf([term for word in words.values() for term in word.terms])

    def weight(word: _QuestionWord) -> tuple[bool, float]:
        return headed.issuperset(word.terms), max(idf[term] for term in word.terms)

    known = [word for word in words.values() if cited.issuperset(word.terms)]
    best = sorted(known, key=weight, reverse=True)[:_MAX_CARRIED]
    heading = next((citation.heading for citation in before.citations if citation.heading), ())
    if not best and heading and asked == before.looked_for:
        return [" ".join(heading[-1].split())[:_HEADING_CHARS]]
    return [word.text for word in known if word in best]


def _words(text: str, languages: Sequence[str]) -> Iterator[_QuestionWord]:
    for token in text.split():
        if written := token.strip(_EDGES):
            is_stop = is_stop_word(written, languages[0])
            terms = () if is_stop else tuple(query_terms(written, languages))
            yield _QuestionWord(written, terms, token[-1] in ",;:.?!")


def _terms(texts: Iterable[str], languages: Sequence[str] = (ENGLISH,)) -> frozenset[str]:
    return frozenset(term for text in texts for term in query_terms(text, languages))
