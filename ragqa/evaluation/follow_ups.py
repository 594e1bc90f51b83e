"""Measure retrieval for follow-up questions, with and without the questions before them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ragqa.api import Index
from ragqa.errors import UsageError
from ragqa.evaluation import statistics
from ragqa.evaluation.asking import Asking, ask_all
from ragqa.evaluation.collection import open_collection
from ragqa.evaluation.evaluating import tasks_about
from ragqa.evaluation.questions import HALVES, Chosen, Gold, Question, parsed
from ragqa.evaluation.rows import read_unique
from ragqa.evaluation.summary import Document, about
from ragqa.followups import Turn, stand_alone
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
class Dialog(Question):
    """A follow-up with the questions before it.

    Any of its gold quotes answers it. `alone` is a person's self-contained rewriting.
    """

    turns: tuple[str, ...] = ()
    alone: str = ""


def read_follow_ups(path: Path) -> list[Dialog]:
    """Read a JSON Lines file of follow-up questions.

    :raises UsageError: the file cannot be read, or a line is malformed; the message names it.
    """
    dialogs = read_unique(
        path, lambda row, where: parsed(row, where, _dialog, _FORM), hint=_FORM, form=_FORM
    )
    if not dialogs:
        raise UsageError(f"there are no questions in {path}", hint=_FORM)
    return dialogs


def evaluate_follow_ups(index: Index, chosen: Chosen[Dialog], progress: Progress) -> Document:
    """Refresh an index and ask each follow-up in every way of `WAYS`.

    The rule completes a follow-up after the questions before it were really asked.

    :raises RagqaError: as `Index.refresh` does.
    """
    index.refresh(progress=progress)
    dialogs = chosen.asked
    texts = {
        "asked": [dialog.question for dialog in dialogs],
        "rule": _completed(index, dialogs, progress),
        "hand": [dialog.alone for dialog in dialogs],
    }
    with open_collection(index) as collection:
        tasks, warnings = tasks_about(index, collection, dialogs)
        found: dict[str, list[float]] = {}
        for way in WAYS:
            asked = [
                replace(task, question=text) for task, text in zip(tasks, texts[way], strict=True)
            ]
            outcomes, problems = ask_all(collection, asked, Asking(), progress)
            found[way] = [one.measures["hybrid"][MEASURE] for one in outcomes]
            warnings += problems
    return {
        "dataset": chosen.name,
        "mode": "follow-ups",
        "half": chosen.half,
        **about(index.settings, collection.snapshot.info, warnings),
        "partial": chosen.is_partial,
        "queries": len(dialogs),
        "measure": MEASURE,
        "groups": _groups([dialog.kind for dialog in dialogs], found),
        "questions": [
            {"id": dialog.id, "kind": dialog.kind, "turns": list(dialog.turns)}
            | {way: texts[way][at] for way in WAYS}
            | {MEASURE: {way: found[way][at] for way in WAYS}}
            for at, dialog in enumerate(dialogs)
        ],
    }


def _completed(index: Index, dialogs: Sequence[Dialog], progress: Progress) -> list[str]:
    """The follow-ups, completed as in a chat."""
    known: dict[tuple[str, ...], tuple[Turn, ...]] = {(): ()}

    def turns_after(asked: tuple[str, ...]) -> tuple[Turn, ...]:
        if asked not in known:
            before = turns_after(asked[:-1])
            question = stand_alone(index, asked[-1], before)
            known[asked] = (*before, Turn.of(asked[-1], index.ask(question, refresh=False)))
        return known[asked]

    completed = []
    for done, dialog in enumerate(dialogs):
        progress("asking", done, len(dialogs))
        turns = turns_after(dialog.turns)
        completed.append(stand_alone(index, dialog.question, turns))
    return completed


def _groups(kinds: Sequence[str], found: Mapping[str, Sequence[float]]) -> Document:
    """The measures over all follow-ups, over those that depend on context, and by kind."""
    members = {"all": set(kinds), "leaning": set(kinds) - {SHIFT}}
    members |= {kind: {kind} for kind in sorted(set(kinds)) if kind}
    return {
        group: _compared({way: [found[way][at] for at in these] for way in WAYS})
        for group, included in members.items()
        if (these := [at for at, kind in enumerate(kinds) if kind in included])
    }


def _compared(found: Mapping[str, Sequence[float]]) -> Document:
    gains = [rule - asked for rule, asked in zip(found["rule"], found["asked"], strict=True)]
    intervals = {way: statistics.share_interval(found[way]) for way in WAYS}
    intervals["gain"] = statistics.interval(gains)
    return {
        "follow_ups": len(gains),
        **{way: statistics.mean(found[way]) for way in WAYS},
        "gain": statistics.mean(gains),
        "intervals": {name: statistics.rounded(bounds) for name, bounds in intervals.items()},
        "better": sum(gain > 0 for gain in gains),
        "worse": sum(gain < 0 for gain in gains),
        "p": round(statistics.randomisation_p(gains), 4),
    }


def _dialog(row: Mapping[str, Any]) -> Dialog:
    gold = tuple(Gold(_text(one["path"]), _text(one["quote"])) for one in row["gold"])
    half = _text(row["half"]) if "half" in row else ""
    if half not in ("", *HALVES):
        raise ValueError(f"half must be tune or test, not {half!r}")
    if not gold or not row["turns"]:
        raise ValueError("it needs an earlier question and a quote that answers it")
    return Dialog(
        id=_text(row["id"]),
        question=_text(row["question"]),
        kind=_text(row["kind"]) if "kind" in row else "",
        gold=gold,
        answer=(),
        half=half,
        turns=tuple(map(_text, row["turns"])),
        alone=_text(row["alone"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise TypeError(f"{value!r} is not a string, or is blank")
    return value
