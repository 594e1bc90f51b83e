"""What a question wants of the notes, and how far a ranking or an answer meets it."""

import math
import re
import string
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

from ragqa.evaluation.questions import Gold, GoldQuestion
from ragqa.text.words import UNSPACED
from ragqa.types import Citation, Note, Passage

MEASURES = ("ndcg@10", "recall@1", "recall@5", "recall@10", "recall@100", "mrr@10")
_DEPTH = 10

METHODS = ("hybrid", "dense", "terms")

ANSWER_MEASURES = ("shown@1", "shown@3")
EXCERPT_MEASURES = ("good", "good@3", "coverage", "coverage@3", "sure")
NAMES = (
    *(f"{method}.{name}" for method in METHODS for name in MEASURES),
    *ANSWER_MEASURES,
    *EXCERPT_MEASURES,
)
"""The names of all per-question measures where higher is better."""

LOWER_IS_BETTER = ("noise", "wrong")
"""The names of the measures where lower is better."""

WORDS = ("words@1", "words@3")
"""How many words are in the answer, and in all that is shown with the two further excerpts."""

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_IN_WORD = rf"[^\W_{UNSPACED}]"
_PUNCTUATION = str.maketrans("", "", string.punctuation)

GOOD_COVERAGE = 0.7
GOOD_NOISE = 0.5
"""A good answer has at least this coverage and at most this noise."""

PARTLY_COVERAGE = 0.25
"""An answer that covers so much of the gold is partly right, whatever else it cites."""

# Floating-point error can put a mean over parts just below the threshold.
_ROUNDING = 1e-9

_Characters = frozenset[tuple[str, int]]


def measure_ranking(grades: Mapping[str, int], ranking: Sequence[str]) -> dict[str, float]:
    """Compute every measure of `MEASURES`, by name, as trec_eval does.

    :param grades: of each judged unit; at least one is above zero.
    :param ranking: the retrieved units, best first.
    """
    gains = [max(0, grades.get(unit, 0)) for unit in ranking]
    wanted = sorted((grade for grade in grades.values() if grade > 0), reverse=True)
    first = next((rank for rank, gain in enumerate(gains[:_DEPTH], start=1) if gain), math.inf)
    return {
        "ndcg@10": _discounted(gains) / _discounted(wanted),
        **{f"recall@{k}": sum(map(bool, gains[:k])) / len(wanted) for k in (1, 5, 10, 100)},
        "mrr@10": 1 / first,
    }


def _discounted(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains[:_DEPTH], start=1))


def normalised(text: str) -> str:
    """Lower-case a text and strip punctuation and articles, like the SQuAD scorer (2016)."""
    plain = _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION))
    return " ".join(plain.split())


def answer_found(sentences: Iterable[str], answers: Iterable[str]) -> bool:
    """Whether a sentence contains any of the answers as whole words, both normalised."""
    texts = [normalised(sentence) for sentence in sentences]
    patterns = [_as_words(plain) for answer in answers if (plain := normalised(answer))]
    return any(pattern.search(text) for pattern in patterns for text in texts)


def _as_words(text: str) -> re.Pattern[str]:
    """Match the text at word boundaries; scripts without spaces have none."""
    before = rf"(?<!{_IN_WORD})" if re.match(_IN_WORD, text[0]) else ""
    after = rf"(?!{_IN_WORD})" if re.match(_IN_WORD, text[-1]) else ""
    return re.compile(f"{before}{re.escape(text)}{after}")


@dataclass(frozen=True, slots=True)
class GoldExcerpt:
    """A span of a note: `quote` begins at the character `start`."""

    path: str
    start: int
    quote: str

    @property
    def end(self) -> int:
        """The offset after its last character."""
        return self.start + len(self.quote)


@dataclass(frozen=True, slots=True)
class Score:
    """How citations compare with gold excerpts.

    `coverage` is the mean share of each part that is cited; `noise` the share of the cited text
    outside the gold, None if nothing is cited.
    """

    coverage: float
    noise: float | None
    good: bool

    @property
    def partly(self) -> bool:
        """Whether they are at least partly right, so that trusting them does not mislead.

        They cover at least a quarter of the gold, or at most half of what they cite is beside it.
        """
        return self.noise is not None and (
            self.coverage + _ROUNDING >= PARTLY_COVERAGE or self.noise <= GOOD_NOISE
        )


def score_citations(citations: Iterable[Citation], gold: Sequence[Sequence[GoldExcerpt]]) -> Score:
    """Measure how much of the gold is cited, and how much else.

    White space is ignored, and text cited twice counts once.

    :param gold: for each part of the question, its alternative excerpts; nothing covers a part
        without any. Of all combinations of alternatives the best is chosen: first by whether the
        answer is good, then by coverage, then by least noise.
    """
    cited = _characters((c.path, c.chars[0], c.quote) for c in citations)
    choices = product(*filter(None, gold))
    scores = (_score(cited, choice, parts=len(gold)) for choice in choices)
    return max(scores, key=lambda score: (score.good, score.coverage, -(score.noise or 0.0)))


def count_visible(text: str) -> int:
    """Count the characters of a text that are not white space."""
    return sum(not character.isspace() for character in text)


def _score(cited: _Characters, chosen: tuple[GoldExcerpt, ...], *, parts: int) -> Score:
    wanted = [_characters([(excerpt.path, excerpt.start, excerpt.quote)]) for excerpt in chosen]
    shares = [len(part & cited) / len(part) for part in wanted if part]
    coverage = sum(shares) / parts if parts else 0.0
    noise = len(cited.difference(*wanted)) / len(cited) if cited else None
    good = noise is not None and coverage + _ROUNDING >= GOOD_COVERAGE and noise <= GOOD_NOISE
    return Score(coverage, noise, good)


def _characters(texts: Iterable[tuple[str, int, str]]) -> _Characters:
    """The (path, offset) of each character of texts, given as path, offset and text; no spaces."""
    return frozenset(
        (path, at)
        for path, start, text in texts
        for at, character in enumerate(text, start)
        if not character.isspace()
    )


@dataclass(frozen=True, slots=True)
class Expected:
    """A quote that answers a part of a question; `part` is its unit in rankings."""

    path: str
    lines: tuple[int, int]
    quote: str
    part: str


@dataclass(frozen=True, slots=True)
class Task:
    """A question, with what a good ranking and a good answer contain.

    A ranking of passages is judged as a ranking of units (passages or parts of the question), which
    `units_of` maps passages to; each counts at its first occurrence, and a passage that repeats
    what was found takes a rank, too. `relevant` has the grade of each relevant unit, {} if nothing
    is judged. `unretrievable` are the units that no passage contains. `answers` has the alternative
    answers to each part of the question, () if there are none; `gold` has the alternative excerpts
    of each part, () unless citations are to be compared with them. `expected` is what should have
    been found.
    """

    id: str
    question: str
    kind: str
    answerable: bool
    relevant: Mapping[str, int]
    units_of: Callable[[int], Sequence[str]]
    expected: Sequence[Expected] = ()
    unretrievable: frozenset[str] = frozenset()
    answers: Sequence[Sequence[str]] = ()
    gold: Sequence[Sequence[GoldExcerpt]] = ()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a gold quote is, and the ids of the passages that find it."""

    part: int
    excerpt: GoldExcerpt
    lines: tuple[int, int]
    passages: frozenset[int]


def _place(
    gold: Gold, note: Note | None, passages: Sequence[Passage], *, by_overlap: bool
) -> _Place | str:
    """Locate a quote in its note; returns the reason as text if that fails."""
    if note is None:
        return f"there is no note {gold.note}"
    count = note.text.count(gold.quote)
    if count != 1:
        return f"its quote occurs {count} times in {gold.note}: {gold.quote[:60]!r}"
    excerpt = GoldExcerpt(gold.note, note.text.index(gold.quote), gold.quote)
    first = note.text.count("\n", 0, excerpt.start) + 1
    ids = frozenset(
        passage.id
        for passage in passages
        if (by_overlap and _shares_half(passage, excerpt))
        or (passage.start <= excerpt.start and excerpt.end <= passage.end)
    )
    return _Place(gold.part, excerpt, (first, first + gold.quote.count("\n")), ids)


def _shares_half(passage: Passage, excerpt: GoldExcerpt) -> bool:
    """Whether the overlap is half of the shorter of the two; either may be the longer one."""
    start, end = (max(0, at - passage.start) for at in (excerpt.start, excerpt.end))
    shorter = min(count_visible(passage.text), count_visible(excerpt.quote))
    return count_visible(passage.text[start:end]) >= max(1, shorter / 2)


def tasks_of(
    questions: Iterable[GoldQuestion],
    read: Callable[[str], Note | None],
    split: Callable[[Note], Sequence[Passage]],
) -> tuple[list[Task], list[str]]:
    """Make a task of each question; returns the tasks, and warnings about gold quotes not found.

    A part whose quotes are all gone is kept, and nothing finds it. A passage finds a quote if it
    contains all of it, and an excerpt if they overlap by at least half of the shorter one.

    :param read: returns a note by its path; None if it is missing or unreadable.
    """

    @cache
    def chunked(path: str) -> tuple[Note | None, Sequence[Passage]]:
        note = read(path)
        return note, () if note is None else split(note)

    tasks, warnings = [], []
    for question in questions:
        places: list[_Place] = []
        for gold in question.gold:
            place = _place(gold, *chunked(gold.note), by_overlap=question.excerpts)
            if isinstance(place, str):
                warnings.append(f"question {question.id}: {place}")
            else:
                places.append(place)
        tasks.append(_task(question, places))
    return tasks, warnings


def _task(question: GoldQuestion, places: Sequence[_Place]) -> Task:
    units = _units(question, places)
    names: dict[int, list[str]] = {}
    for name, (_, passages) in units.items():
        for id_ in passages:
            names.setdefault(id_, []).append(name)
    unit_of_part = {part: name for name, (parts, _) in units.items() for part in parts}
    return Task(
        id=question.id,
        question=question.question,
        kind=question.kind,
        answerable=bool(question.gold),
        relevant=dict.fromkeys(units, 1),
        units_of=lambda id_: names.get(id_, [str(id_)]),
        expected=[
            Expected(p.excerpt.path, p.lines, p.excerpt.quote, unit_of_part[p.part]) for p in places
        ],
        unretrievable=frozenset(name for name, (_, passages) in units.items() if not passages),
        answers=[[answer] for answer in question.answer],
        gold=[
            [p.excerpt for p in places if p.part == part]
            for part in question.parts
            if question.excerpts
        ],
    )


def _units(
    question: GoldQuestion, places: Sequence[_Place]
) -> dict[str, tuple[tuple[int, ...], frozenset[int]]]:
    """The parts of a question with the passages that find them, by name.

    Parts found by exactly the same passages make one unit; parts that none finds stay apart.
    """
    together: dict[frozenset[int], tuple[int, ...]] = {}
    units: list[tuple[tuple[int, ...], frozenset[int]]] = []
    for part in question.parts:
        passages = frozenset(id_ for p in places if p.part == part for id_ in p.passages)
        if passages:
            together[passages] = (*together.get(passages, ()), part)
        else:
            units.append(((part,), passages))
    units += [(parts, passages) for passages, parts in together.items()]
    return {
        f"part {' and '.join(map(str, parts))}": (parts, passages)
        for parts, passages in sorted(units, key=lambda unit: unit[0])
    }
