"""Draft questions from headings, definitions and table cells."""

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from ragqa.evaluation.generating import wording
from ragqa.evaluation.generating.places import Material, Place
from ragqa.evaluation.measures import answer_found
from ragqa.text.markdown import plain_text
from ragqa.text.words import STOP_WORDS, query_terms
from ragqa.types import Kind

MAX_TERM_WORDS = 5
MAX_CELLS = 12
MAX_CELL_CHARS = 60
MIN_ANSWER_CHARS = 2
TELLING_TERMS = 3

# Headings
_IS_QUESTION = re.compile(
    r"(?:how|what|why|when|which|who|where|is|are|can|does|do|should)\b", re.IGNORECASE
)
_IT = re.compile(r"\b(?:it|this)\b", re.IGNORECASE)
# Aspects of a thing: only these fit "what is the … of …?".
_ASPECT = re.compile(
    r"(?P<many>(?:main |common |known )?(?:advantages|applications|benefits|components|costs"
    r"|disadvantages|drawbacks|features|limitations|limits|parameters|properties|pros|requirements"
    r"|risks|strengths|types|trade-?offs|variants|weaknesses)(?: and [a-z-]+s)?)"
    r"|(?P<one>architecture|formula|license|origin|performance|price|purpose|size|structure)",
    re.IGNORECASE,
)

# Definitions: these characters would leave a quotation, bracket or formula cut in two.
_CUT = r",;:()\[\]|?!$=\"“”：（），"  # noqa: RUF001 - those of Chinese too
_TERM = rf"(?:The |A |An )?(?P<term>[^\s.{_CUT}][^{_CUT}]{{1,60}}?)"
_SENTENCE = re.compile(
    rf"{_TERM}(?: \([^()]{{1,60}}\)|, (?:also (?:called|known as)|or) [^,]{{2,60}},)?"
    r" (?:(?P<many>are)|is|means|refers to|stands for|describes)"
    r" (?P<rest>(?:simply |just |basically |usually |essentially )?"
    r"(?:a|an|any|one|the (?!same|case|most|best|first)\w+)\b.{10,})"
)
_STATED = re.compile(rf"{_TERM} (?:means|refers to|stands for) (?P<rest>.{{10,}})")
_APPOSITION = re.compile(
    rf"{_TERM}, (?P<rest>(?:the|an?) [^,]{{10,120}}), (?:[a-z]+(?:s|ed)|can|had)\b"
)
_LABELLED = re.compile(
    rf"(?P<term>[^\d\W][^–—{_CUT}]{{1,60}}?)(?::\s|：| [—–-] )\s*"  # noqa: RUF001 - as notes have it
    r"(?P<rest>(?:(?! [—–-] ).){15,})\Z"  # noqa: RUF001 - as notes have it
)
_UNSPACED = re.compile(
    rf"(?P<term>(?![一这那它其他她我你该此])[^\s。、是{_CUT}]{{3,20}}?)"
    r"(?:是(?=一[种个类项]|指)|指的是)(?P<rest>.{6,})"
)
_ARTICLE = re.compile(r"(?:an?|the|any) ", re.IGNORECASE)
_NAME = re.compile(r"\d|(?<=\w)[A-Z]|\w \W*[A-Z]")
_BOLD = re.compile(r"\s*(?:(?:[-*+]|\d{1,9}[.)])\s+)?(?:\*\*|__)")

# Words that refer to earlier text, or introduce what follows.
_UNNAMED_WORDS = """
    another every everything first here last many mine none nothing one others several
    second something still third today two three well also since note key main goal idea point
    problem reason refer result example use using tip caution warning given like unlike yet see
    currently now let
"""
_UNNAMED = STOP_WORDS | frozenset(_UNNAMED_WORDS.split())
_POINTER_WORDS = "this that these those such its their his her my our your it"
_POINTERS = frozenset(_POINTER_WORDS.split())
_VERB_WORDS = """
    is are was were has have had can will would should could must may might do does did says
    said makes make made gives give uses used shows show means that which who where when
    because
"""
_VERBS = frozenset(_VERB_WORDS.split())

# Cells
_BAR = re.compile(r"(?<!\\)\|")
_NAMING = re.compile(r"[^\W\d_]\w|[^\W\d_].*[^\W\d_]|\d[^\W\d_]")
_NOT_ANSWERS = frozenset({"yes", "no", "n/a", "none", "true", "false", "na", "tbd", "unknown"})


@dataclass(frozen=True, slots=True)
class Draft:
    """A question, a place that answers it, and a short answer from that place."""

    question: str
    place: Place
    answer: str


def draft_headings(material: Material, rng: random.Random) -> Iterator[Draft]:
    """Yield a question for each specific heading, answered by the text below it."""
    leading = [place for place in material.places if place.leads and place.is_prose]
    repeated = Counter(wording.key_of(place.headings[-1]) for place in leading if place.headings)
    for place in leading:
        heading = wording.tidy(place.headings[-1]) if place.headings else ""
        if not wording.is_specific(heading):
            continue
        is_alone = (
            repeated[wording.key_of(place.headings[-1])] == 1 and len(query_terms(heading)) > 1
        )
        question = _ask_heading(heading, place, rng, is_alone=is_alone)
        if question:
            yield Draft(
                question, place, wording.short_answer(place.words, place, question=question)
            )


def _ask_heading(heading: str, place: Place, rng: random.Random, *, is_alone: bool) -> str:
    """The heading as a question or search phrase; "" if that would be too vague."""
    topic = wording.topic_of(place, beside=heading)
    said = wording.in_sentence_case(heading)
    is_english = wording.in_english(place, heading)
    if is_alone and not (topic and is_english):
        return rng.choice((said, heading.lower())) if is_english else heading
    if not topic:
        return ""
    if not wording.in_english(place, topic, heading):
        return f"{topic} {heading}"
    if heading.endswith("?") or _IS_QUESTION.match(heading):
        if _IT.search(heading):
            return _IT.sub(lambda _: topic, said, count=1)
        return f"{topic} {said}".lower()
    aspect = _ASPECT.fullmatch(said)
    if aspect:
        return f"what {'are' if aspect['many'] else 'is'} the {said} of {topic}?"
    return rng.choice((f"{topic} {said}".lower(), f"{said} in {topic}", f"{said} {topic}".lower()))


@dataclass(frozen=True, slots=True)
class _Definition:
    term: str
    rest: str
    place: Place
    is_noun: bool
    is_many: bool = False


def draft_definitions(material: Material, rng: random.Random) -> Iterator[Draft]:
    """Yield a question for each term defined: "X is a …", "X, or Y, is …", "**X**: …".

    A term defined in two places is asked for without its topic, so that the drafts can be merged:
    both places are gold, or neither if they differ.
    """
    by_term: defaultdict[tuple[str, ...], list[_Definition]] = defaultdict(list)
    for place in material.places:
        found = _defined(place) if place.is_prose else None
        if found and wording.is_specific(found.term):
            by_term[wording.key_of(found.term)].append(found)
    for definitions in by_term.values():
        first = definitions[0]
        is_known = _is_name(first) and material.is_rare(first.term)
        question = _ask_term(first, rng, is_alone=is_known or len(definitions) > 1)
        for found in definitions if question else ():
            answer = wording.short_answer(found.rest, found.place, question=question)
            yield Draft(question, found.place, answer)


def _defined(place: Place) -> _Definition | None:
    """The definition that the place gives, if any."""
    for pattern in (_SENTENCE, _STATED, _APPOSITION, _UNSPACED):
        match = pattern.match(place.words)
        if match and _is_term(match["term"]):
            is_many = match.groupdict().get("many") is not None
            return _Definition(match["term"], match["rest"], place, is_noun=True, is_many=is_many)
    match = _LABELLED.match(place.words)
    is_labelled = place.kind is Kind.ITEM or _BOLD.match(place.quote)
    if match and is_labelled and _is_term(match["term"]):
        is_noun = _ARTICLE.match(match["rest"]) is not None
        return _Definition(match["term"], match["rest"], place, is_noun)
    return None


def _is_term(term: str) -> bool:
    words = term.casefold().split()
    return (
        0 < len(words) <= MAX_TERM_WORDS
        and ". " not in term
        and words[0] not in _UNNAMED
        and _POINTERS.isdisjoint(words)
        and _VERBS.isdisjoint(words)
        and words[-1] not in STOP_WORDS
    )


def _is_name(found: _Definition) -> bool:
    """Whether the term is clear by itself: a name, or the topic of its section."""
    about = query_terms(" ".join((found.place.title, *found.place.headings[-1:])))
    is_topic = set(query_terms(found.term)) <= set(about)
    return found.is_noun and (is_topic or _NAME.search(found.term) is not None)


def _ask_term(found: _Definition, rng: random.Random, *, is_alone: bool) -> str:
    """Ask what the term is, with its topic unless `is_alone`; "" if there is no topic."""
    term = wording.in_sentence_case(found.term)
    topic = "" if is_alone else wording.topic_of(found.place, beside=term)
    if not topic and not is_alone:
        return ""
    if not wording.in_english(found.place, term, topic or term):
        return f"{topic} {term}".strip()
    verb, asked = ("are", "do") if found.is_many else ("is", "does")
    if topic and found.is_noun:
        return rng.choice((f"what {verb} {term} in {topic}?", f"{topic} {term}".lower()))
    if topic:
        return rng.choice((f"{topic} {term}".lower(), f"{term} in {topic}"))
    if not found.is_noun:
        return term.lower()
    if len(query_terms(term)) > 1:
        return rng.choice((f"what {verb} {term}?", f"{term} meaning".lower(), f"define {term}"))
    return rng.choice((f"what {asked} {term} mean?", f"{term} definition".lower()))


def draft_cells(material: Material, rng: random.Random) -> Iterator[Draft]:
    """Yield a question for each table cell that has a column header and a row label."""
    for place in material.places:
        if place.kind is not Kind.ROW:
            continue
        heads = [head.strip() for head in place.header.split(" | ")]
        quoted = _BAR.split(place.quote.strip().strip("|"))
        label, *cells = [plain_text(cell, kind=Kind.PARAGRAPH) for cell in quoted]
        if len(heads) != len(quoted) or not 2 <= len(quoted) <= MAX_CELLS or not _is_label(label):
            continue
        for head, cell in zip(heads[1:], cells, strict=True):
            question = _ask_cell(head, label, place, rng)
            if _is_label(head) and _is_answer(cell) and not answer_found([question], [cell]):
                yield Draft(question, place, cell)


def _is_label(words: str) -> bool:
    return len(words) <= MAX_CELL_CHARS and _NAMING.search(words) is not None


def _is_answer(cell: str) -> bool:
    return (
        sum(map(str.isalnum, cell)) >= MIN_ANSWER_CHARS
        and len(cell) <= MAX_CELL_CHARS
        and cell.casefold() not in _NOT_ANSWERS
        and "http" not in cell
    )


def _ask_cell(head: str, label: str, place: Place, rng: random.Random) -> str:
    """Ask by column and row, with the heading above the table or the topic of the note."""
    topic, beside = place.headings[-1] if place.headings else "", f"{label} {head}"
    if not wording.is_specific(topic) or set(query_terms(topic)) <= set(query_terms(beside)):
        topic = wording.topic_of(place, beside=beside)
    if not wording.in_english(place, head, label, topic or label):
        return " ".join(filter(None, (topic, label, head)))
    said = wording.in_sentence_case(head)
    phrase = f"{label} {said}".lower()
    if len(query_terms(label)) >= TELLING_TERMS or not topic:
        return phrase
    ways = [f"{topic} {phrase}".lower(), f"{phrase} ({topic})"]
    if said.split()[0].casefold() not in STOP_WORDS:
        ways += [f"{said} of {label} in {topic}", f"{said} of {label} ({topic})"]
    return rng.choice(ways)
