"""The wording of questions: topics, casing, and short answers."""

import re
from collections.abc import Iterator

from ragqa.evaluation.generating.places import Place
from ragqa.evaluation.measures import normalised
from ragqa.languages import ENGLISH
from ragqa.text.lexicon import MONTHS, WEEKDAYS
from ragqa.text.words import STOP_WORDS, index_terms, is_latin, query_terms

MAX_TOPIC_CHARS = 80
MAX_ANSWER_WORDS = 8
MAX_ANSWER_CHARS = 80
ENOUGH_NEW_TERMS = 4

_GENERIC_WORDS = """
    about abstract acknowledgement additional appendix article background basic basics blog book
    bookmark chapter check comment conclusion content contents daily day definition description
    detail discussion document documentation draft etc example examples extra faq file final first
    footnote further general getting goal history home idea ideas important index info information
    inbox intro introduction item journal key learn learning link links list log main material
    meeting meta misc miscellaneous moc more motivation my new next note notes old other outline
    overview page part plan point points post preface principle problem project question questions
    quick random read reading readme reference references related remark resource resources result
    results section see short some source sources start started step steps stub stuff summary
    table tag tags takeaways task template test text thing things thought thoughts tip tips tl dr
    toc todo tool tools topic tutorial untitled update updates use usage useful video week weekly
    what why how where when who work
    jan feb mar apr jun jul aug sep sept oct nov dec
"""
_GENERIC = frozenset(index_terms(f"{_GENERIC_WORDS} {MONTHS} {WEEKDAYS}")) | frozenset(
    index_terms(" ".join(STOP_WORDS))
)
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_GENERIC_UNSPACED = re.compile(
    "参考资料|参考文献|参考|总结|小结|简介|概述|介绍|目录|笔记|引用|结论|背景|例子|示例|前言|其他|公式|注意"
    "|まとめ|参考リンク|はじめに|概要|目次"
)
_NUMBERING = re.compile(r"\A(?:\d{1,3}(?:\.\d{1,3}){0,4}|[ivxIVX]{1,4}|[a-zA-Z])[.):]\s+")
_ENDS = re.compile(r"\A[^\w$(\"“]+|[\s:.!…：。]+\Z")  # noqa: RUF001 - the marks of Chinese
_WRITTEN = re.compile(r"\S+")
_EDGES = "\"'“”‘’()[]{}<>,.;:!?*_`~|#-–—…"  # noqa: RUF001 - all dashes and quotes


def is_specific(topic: str) -> bool:
    """Whether a title, heading or term has a topic, unlike "Overview" or a bare date."""
    if not topic or len(topic) > MAX_TOPIC_CHARS:
        return False
    terms = query_terms(_GENERIC_UNSPACED.sub(" ", topic))
    return any(term not in _GENERIC and not term[0].isdigit() for term in terms)


def topic_of(place: Place, *, beside: str) -> str:
    """The topic of the place, to put beside a term; "" if the term already implies it.

    A note titled with a date has the title as its topic.
    """
    for topic in map(tidy, (place.title, *reversed(place.headings))):
        if is_specific(topic) and is_specific(_without(topic, beside)):
            return topic
    is_dated = _YEAR.search(place.title) and len(place.title) <= MAX_TOPIC_CHARS
    return tidy(place.title) if is_dated else ""


def tidy(topic: str) -> str:
    """Strip the numbering of a title or heading and the punctuation around it."""
    return _NUMBERING.sub("", _ENDS.sub("", topic), count=1)


def _without(topic: str, text: str) -> str:
    """The words of a topic that the text does not contain."""
    terms = set(query_terms(text))
    return " ".join(word for word in topic.split() if not terms.issuperset(query_terms(word)))


def key_of(question: str) -> tuple[str, ...]:
    """A key that ignores case, word order, stop words and endings."""
    return tuple(sorted(query_terms(question)))


def in_english(place: Place, *texts: str) -> bool:
    """Whether English words fit around these texts of a place: it is not in another language."""
    return place.language == ENGLISH and all(is_latin(text) for text in texts)


def in_sentence_case(topic: str) -> str:
    """A heading as part of a sentence: without its article and its initial capital."""
    first, _, rest = topic.strip().partition(" ")
    if rest and first.casefold() in ("the", "a", "an"):
        return in_sentence_case(rest)
    is_word = first[:1].isupper() and first[1:].islower()
    is_name = is_word and rest and any(word[:1].isupper() for word in rest.split())
    return f"{first.lower() if is_word and not is_name else first} {rest}".strip()


def short_answer(sentence: str, place: Place, *, question: str) -> str:
    """A short answer from a sentence: words of the quote with terms that the question lacks.

    "" if there are none.
    """
    asked = set(query_terms(question))
    quoted = f" {normalised(place.quote)} "
    best, most = "", 0
    for words in _windows(sentence):
        new = len(set(query_terms(words)) - asked)
        if new > most and f" {normalised(words)} " in quoted:
            best, most = words, new
        if most >= ENOUGH_NEW_TERMS:
            break
    return best


def _windows(sentence: str) -> Iterator[str]:
    """The runs of words, from each word on, that begin and end with a content word."""
    found = [match.span() for match in _WRITTEN.finditer(sentence)]
    for at, (start, end) in enumerate(found):
        run = [end] + [e for _, e in found[at + 1 : at + MAX_ANSWER_WORDS]]
        run = [end for end in run if end - start <= MAX_ANSWER_CHARS] or [end]
        words = [sentence[s:e].strip(_EDGES).casefold() for s, e in found[at : at + len(run)]]
        while words and (words[-1] in STOP_WORDS or not words[-1]):
            words.pop()
        if words and words[0] and words[0] not in STOP_WORDS:
            yield sentence[start : run[len(words) - 1]].strip(_EDGES)
