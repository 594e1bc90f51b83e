"""The probability that the notes answer a question."""

from collections.abc import Sequence
from dataclasses import dataclass

from ragqa.answering.answer_type import may_answer
from ragqa.answering.models import Models
from ragqa.answering.question_type import parse_question
from ragqa.answering.reading import Reading
from ragqa.answering.scoring import Scored
from ragqa.types import Reason

FEATURES = ("score", "score_gap", "closest", "match", "coverage")
"""The features a model may use."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The probability that the notes answer, whether that is enough, and the reasons."""

    probability: float
    answered: bool
    reasons: tuple[Reason, ...]


def judge(reading: Reading, scored: Sequence[Scored], models: Models) -> Judgement:
    """Judge whether the notes answer the question.

    :param scored: the candidate sentences, at least one.
    """
    model = models.terms if reading.retrieved.by_terms_alone else models.all
    values = features(reading, scored)
    probability = model.probability(values)
    return Judgement(round(probability, 4), probability >= model.threshold, model.reasons(values))


def features(reading: Reading, scored: Sequence[Scored]) -> dict[str, float]:
    """The features of the models, named as in their files.

    `score` is the best passage's ranking score, `score_gap` its lead over the mean of the next
    four, `closest` the highest MaxSim of a passage, and `coverage` the highest coverage of a
    sentence. `match` is the highest sum of cosine, MaxSim and coverage of a sentence with an answer
    of the type asked for, 0 where none has one.
    """
    first, *others = sorted((hit.score for hit in reading.retrieved.hits), reverse=True)
    others = others[:4]
    question = parse_question(reading.retrieved.question)
    matches = (
        one.signals["cosine"] + one.signals["maxsim"] + one.signals["coverage"]
        for one in scored
        if may_answer(question, one.candidate.text)
    )
    return {
        "score": first,
        "score_gap": first - sum(others) / len(others) if others else first,
        "closest": reading.closest,
        "match": max(matches, default=0.0),
        "coverage": max(one.signals["coverage"] for one in scored),
    }
