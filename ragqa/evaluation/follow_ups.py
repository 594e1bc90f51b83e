"""Measure retrieval for follow-up questions, with and without the questions before them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from ragqa.api import Index
from ragqa.api.follow_ups import follow_up
from ragqa.errors import UsageError
from ragqa.evaluation import statistics
from ragqa.evaluation.asking import Asking, ask_all
from ragqa.evaluation.cache import CachedEmbedder
from ragqa.evaluation.collection import Collection
from ragqa.evaluation.evaluating import about, read_note
from ragqa.evaluation.gold import tasks_of
from ragqa.evaluation.questions import HALVES, Gold, Question, parsed
from ragqa.evaluation.rows import read_rows
from ragqa.evaluation.summary import Document
from ragqa.evaluation.tasks import Task
from ragqa.followups import Turn
from ragqa.types import Progress

MEASURE = "recall@5"
WAYS = ("asked", "rule", "hand")
"""A follow-up as asked, as completed by the rule, and as rewritten by hand."""

SHIFT = "shift"
"""The kind of follow-up that changes the topic, and so stands alone."""

_FORM = (
    'a line is {"id", "turns": ["…"], "question", "alone", "kind", "half", '
    '"gold": [{"path", "quote"}]}'
)


@dataclass(frozen=True, slots=True)
class Dialog:
    """A follow-up with the questions before it.

    Any of its gold quotes answers it. `alone` is a person's self-contained rewriting.
    """

    question: Question
    turns: tuple[str, ...]
    alone: str

    @property
    def half(self) -> str:
        """Its half of the file."""
        return self.question.half


def read_follow_ups(path: Path) -> list[Dialog]:
    """Read a JSON Lines file of follow-up questions.

    :raises UsageError: the file cannot be read, or a line is malformed; the message names it.
    """
    dialogs = [
        parsed(row, where, _dialog, _FORM) for where, row in read_rows(path, hint=_FORM, form=_FORM)
    ]
    if not dialogs:
        raise UsageError(f"there are no questions in {path}", hint=_FORM)
    ids = [dialog.question.id for dialog in dialogs]
    for before, after in pairwise(sorted(ids)):
        if before == after:
            raise UsageError(f"{path}: the id {before!r} appears twice")
    return dialogs


def evaluate_follow_ups(
    index: Index,
    dialogs: Sequence[Dialog],
    *,
    name: str,
    half: str = "",
    limit: int | None = None,
    progress: Progress,
) -> Document:
    """Refresh an index and ask each follow-up in every way of `WAYS`.

    The rule completes a follow-up after the questions before it were really asked.

    :raises RagqaError: as `Index.refresh` does.
    """
    index.refresh(progress=progress)
    chosen = dialogs[:limit]
    texts = {
        "asked": [dialog.question.question for dialog in chosen],
        "rule": _completed(index, chosen, progress),
        "hand": [dialog.alone for dialog in chosen],
    }
    with CachedEmbedder.open(index.source.embedders) as embedder:
        collection = Collection.of(index, embedder)
        questions = [dialog.question for dialog in chosen]
        tasks, warnings = tasks_of(questions, partial(read_note, index), collection.passages_of)
        found: dict[str, list[float]] = {}
        for way in WAYS:
            found[way], problems = _recall(collection, tasks, texts[way], progress)
            warnings += problems
    return {
        "dataset": name,
        "mode": "follow-ups",
        "half": half,
        **about(index.settings, collection, warnings),
        "partial": len(chosen) < len(dialogs),
        "queries": len(chosen),
        "measure": MEASURE,
        **_summary([dialog.question.kind for dialog in chosen], found),
        "questions": [
            {
                "id": dialog.question.id,
                "kind": dialog.question.kind,
                "turns": list(dialog.turns),
                **{way: texts[way][at] for way in WAYS},
                MEASURE: {way: found[way][at] for way in WAYS},
            }
            for at, dialog in enumerate(chosen)
        ],
    }


def _recall(
    collection: Collection, tasks: Sequence[Task], texts: Sequence[str], progress: Progress
) -> tuple[list[float], list[str]]:
    """The measure of each task when asked with these texts, and the warnings."""
    asked = [replace(task, question=text) for task, text in zip(tasks, texts, strict=True)]
    outcomes, problems = ask_all(collection, asked, Asking(), progress)
    return [one.measures["hybrid"][MEASURE] for one in outcomes], problems


def _completed(index: Index, dialogs: Sequence[Dialog], progress: Progress) -> list[str]:
    """The follow-ups, completed as in a chat."""
    known: dict[tuple[str, ...], tuple[Turn, ...]] = {(): ()}

    def turns_after(asked: tuple[str, ...]) -> tuple[Turn, ...]:
        if asked not in known:
            before = turns_after(asked[:-1])
            question = follow_up(index, asked[-1], before).question
            known[asked] = (*before, Turn.of(asked[-1], index.ask(question, refresh=False)))
        return known[asked]

    completed = []
    for done, dialog in enumerate(dialogs):
        progress("asking", done, len(dialogs))
        turns = turns_after(dialog.turns)
        completed.append(follow_up(index, dialog.question.question, turns).question)
    return completed


def _summary(kinds: Sequence[str], found: Mapping[str, Sequence[float]]) -> Document:
    """The measures over all follow-ups, over those that depend on context, and by kind."""
    groups = {"all": list(range(len(kinds)))}
    groups["leaning"] = [at for at, kind in enumerate(kinds) if kind != SHIFT]
    groups |= {
        kind: [at for at, one in enumerate(kinds) if one == kind]
        for kind in sorted(set(kinds))
        if kind
    }
    return {
        "groups": {
            group: _compared({way: [found[way][at] for at in these] for way in WAYS})
            for group, these in groups.items()
            if these
        }
    }


def _compared(found: Mapping[str, Sequence[float]]) -> Document:
    gains = [rule - asked for rule, asked in zip(found["rule"], found["asked"], strict=True)]
    return {
        "follow_ups": len(gains),
        **{way: _mean(found[way]) for way in WAYS},
        "gain": _mean(gains),
        "intervals": {
            **{way: _bounds(statistics.share_interval(found[way])) for way in WAYS},
            "gain": _bounds(statistics.interval(gains)),
        },
        "better": sum(gain > 0 for gain in gains),
        "worse": sum(gain < 0 for gain in gains),
        "p": round(statistics.randomisation_p(gains), 4),
    }


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), 4)


def _bounds(interval: tuple[float, float]) -> list[float]:
    return [round(bound, 4) for bound in interval]


def _dialog(row: Mapping[str, Any]) -> Dialog:
    gold = tuple(Gold(_text(one["path"]), _text(one["quote"])) for one in row["gold"])
    half = _text(row.get("half", ""))
    if half not in ("", *HALVES):
        raise ValueError(f"half must be tune or test, not {half!r}")
    if not gold or not row["turns"]:
        raise ValueError("it needs an earlier question and a quote that answers it")
    question = Question(
        id=_text(row["id"]),
        question=_text(row["question"]),
        kind=_text(row.get("kind", "")),
        gold=gold,
        answer=(),
        half=half,
    )
    return Dialog(question, tuple(map(_text, row["turns"])), _text(row["alone"]))


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise TypeError(f"{value!r} is not a string, or is blank")
    return value
