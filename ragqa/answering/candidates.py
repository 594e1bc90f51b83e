"""The candidates: sentences of the best passages that may answer, and what is shown around them."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import takewhile

import numpy as np

from ragqa.answering.evidence import Evidence
from ragqa.answering.excerpt_blocks import blocks_of, excerpt_text
from ragqa.answering.layout import Layout, Run, layout_of_passage
from ragqa.text.dates import date_terms
from ragqa.text.shown import cells, lead, states_fact, unit_words
from ragqa.text.words import compiled, index_terms, query_terms, synonyms, tokenize, word_set
from ragqa.types import Hit, Kind, Passage, Span, Unit, Vector

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
# Lines of tags or categories, or of several links within the notes.
_TAG = r"(?:#(?=[\w/-]*[^\W\d])[\w/-]++|\[\[:?[Cc]ategory:[^\]\n]*\]\]|[Cc]ategory:\w+)"
_INNER_LINK = r"(?:\[\[[^\]\n]+\]\]|\[[^\]\n]*\]\((?!\w+:)[^)\n]*\))"
_LABEL = r"(?i:tags?|keywords?|categor(?:y|ies)|kategorien?|see also):{1,2}"
_MARKS_ALONE = (
    rf"(?:[-*+]\s+)?(?:{_LABEL}\s*)?(?:{_TAG}[\s,|.\u00b7]*)+"
    rf"|(?:(?:{_INNER_LINK}|{_TAG})[\s|\u00b7]*){{2,}}"
    rf"|(?:{_LABEL}\s*|[Ss]ee\s+)(?:{_INNER_LINK}[\s,;.]*)+"
    rf"|{_LABEL}\s[^,;.\n]+(?:[,;][^,;.\n]+)+"
)
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

_SHOWN_WITH_CONTEXT = (Kind.ITEM, Kind.ROW, Kind.PROPERTY, Kind.HEADING)
"""Kinds of unit that need context when they stand alone, such as the table's header."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A sentence, item, row or list of a note that may answer, and the run that is shown with it.

    `sentence` is what may answer, and `run` what is quoted: an excerpt around it, at first itself.
    `passage` is where the sentence was found, and `text` what it says in plain text, with what it
    embeds. It `refers` if it only says where something else is told.

    `score` is 0 to 1 and what a reranker adds, `reranked`; the `signals` are unscaled.
    `matches` has the best cosine of each content token of the question with its tokens, shape
    (tokens,).
    """

    layout: Layout
    run: Run
    sentence: Run
    passage: Passage
    text: str
    refers: bool = False
    score: float = 0.0
    reranked: float = 0.0
    signals: Mapping[str, float] = field(default_factory=dict)
    matches: Vector = field(default_factory=lambda: np.zeros(0, np.float32))

    def elsewhere(self, layout: Layout, run: Run) -> "Candidate":
        """Another run, which answers as this one does."""
        passage, text = layout.pieces[run[0]].passage, layout.plain(run)
        return replace(self, layout=layout, run=run, sentence=run, passage=passage, text=text)

    @property
    def alone(self) -> "Candidate":
        """Its sentence alone."""
        return replace(self, run=self.sentence)

    @property
    def unread_score(self) -> float:
        """Its score without what a reranker adds."""
        return self.score - self.reranked

    @property
    def path(self) -> str:
        """The note's path."""
        return self.layout.path

    @property
    def language(self) -> str:
        """The language of its passage."""
        return self.passage.language

    @property
    def span(self) -> Span:
        """Its characters in the note."""
        return self.layout.span(self.run)

    @property
    def place(self) -> tuple[str, int]:
        """Its path and offset."""
        return self.path, self.span[0]

    @property
    def quote(self) -> str:
        """Its verbatim text."""
        return self.layout.quote(self.run)

    @property
    def units(self) -> tuple[Unit, ...]:
        """Its units, in order."""
        return self.layout.units(self.run)

    @property
    def unit(self) -> Unit:
        """The first unit of its sentence."""
        return self.layout.pieces[self.sentence[0]].unit

    @property
    def kind(self) -> Kind:
        """The kind of its only unit; several are an excerpt."""
        return self.units[0].kind if self.run[0] == self.run[1] else Kind.EXCERPT

    @property
    def is_list(self) -> bool:
        """Whether its sentence is a line with the list that it introduces."""
        last = self.layout.pieces[self.sentence[1]]
        return self.unit.kind is Kind.PARAGRAPH and last.kind is Kind.ITEM

    @property
    def context(self) -> str:
        """What stands above its units: parent items, the line before a list, a table's header."""
        # A list that may answer as a whole has the line before it among its units.
        units = self.units if self.run != self.sentence else (self.unit,)
        return "\n".join(dict.fromkeys(filter(None, (unit.full_context for unit in units))))

    @property
    def trails(self) -> Sequence[str]:
        """The titles and headings that it stands below."""
        pieces = self.layout.pieces[self.run[0] : self.run[1] + 1]
        return list(dict.fromkeys(piece.passage.trail for piece in pieces))

    @cached_property
    def shown(self) -> str:
        """What a reader sees of it, as plain text."""
        unit = self.units[0]
        is_one = self.run[0] == self.run[1]
        if is_one and unit.kind in _SHOWN_WITH_CONTEXT and not unit.has_lines:
            return unit_words(unit)
        text = excerpt_text(blocks_of(self.units, self.layout.is_cut(self.run)))
        return f"{unit.context}:\n{text}" if is_one and unit.has_lines and unit.context else text

    @property
    def full_text(self) -> str:
        """What it says, after its headings and context."""
        said = self.text if self.run == self.sentence else self.shown
        return " ".join((*self.trails, self.context, said))

    @cached_property
    def terms(self) -> frozenset[str]:
        """The terms of `full_text`, and of its dates."""
        text, language = self.full_text, self.language
        return frozenset([*index_terms(text, language), *date_terms(text, language)])

    @cached_property
    def own_terms(self) -> frozenset[str]:
        """The terms of its quote alone."""
        return frozenset(index_terms(self.quote, self.language))

    @cached_property
    def row_name(self) -> frozenset[str]:
        """The terms of a row's first cell, which says what the row is about; else none."""
        is_row = self.unit.kind is Kind.ROW and self.unit.begins
        name = cells(self.unit)[0] if is_row else ""
        return frozenset(index_terms(name, self.language))

    def overlaps(self, other: "Candidate") -> bool:
        """Whether both quote some of the same characters."""
        (start, end), (begin, stop) = self.span, other.span
        return self.path == other.path and start < stop and begin < end

    def shares_section(self, other: "Candidate") -> bool:
        """Whether it has some of the section that another's sentence stands in."""
        sections = {unit.section for unit in self.units}
        return self.path == other.path and other.unit.section in sections


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
    hits: Sequence[Hit], evidence: Evidence, *, asked: Collection[str] | None = None
) -> list[Candidate]:
    """The sentences of the best hits that may answer, by rank and then in reading order.

    What a sentence embeds counts as its text.

    :param hits: those of the evidence, as they rank after reading.
    :param asked: the question's terms, which say what keys of the front matter it asks for; None
        asks for all.
    """
    candidates = list[Candidate]()
    for passage in (hit.passage for hit in hits[:PASSAGES]):
        references, layout = _references(passage), evidence.notes[passage.id]
        for run in sentences_in(layout, layout.within(passage.start, passage.end)):
            unit, own = layout.pieces[run[0]].unit, (run[0], run[0])
            if not _may_answer(asked, unit, layout.quote(own), passage):
                continue
            texts = [sentence_text(layout, run)]
            for i in range(run[0], run[1] + 1):
                embedded = evidence.embedded(layout, i, _EMBEDDED_WORDS)
                texts += [note.plain(part) for note, part in embedded]
            text, refers = " ".join(texts).strip(), unit.start in references
            candidate = Candidate(layout, run, run, passage, text, refers)
            announces_nothing = run != own and not candidate.is_list and len(texts) == 1
            is_title = unit.kind is Kind.HEADING and text == passage.title and not states_fact(text)
            if tokenize(text, pairs_only=True) and not (announces_nothing or is_title):
                candidates.append(candidate)
    return candidates


def _may_answer(asked: Collection[str] | None, unit: Unit, quote: str, passage: Passage) -> bool:
    """Whether a unit has words of its own, and is asked for if it is a key of the front matter."""
    if unit.kind in (Kind.PARAGRAPH, Kind.ITEM):
        are_marks = compiled(_MARKS_ALONE).fullmatch
        return not (are_marks(quote) or all(map(are_marks, quote.split("\n"))))
    return unit.kind is not Kind.PROPERTY or _asks_for(asked, unit, quote, passage)


def _asks_for(asked: Collection[str] | None, unit: Unit, quote: str, passage: Passage) -> bool:
    """Whether a question asks for a key of the front matter, and the key has a value in words.

    It does if it names the key, or one of its parents, by a word or a synonym.

    :param asked: the question's terms; None asks for every key that is not for programs.
    """
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


def sentences_in(layout: Layout, pieces: range) -> Iterator[Run]:
    """Yield the runs of these pieces that make sense on their own.

    Headings do if they state a fact, or if there is no text. A line that introduces a list comes
    with its items, one that introduces an embed with that; one that introduces code or a table
    comes alone.
    """
    has_text = any(_is_text(layout.pieces[i].unit) for i in pieces)
    for i in pieces:
        unit, quote = layout.pieces[i].unit, layout.quote((i, i))
        if unit.kind is Kind.TABLE_HEAD:
            continue
        if unit.kind is Kind.HEADING and not (states_fact(quote) or not has_text):
            continue
        if not quote.endswith(_COLONS):
            yield i, i
            continue
        kinds = [layout.pieces[n].kind for n in pieces if i < n <= layout.section(i)[1]]
        items = len(list(takewhile(Kind.ITEM.__eq__, kinds)))
        if items and unit.kind is Kind.PARAGRAPH:
            yield i, i + items
        elif kinds[:1] in ([Kind.CODE], [Kind.TABLE_HEAD]):
            yield i, i
        elif kinds and layout.embeds(i + 1):
            yield i, i + 1


def sentence_text(layout: Layout, run: Run) -> str:
    """The plain text of a sentence; for a list, its introduction and the lead of each item.

    Numbered items are steps, which are given whole and one per line.
    """
    first, *others = range(run[0], run[1] + 1)
    if not others or layout.pieces[run[1]].kind is not Kind.ITEM:
        unit = layout.pieces[first].unit
        return layout.quote((first, first)) if unit.kind is Kind.CODE else unit_words(unit)
    intro, texts = layout.said(first), list(map(layout.said, others))
    numbers = [compiled(_NUMBER).match(layout.quote((i, i))) for i in others]
    if not numbers[0]:
        return f"{intro} {'; '.join(map(lead, texts))}"
    steps = (
        f"{n[1]}. {text}" if n else f"   - {text}" for n, text in zip(numbers, texts, strict=True)
    )
    return "\n".join([intro, *steps])


def _is_text(unit: Unit) -> bool:
    return unit.kind not in (Kind.HEADING, Kind.RULE)


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
    """The plain text of the sentence with the most words of a question, on one line."""
    layout, language = layout_of_passage(passage), passage.language
    wanted = set(query_terms(question, (language,)))
    shared = {
        run: len(wanted.intersection(index_terms(layout.quote(run), language)))
        for run in sentences_in(layout, range(len(layout.pieces)))
    }
    best = max(shared, key=shared.__getitem__, default=None)
    if best is None:
        return " ".join(passage.text.split())
    first = layout.pieces[best[0]].unit
    is_list_cut = best[0] < best[1] and not first.begins
    before = "\u2026" if is_list_cut else ellipsis_before(first)
    return " ".join(f"{before} {sentence_text(layout, best) or passage.text}".split())
