"""The report's last part: each question that was missed, what was wanted and what was found."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from ragqa.render.report_excerpts import marked_notes, summary
from ragqa.render.report_html import (
    NONE,
    Child,
    badge,
    count,
    cut,
    decimals,
    element,
    number,
    place,
    table,
    terms,
)
from ragqa.sanitise import safe_line
from ragqa.stages import EXCERPT_STAGES, RANKED_BY, stage_name

_STAGE_COLUMNS = ("stage", "questions", "meaning")
_MAX_SHOWN = 200
_MAX_PARTS = 10


def failures(questions: Iterable[Mapping[str, Any]]) -> list[Element]:
    """The missed questions, by the stage that lost them; empty where none was missed."""
    missed = [question for question in questions if question.get("missed")]
    if not missed:
        return []
    by_stage: dict[str, list[Mapping[str, Any]]] = {stage: [] for stage in EXCERPT_STAGES}
    for question in missed:
        by_stage.setdefault(str(question["missed"].get("stage")), []).append(question)
    by_stage = {stage: lost for stage, lost in by_stage.items() if lost}
    rows = [
        (stage_name(stage), count(len(lost)), EXCERPT_STAGES.get(stage, NONE))
        for stage, lost in by_stage.items()
    ]
    caption = "Missed questions by the stage that lost them"
    parts = [table(caption, _STAGE_COLUMNS, rows, class_="words")]
    left = _MAX_SHOWN
    for stage, lost in by_stage.items():
        parts.append(element("h3", f"Lost in {stage_name(stage)} ", badge(count(len(lost)))))
        # One open example says what the others hold.
        parts += [_failure(question, opened=not n) for n, question in enumerate(lost[:left])]
        left = max(0, left - len(lost))
    if len(missed) > _MAX_SHOWN:
        rest = f"{len(missed) - _MAX_SHOWN} more are not shown; ragqa eval --json has them all."
        parts.append(element("p", rest, class_="note"))
    return parts


def _failure(question: Mapping[str, Any], *, opened: bool) -> Element:
    missed = question["missed"]
    columns = element(
        "div",
        element("div", element("p", "Expected", class_="over"), *_expected(missed)),
        element("div", element("p", "Found", class_="over"), *_found(missed), class_="found"),
        element(
            "div",
            *_said(question, missed.get("said") or ()),
            _ranks(question.get("ranks") or {}),
        ),
        class_="columns",
    )
    return element(
        "details",
        summary(question),
        *marked_notes(question),
        columns,
        class_="failure",
        open="open" if opened else "",
    )


def _ranks(ranks: Mapping[str, Sequence[object]]) -> Child:
    shown = {name: of_parts[:_MAX_PARTS] for name, of_parts in ranks.items()}
    parts = max((len(of_parts) for of_parts in shown.values()), default=0)
    if not parts:
        return None
    names = ["rank"] if parts == 1 else [f"part {n}" for n in range(1, parts + 1)]
    rows = [
        (
            RANKED_BY.get(name, name),
            *("not found" if number(rank) is None else count(rank) for rank in of_parts),
        )
        for name, of_parts in shown.items()
    ]
    caption = "Rank of what was expected"
    if any(len(of_parts) > _MAX_PARTS for of_parts in ranks.values()):
        caption += f" (the first {_MAX_PARTS} parts)"
    return table(caption, ("ranked", *names), rows)


def _expected(missed: Mapping[str, Any]) -> list[Element]:
    expected = missed.get("expected") or ()
    parts = [
        element(
            "article",
            place(each, _part(each.get("part"))),
            element("blockquote", cut(str(each.get("quote", ""))), dir="auto"),
        )
        for each in expected[:_MAX_PARTS]
    ]
    if not parts:
        parts.append(element("p", "Nothing is known of what was expected.", class_="note"))
    if len(expected) > _MAX_PARTS:
        parts.append(element("p", f"and {len(expected) - _MAX_PARTS} more", class_="note"))
    return parts


def _part(name: object) -> str:
    """How the rankings name what was expected: a number of a part, or a document."""
    if number(name) is not None:
        return f"part {count(name)}"
    return safe_line(name) if isinstance(name, str) else ""


def _found(missed: Mapping[str, Any]) -> list[Element]:
    quotes = [str(each.get("quote") or "") for each in missed.get("expected") or ()]
    return [
        element(
            "article",
            place(each, f"{n}. passage, score {decimals(each.get('score'))}"),
            _trail(each.get("heading") or ()),
            element("blockquote", *_marked(cut(str(each.get("text", ""))), quotes), dir="auto"),
        )
        for n, each in enumerate(missed.get("found") or (), start=1)
    ] or [element("p", "No passage was found.", class_="note")]


def _said(question: Mapping[str, Any], said: Sequence[str]) -> list[Child]:
    facts: list[tuple[str, Child]] = []
    if number(question.get("confidence")) is not None:
        facts.append(("confidence", decimals(question["confidence"])))
    facts += [
        (name, decimals(question[name], 2))
        for name in ("coverage", "noise")
        if number(question.get(name)) is not None
    ]
    facts += [
        (name, "yes" if question[name] else "no")
        for name in ("answered", "sure")
        if question.get(name) is not None
    ]
    sentences = [element("li", cut(str(sentence)), dir="auto") for sentence in said]
    return [
        element("p", "Said", class_="over") if sentences else None,
        element("ol", *sentences, class_="said") if sentences else None,
        terms(facts, class_="facts") if facts else None,
    ]


def _trail(heading: Sequence[str]) -> Child:
    if not heading:
        return None
    return element("p", safe_line(" \u203a ".join(heading)), class_="trail", dir="auto")


def _marked(text: str, quotes: Sequence[str]) -> list[Child]:
    """The text, with the first quote that it holds marked."""
    for quote in quotes:
        if quote and quote in text:
            before, _, after = text.partition(quote)
            return [before, element("mark", quote), after]
    return [text]
