"""The sentences of the best passages, as candidates for an answer."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import takewhile

import numpy as np

from ragqa.answering.embeds import Embedded, embeds_in, nothing_embedded, runs_of, text_of
from ragqa.text.dates import date_terms
from ragqa.text.shown import cells, lead, shown, states_fact, unit_words
from ragqa.text.words import compiled, index_terms, query_terms, synonyms, tokenize, word_set
from ragqa.types import Citation, Hit, Kind, Passage, Unit, Vector

PASSAGES = 5
"""Candidates come from at most this many passages."""

_EMBEDDED_WORDS = 80
_MARKS = r"\A[-*+\s\d.)]*(?:\[\^?\d+\]:?\s*)?"
_NAME = r"[A-Z\u00c0-\u00de][\w'\u2019-]+"
_TITLE = r"[*_\"\u201c].{3,200}[*_\"\u201d]"
_YEAR = r"(?:1[5-9]|20)\d\d[a-z]?"
# An author with a year, a title in quotation marks with a year, or an id after a full stop or so.
_CITATION = (
    rf"{_MARKS}{_NAME}(?:\s{_NAME})?,?\s(?:et\sal|[A-Z])\.(?:.{{0,300}}[,.;(]\s*{_YEAR}[.)]*\s*\Z"
    rf"|.{{0,300}}?(?:\({_YEAR}[^()]{{0,20}}\)|[.,]\s{_YEAR})[.:]\s)"
    rf"|{_MARKS}{_NAME}(?:[\s,.&]+(?:{_NAME}|[A-Z]|and|et\sal)){{0,9}}[\s,.]+"
    rf"(?:{_YEAR},?\s{_TITLE}|{_TITLE}.{{0,80}}[,.;(]\s*{_YEAR}[.)]*\s*\Z)"
    r"|[.,;!?)\]\"\u201d_*]\s+<?(?:https?://(?:(?:dx\.)?doi|arxiv)\.org/|doi:\s*10\.|[Aa]r[Xx]iv:\s*\d"
    r"|ISBN(?:-1[03])?:?\s*\d)[^\s]*(?:[\d -]*\d)?[.>)]*\s*\Z"
)
_TITLE_AND_LINK = r"[.,!?)\]\"\u201d_*]\s+<?https?://\S+(?:\s+Accessed\b.*)?\s*\Z"
_LINK = r"(?:\[[^\[\]]*\]\(<?|<?)https?://[^\s)>]*[)>]*"
_COLONS = (":", "\uff1a")
_NUMBER = r"\s*(\d{1,9})[.)]\s"
_KEY = r"[\"']?([\w .-]{1,80})[\"']?\s*:(?:\s+|\Z)"
_WORD_SEAM = r"[\W_]+|(?<=[a-z0-9])(?=[A-Z])"

# Keys for programs, without the marks between their words.
_STRUCTURAL = word_set(
    "title layout template permalink slug id uid uuid alias aliases tag tags draft publish "
    "cssclass cssclasses redirectfrom redirectto navorder weight sidebar cspell "
    "created createdat datecreated updated updatedat dateupdated lastupdated "
    "modified modifiedat datemodified lastmodified lastmod lastedited"
)


@dataclass(frozen=True)
class Candidate:
    """A citable unit of a hit: `quote` is verbatim, `text` is plain.

    `score` gives it a score, 0 to 1 and what a reader adds: `signals` are unscaled, `parts` their
    contributions. `matches` has the best cosine of each content token of the question with its
    tokens, shape (tokens,). It `refers` if it only says where something else is told.
    """

    hit: Hit
    unit: Unit
    quote: str
    text: str
    refers: bool = False
    score: float = 0.0
    signals: Mapping[str, float] = field(default_factory=dict)
    parts: Mapping[str, float] = field(default_factory=dict)
    matches: Vector = field(default_factory=lambda: np.zeros(0, np.float32))

    @property
    def place(self) -> tuple[str, int]:
        """Its path and offset, for reading order."""
        return self.hit.passage.path, self.unit.start

    @cached_property
    def terms(self) -> frozenset[str]:
        """The terms of `full_text`, and of its dates."""
        text, language = self.full_text, self.language
        return frozenset([*index_terms(text, language), *date_terms(text, language)])

    @cached_property
    def own_terms(self) -> frozenset[str]:
        """The terms of its quote alone."""
        return frozenset(index_terms(self.quote, self.language))

    @property
    def unread_score(self) -> float:
        """Its score without what a reader adds."""
        return self.score - self.parts.get("reader", 0.0)

    @property
    def language(self) -> str:
        """The language of its passage."""
        return self.hit.passage.language

    @cached_property
    def row_name(self) -> frozenset[str]:
        """The terms of a row's first cell, which says what the row is about; else none."""
        is_row = self.unit.kind is Kind.ROW and self.unit.begins
        name = cells(self.unit, self.quote)[0].text if is_row else ""
        return frozenset(index_terms(name, self.language))

    @property
    def full_text(self) -> str:
        """Its plain text after its headings and context."""
        return f"{self.hit.passage.trail} {self.unit.full_context} {self.text}"

    def overlaps(self, other: "Candidate") -> bool:
        """Whether both quote some of the same characters."""
        return (
            self.hit.passage.path == other.hit.passage.path
            and self.unit.start < other.unit.end
            and other.unit.start < self.unit.end
        )


def sources_of(hits: Sequence[Hit]) -> list[Hit]:
    """The hits to answer from, best first; a list of references counts as five ranks lower."""
    texts = [sum(_is_text(unit) for unit in hit.passage.units) for hit in hits]
    lower = [
        PASSAGES * (2 * len(_references(hit.passage)) > count)
        for hit, count in zip(hits, texts, strict=True)
    ]
    places = sorted(range(len(hits)), key=lambda place: place + lower[place])
    return [hits[place] for place in places[:PASSAGES]]


def _references(passage: Passage) -> set[int]:
    """Where the units begin that only name what to read: citations, and links alone.

    A sentence with a bare link after it is one only if most of its passage is.
    """
    texts = list(filter(_is_text, passage.units))
    cited = {unit.start for unit in texts if _only_refers(passage.quote(unit))}
    titles = {unit.start for unit in texts if compiled(_TITLE_AND_LINK).search(passage.quote(unit))}
    return cited | titles if 2 * len(cited | titles) > len(texts) else cited


def _only_refers(quote: str) -> bool:
    """Whether a text is a citation, or begins with a link and has at most a word or two beside."""
    if compiled(_CITATION).search(quote):
        return True
    links = compiled(_MARKS + f"({_LINK})").match(quote)
    beside = tokenize(compiled(_LINK).sub("", quote[links.start(1) :])) if links else []
    return links is not None and len(beside) <= 2 and not any(map(str.isnumeric, beside))


def candidates_of(
    hits: Sequence[Hit],
    embedded: Embedded = nothing_embedded,
    *,
    asked: Collection[str] | None = None,
) -> list[Candidate]:
    """The candidates of the best hits, by rank and then in reading order.

    What a unit embeds counts as its text.

    :param asked: the question's terms, which say what keys of the front matter it asks for; None
        asks for all.
    """
    candidates = []
    for hit in hits[:PASSAGES]:
        references = _references(hit.passage)
        for unit in citable_units(hit.passage):
            if unit.kind is Kind.PROPERTY and not _asks_for(asked, hit.passage, unit):
                continue
            quote = hit.passage.quote(unit)
            inside = [each for each in hit.passage.units if unit.start <= each.start < unit.end]
            links = [link for each in inside for link in embeds_in(each, hit.passage.quote(each))]
            runs = runs_of(links, hit.passage.path, embedded, _EMBEDDED_WORDS)
            texts = [unit_text(hit.passage, unit), *(text_of(layout, run) for layout, run in runs)]
            text = " ".join(texts).strip()
            announces_nothing = unit.kind is Kind.EXCERPT and len(texts) == 1
            is_title = unit.kind is Kind.HEADING and text == hit.passage.title
            if tokenize(text, pairs_only=True) and not (announces_nothing or is_title):
                candidates.append(Candidate(hit, unit, quote, text, unit.start in references))
    return candidates


def _asks_for(asked: Collection[str] | None, passage: Passage, unit: Unit) -> bool:
    """Whether a question asks for a key of the front matter, and the key has a value in words.

    It does if it names the key, or one of its parents, by a word or a synonym.

    :param asked: the question's terms; None asks for every key that is not for programs.
    """
    quote = passage.quote(unit)
    keyed = compiled(_KEY).match(quote)
    key = keyed[1] if keyed else ""
    words = " ".join(compiled(_WORD_SEAM).split(key))
    value = quote[keyed.end() :] if keyed else quote
    if not any(map(str.isalnum, value)) or words.replace(" ", "").casefold() in _STRUCTURAL:
        return False
    named = index_terms(f"{unit.context} {words}", passage.language)
    return asked is None or not {*map(_canonical, named)}.isdisjoint(map(_canonical, asked))


def _canonical(term: str) -> str:
    return synonyms().get(term, term)


def citable_units(passage: Passage) -> Iterator[Unit]:
    """Yield the units that make sense on their own.

    Headings do if they state a fact, or if there is no text. A line that introduces a list comes
    with its items, one that introduces an embed with that; one that introduces code or a table
    comes alone.
    """
    has_text = any(map(_is_text, passage.units))
    for position, unit in enumerate(passage.units):
        quote = passage.quote(unit)
        if unit.kind in (Kind.RULE, Kind.TABLE_HEAD):
            continue
        if unit.kind is Kind.HEADING and not (states_fact(quote) or not has_text):
            continue
        if not quote.endswith(_COLONS):
            yield unit
            continue
        after = passage.units[position + 1 :]
        items = list(takewhile(_is_item, after))
        if items and unit.kind is Kind.PARAGRAPH:
            yield replace(unit, kind=Kind.LIST, end=items[-1].end)
        elif after and after[0].kind in (Kind.CODE, Kind.TABLE_HEAD):
            yield unit
        elif after and embeds_in(after[0], passage.quote(after[0])):
            yield replace(unit, kind=Kind.EXCERPT, end=after[0].end)


def unit_text(passage: Passage, unit: Unit) -> str:
    """The plain text of a citable unit; for a list, its introduction and the lead of each item.

    The introduction is the line before it, or its heading. Numbered items are steps, which are
    given whole and one per line.
    """
    items = [u for u in passage.units if unit.start <= u.start < unit.end]
    if unit.kind is not Kind.LIST:
        return unit_words(passage.quote(items[0]), items[0])
    intro = f"{passage.heading[-1] if passage.heading else passage.title}:"
    if not _is_item(items[0]):
        intro = shown(items[0], passage.quote(items[0])).text
        items = items[1:]
    texts = [shown(item, passage.quote(item)).text for item in items]
    numbers = [compiled(_NUMBER).match(passage.quote(item)) for item in items]
    if not numbers[0]:
        return f"{intro} {'; '.join(map(lead, texts))}"
    steps = (
        f"{n[1]}. {text}" if n else f"   - {text}" for n, text in zip(numbers, texts, strict=True)
    )
    return "\n".join([intro, *steps])


def _is_text(unit: Unit) -> bool:
    return unit.kind not in (Kind.HEADING, Kind.RULE)


def _is_item(unit: Unit) -> bool:
    return unit.kind is Kind.ITEM


def quotation(
    passage: Passage, units: Sequence[Unit], *, n: int, score: float, old_before: str = ""
) -> Citation:
    """Consecutive units of a passage as the n-th citation of an answer."""
    start, end = units[0].start, units[-1].end
    quote = passage.text[start - passage.start : end - passage.start]
    first = passage.lines[0] + passage.text.count("\n", 0, start - passage.start)
    return Citation(
        n=n,
        path=passage.path,
        lines=(first, first + quote.count("\n")),
        chars=(start, end),
        heading=passage.heading,
        quote=quote,
        note_sha256=passage.note_sha256,
        score=round(score, 4),
        context=units[0].full_context,
        kind=units[0].kind if len(units) == 1 else Kind.EXCERPT,
        note_date=passage.note_date,
        old="" < passage.note_date < old_before,
        units=tuple(units),
        answer_spans=((start, end),),
    )


def context_of(passage: Passage) -> str:
    """What a passage's text lacks of its beginning: column labels, parent items, an ellipsis."""
    if not passage.units:
        return ""
    first = passage.units[0]
    context = "" if first.full_context in passage.text else first.full_context
    return "\n".join(filter(None, (context, ellipsis_before(first))))


def ellipsis_before(unit: Unit) -> str:
    """An ellipsis if a unit goes on with an item, row or block of code; else ""."""
    return "" if unit.begins or unit.kind in (Kind.PARAGRAPH, Kind.HEADING) else "\u2026"


def nearest_unit(passage: Passage, question: str) -> str:
    """The plain text of the unit with the most words of a question, on one line."""
    language = passage.language
    wanted = set(query_terms(question, (language,)))
    shared = {
        unit: len(wanted.intersection(index_terms(passage.quote(unit), language)))
        for unit in citable_units(passage)
    }
    best = max(shared, key=shared.__getitem__, default=None)
    text = (unit_text(passage, best) if best else "") or passage.text
    return " ".join(f"{ellipsis_before(best) if best else ''} {text}".split())
