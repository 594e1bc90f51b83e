"""Questions from facts: mask a rare number, date or name in its sentence."""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ragqa.evaluation.generating.places import Material, Place
from ragqa.evaluation.generating.wording import Draft, in_english, is_specific, tidy, without
from ragqa.evaluation.measures import answer_found
from ragqa.text.sentences import sentence_spans
from ragqa.text.words import STOP_WORDS

MIN_CLAUSE_WORDS = 5
MAX_CLAUSE_WORDS = 22
MAX_KEYWORDS = 6
SHARE_OF_PHRASES = 0.3

_MONTH = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December"
    r"|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)"
)
_NAME = (
    r"(?:[A-Z][\w&'’]{1,30}(?:-[A-Z]\w{1,30})?"  # noqa: RUF001 - an apostrophe
    r"(?: (?:(?:de|van|von|der) ){0,2}[A-Z][\w.&'’-]{0,30}){0,3})"  # noqa: RUF001 - an apostrophe
)
_NAMES = rf"{_NAME}(?:, {_NAME}){{0,3}}(?:,? and (?:{_NAME}|colleagues)| et al\.?)?"
_DEEDS = (
    "introduced|proposed|invented|founded|created|wrote|coined|published|developed|released"
    "|discovered|designed|built|started|launched|acquired|announced|showed|found|argued|argues"
)
_DATE = (
    rf"(?:{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?,? \d{{4}}"
    rf"|\d{{1,2}} {_MONTH} \d{{4}}|\d{{4}}-\d\d-\d\d)"
)
_UNIT = "KB|MB|GB|TB|Hz|kHz|MHz|GHz|ms|kg|km|cm|mm|nm|dB|mV|fps"

# A number after one of these is part of something larger, and cannot be asked for alone.
_BOUND = re.compile(r"(?:\b(?:an?|one|the)|['’]s|\d\s*(?:to|×|x|[-–])|[/(\"“])\s*\Z")  # noqa: RUF001 - as is written

# A pattern, whose whole match is replaced by the question words; its group `fact` is the answer.
_FACTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(rf"\bon (?P<fact>{_DATE})"), "on which date"),
    (re.compile(rf"\bin (?P<fact>{_MONTH} \d{{4}})\b"), "in which month"),
    (
        re.compile(r"\b(?P<how>in|since|until|by) (?P<fact>(?:1[4-9]|20)\d\d)\b(?!-)"),
        "{how} which year",
    ),
    (re.compile(r"\bversion (?P<fact>\d[\w.]{0,15}\w|\d)\b"), "which version"),
    (
        re.compile(
            r"(?P<fact>[$€£]\d[\d.,]{0,15}(?:\s?(?:[mM]illion|[bB]illion|[tT]housand|[kKMB])\b)?)"
        ),
        "how much money",
    ),
    (re.compile(r"(?P<fact>(?<![\d.,])\d[\d.,]{0,10}\s?(?:%|percent\b))"), "what percentage"),
    (
        re.compile(
            r"(?<![\w.,$-])(?P<fact>\d[\d.,]{0,14}(?: (?:million|billion|thousand))?)"
            rf" (?P<what>(?:[a-z][a-z-]{{1,20}} )?[a-z][a-z-]{{1,20}}s|(?:{_UNIT})(?!\s\w{{4}}))\b"
        ),
        "how many {what}",
    ),
    (
        re.compile(rf"\bby (?P<fact>{_NAMES})(?=[,;]|\Z| (?:in|for|at|on|and|to|with|as)\b)"),
        "by whom",
    ),
    (re.compile(rf"\A(?P<fact>{_NAMES})(?: \(\d{{4}}\))? (?P<deed>{_DEEDS})\b"), "who {deed}"),
)
_FORMULA = re.compile(r"\$[^$]*\$|[\^?]")
_ASIDE = re.compile(r"\s*\([^()]{0,200}\)")
_CONNECTIVE = re.compile(
    r"\A(?:However|Also|Then|Thus|Therefore|Moreover|Today|Instead|Finally|Note that|In addition"
    r"|For (?:example|instance)|In practice|By default),?\s+"
)
_CLAUSE_END = re.compile(
    r"[;:]\s| [–—-]+ |, (?:which|but|so|while|because|where|whereas|although|and|as|with|who)\b"  # noqa: RUF001 - dashes
)
_CLAUSE_START = re.compile(r"[;:]\s| [–—] ")  # noqa: RUF001 - dashes
_PASSIVE = re.compile(
    r"(?P<subject>[^,;:]{3,60}?) (?P<verb>was|were|is|are|has|had|can) (?P<rest>[^,;:]{3,120})"
    r" (?P<asked>in which (?:year|month)|on which date|by whom)(?P<after>.*)"
)
_MARKS = ".,;\"'"
_SENTENCE_ENDS = (".", "!", ".)", '."', ".”")
_ARTICLES = frozenset({"The", "A", "An"})
_UNNAMED_WORDS = """
    he she it its they their them this that these those there here we our you your i my his her
    such both another one some most many each other others which who
"""
_UNNAMED = frozenset(_UNNAMED_WORDS.split())


@dataclass(frozen=True, slots=True)
class _Clause:
    """A clause with its `fact` masked: the text before it, the question words, the text after."""

    before: str
    asked: str
    after: str
    fact: str

    @property
    def known(self) -> str:
        return f"{self.before} {self.after}"


def draft_masked(material: Material, rng: random.Random) -> Iterator[Draft]:
    """Yield a question for each place with a rare fact that can be masked."""
    for place in material.all_places():
        if not place.is_prose or not in_english(place.words) or _FORMULA.search(place.words):
            continue
        sentences = [place.words[start:end] for start, end in sentence_spans(place.words)]
        found = [clause for sentence in sentences for clause in _clauses(sentence)]
        clauses = [clause for clause in found if material.is_rare(clause.fact)]
        if not clauses:
            continue
        clause = rng.choice(clauses)
        question = _ask(clause, place, material, rng)
        if question and not answer_found([question], [clause.fact]):
            yield Draft(question, place, clause.fact)


def _clauses(sentence: str) -> Iterator[_Clause]:
    """The clause around each fact of a sentence, without parentheses."""
    if not sentence.endswith(_SENTENCE_ENDS):
        return
    text = _CONNECTIVE.sub("", _ASIDE.sub("", sentence)).rstrip(' .!)"”')
    for pattern, asked in _FACTS:
        for found in pattern.finditer(text):
            before = _CLAUSE_START.split(text[: found.start()])[-1]
            after = _CLAUSE_END.split(text[found.end() :], maxsplit=1)[0].rstrip(" ,")
            words = f"{before} {after}".split()
            is_fitting = MIN_CLAUSE_WORDS <= len(words) <= MAX_CLAUSE_WORDS
            if is_fitting and text.count(found["fact"]) == 1 and not _BOUND.search(before):
                fact = found["fact"].rstrip(".,")
                yield _Clause(before.strip(" ~"), asked.format(**found.groupdict()), after, fact)


def _ask(clause: _Clause, place: Place, material: Material, rng: random.Random) -> str:
    """The clause as a question or, for a random share, as a search phrase.

    A vague clause gets the topic added; "" if it begins with a pronoun and has no topic.
    """
    first = " ".join(clause.before.split()[:1]).casefold().strip("\"'“‘")  # noqa: RUF001 - quotes
    topic = next((t for t in map(tidy, (place.title, *place.headings[-1:])) if is_specific(t)), "")
    topic = topic if is_specific(without(topic, clause.known)) else ""
    is_vague = first in _UNNAMED or first == "the" or not material.is_rare(clause.known)
    if first in _UNNAMED and not topic:
        return ""
    if rng.random() < SHARE_OF_PHRASES:
        return f"{topic if is_vague else ''} {_phrase(clause)}".strip().lower()
    return f"{_sentence(clause)}{f' ({topic})' if is_vague and topic else ''}?"


def _sentence(clause: _Clause) -> str:
    """The clause with question words in place of the fact, moved to the front if it is passive."""
    said = f"{clause.before} {clause.asked}{clause.after}".strip()
    passive = _PASSIVE.fullmatch(said)
    if not passive or " and " in passive["rest"] or passive["subject"].split()[-1] in _UNNAMED:
        return said
    subject = passive["subject"]
    subject = subject[0].lower() + subject[1:] if subject.split()[0] in _ARTICLES else subject
    return f"{passive['asked']} {passive['verb']} {subject} {passive['rest']}{passive['after']}"


def _phrase(clause: _Clause) -> str:
    """The content words next to the fact, with question words in its place."""
    before, after = (
        [word for word in text.split() if word.casefold().strip(_MARKS) not in {*STOP_WORDS, ""}]
        for text in (clause.before, clause.after)
    )
    words = (*before[-MAX_KEYWORDS:], clause.asked, *after[: MAX_KEYWORDS // 2])
    return " ".join(word.strip(_MARKS) for word in words)
