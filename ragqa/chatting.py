"""What a chat understands: its commands, and questions that lean on the one before.

A rule adds the words of the previous question that a follow-up omits. A follow-up needs context
if its form says so: it refers back ("does it help?"), continues without a subject of its own ("and
for tables?"), or has no content word ("why?"). If the form is inconclusive, it needs context if the
notes have nothing for it although they know all of its words. The words added are the rarest words
of the previous question that occur in the notes cited for it, those in headings first; if none
occurs there, the heading of a cited note.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ragqa.api.index import Index
from ragqa.errors import UsageError
from ragqa.languages import ENGLISH
from ragqa.places import CITED
from ragqa.search.question import MAX_QUESTION_BYTES, languages_for, read_question
from ragqa.search.retrieve import retrieve
from ragqa.search.spelling import best_by_terms, idf_in
from ragqa.stores import Snapshot
from ragqa.text.words import compiled, is_stop_word, one_of, query_terms, table
from ragqa.types import Answer, Filters, Hit

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

# docs/decisions/answers.md has where these are from.
_MAX_CARRIED = 2
_FOUND_SCORE = 0.8
"""The notes have something for a question if its best passage scores at least this."""
_RARE_SHARE = 0.4
"""They also do if that passage's heading has a word of it with this share of the highest idf."""
_SELF_CONTAINED = 5
"""A question with this many content words stands alone."""
_ANTECEDENT = 3
"""So many content words are a subject of its own, to which a pronoun after them refers."""
_RARE = 8  # The most passages that have a lone word which is a subject of its own.
_HEADING_CHARS = 80
_ROUNDING = 1e-6
_EDGES = "\"'`*_.,;:?!()[]{}<>\u2018\u2019\u201c\u201d\u2026"
# What goes on to a whole question is read like any other.
_CONTINUES = (
    r"(?i)(and|or|but|so|then|also|plus|ok|okay|(what|how) about|what if|why not|how (so|come))\b"
    rf"(?!,? (?:{one_of('auxiliaries')})\b"
    r"|.*\b(?:who|whom|whose|when|where|why|how|what|which)\b)"
)
# These refer back only as the last word.
_REFERRING_LAST = frozenset(("one", "then", "too", "there", "mine"))
_COMPARED = frozenset(("than", "to"))

_Find = Callable[[str], tuple[Mapping[str, float], Sequence[Hit]]]
"""Gives the idf of a question's terms, and the best passage for it."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question as asked, and its answer, whose `question` stands alone.

    If the user stopped an LLM while it wrote, the answer is the extractive one.
    """

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
    numbers = {citation.n for citation in answer.citations}

    def shift(mark: re.Match[str]) -> str:
        n = int(mark[1])
        return f"[{n + by}]" if n in numbers else mark[0]

    written = answer.written
    if written is not None:
        sentences = [
            replace(sentence, citations=tuple(n + by for n in sentence.citations))
            for sentence in written.sentences
        ]
        written = replace(written, sentences=tuple(sentences))
    return replace(
        answer,
        text=CITED.sub(shift, answer.text),
        citations=tuple(replace(citation, n=citation.n + by) for citation in answer.citations),
        also=tuple(replace(citation, n=citation.n + by) for citation in answer.also),
        written=written,
    )


@dataclass(frozen=True, slots=True)
class _QuestionWord:
    """A word as written, with its search terms, () for a stop word."""

    text: str
    terms: tuple[str, ...]

    @property
    def folded(self) -> str:
        return self.text.casefold().replace("\u2019", "'")


def stand_alone(
    index: Index, asked: str, earlier: Sequence[Exchange], *, filters: Filters | None = None
) -> str:
    """Make a question stand alone; one that already does is returned unchanged.

    :param earlier: all earlier exchanges.
    :raises UsageError: the question has nothing to search for, or is too long.
    :raises IndexUnusable: the index cannot be trusted.
    """
    leant_on = context(earlier)
    if not leant_on or not index.is_built():
        return asked
    snapshot, filters = index.snapshot(), filters or Filters()

    def find(text: str) -> tuple[Mapping[str, float], Sequence[Hit]]:
        read = read_question(snapshot, index.source.embedders.asking, text, filters=filters)
        return read.idf, retrieve(snapshot, read, k=1, filters=filters, contexts=index.contexts)

    before = leant_on[-1].answer
    needs = needs_context(asked, before, snapshot, find)
    return completed(asked, before, snapshot) if needs else asked


def context(earlier: Sequence[Exchange]) -> list[Exchange]:
    """The exchanges that a question may depend on: those with an answer.

    An unanswered question that stood alone changed the topic to something the notes lack, so
    follow-ups do not refer to what was said before it.
    """
    kept: list[Exchange] = []
    for exchange in earlier:
        if exchange.answer.citations:
            kept.append(exchange)
        elif exchange.asked == exchange.answer.question:
            kept.clear()
    return kept


def needs_context(question: str, before: Answer, snapshot: Snapshot, find: _Find) -> bool:
    """Whether a question depends on the one before it; its form is only known in English."""
    languages = languages_for(snapshot, question)
    is_english = languages[0] == ENGLISH
    words = list(_words(question, languages))
    content_words = sum(bool(word.terms) for word in words)
    continues = is_english and compiled(_CONTINUES).match(question.lstrip())
    if not content_words:
        return True
    refers = is_english and any(_refers(words, at) for at in range(len(words)))
    if continues and content_words < _ANTECEDENT:
        return refers or not _has_own_subject(question, before, snapshot)
    if content_words >= _SELF_CONTAINED:
        return False
    if refers:
        return True
    idf, hits = find(question)
    # With a word that no passage has, it has another topic.
    idf_of_one = math.log1p((snapshot.info.passages - 0.5) / 1.5)
    if any(weight > idf_of_one + _ROUNDING for weight in idf.values()):
        return False
    if not hits:
        return True
    best, rare = hits[0], _RARE_SHARE * math.log(1 + snapshot.info.passages)
    headed = _terms([best.passage.trail], (best.passage.language,))
    is_headed = any(weight >= rare and term in headed for term, weight in idf.items())
    return best.score < _FOUND_SCORE and not is_headed


def _has_own_subject(question: str, before: Answer, snapshot: Snapshot) -> bool:
    """Whether passages have all words of a question, and none has a carried word beside them."""
    languages = languages_for(snapshot, question)
    own = [term for word in _words(question, languages) for term in word.terms]
    if len(own) == 1 and snapshot.idf(own)[own[0]] < idf_in(snapshot, _RARE):
        return False
    carried = _terms(_carried(before, question, snapshot), languages)
    searches = (own, [*own, *carried])
    passages = [passage for terms in searches for passage in best_by_terms(snapshot, terms, 20)]
    texts = [_terms([passage.embedded_text], (passage.language,)) for passage in passages]
    together = [text for text in texts if text.issuperset(own)]
    return bool(together) and all(text.isdisjoint(carried) for text in together)


def completed(question: str, before: Answer, snapshot: Snapshot) -> str:
    """Complete a question with words of the one that it depends on, in parentheses.

    Returns it unchanged if there is nothing to add, or if it would become too long.
    """
    carried = _carried(before, question, snapshot)
    if not carried:
        return question
    asked = question.rstrip()
    end = "" if asked.endswith(("?", ".", "!")) else "?"
    longer = f"{asked}{end} ({', '.join(carried)})"
    return longer if len(longer.encode("utf-8")) <= MAX_QUESTION_BYTES else question


def _refers(words: Sequence[_QuestionWord], at: int) -> bool:
    """Whether the word at a position refers back beyond its own question."""
    if sum(bool(word.terms) for word in words[:at]) >= _ANTECEDENT:
        return False
    word = words[at].folded
    if word == "that":
        # After a content word it begins a clause: "models that reason".
        return at == 0 or not words[at - 1].terms
    if word in table("comparing"):
        return _COMPARED.isdisjoint(after.folded for after in words[at:])
    return word in table("referring") or (word in _REFERRING_LAST and at == len(words) - 1)


def _carried(before: Answer, question: str, snapshot: Snapshot) -> list[str]:
    """The words to add to a question, in the form and order of the one answered before."""
    languages = languages_for(snapshot, before.looked_for)
    headed = _terms((" ".join(citation.heading) for citation in before.citations), languages)
    cited = headed | _terms((citation.quote for citation in before.citations), languages)
    words = {word.text: word for word in _words(before.looked_for, languages) if word.terms}
    idf = snapshot.idf([term for word in words.values() for term in word.terms])

    def weight(word: _QuestionWord) -> tuple[bool, float]:
        return headed.issuperset(word.terms), max(idf[term] for term in word.terms)

    known = [word for word in words.values() if cited.issuperset(word.terms)]
    best = sorted(known, key=weight, reverse=True)[:_MAX_CARRIED]
    carried = [word.text for word in known if word in best]
    heading = next((citation.heading for citation in before.citations if citation.heading), ())
    if not carried and heading:
        carried = [" ".join(heading[-1].split())[:_HEADING_CHARS]]
    asked = {term for word in _words(question, languages) for term in word.terms}
    return [text for text in carried if not asked.issuperset(query_terms(text, languages))]


def _words(text: str, languages: Sequence[str]) -> Iterator[_QuestionWord]:
    for token in text.split():
        if written := token.strip(_EDGES):
            is_stop = is_stop_word(written, languages[0])
            yield _QuestionWord(written, () if is_stop else tuple(query_terms(written, languages)))


def _terms(texts: Iterable[str], languages: Sequence[str] = (ENGLISH,)) -> frozenset[str]:
    return frozenset(term for text in texts for term in query_terms(text, languages))
