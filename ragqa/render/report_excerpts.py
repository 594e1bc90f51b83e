"""The report's view of notes with what was wanted and what was cited marked in them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from ragqa.evaluation.marking import Mark
from ragqa.render.report_html import Child, badge, count, cut, decimals, element, place
from ragqa.sanitise import safe_line

_MEANINGS = {
    Mark.BOTH: "wanted and cited",
    Mark.WANTED: "wanted, not cited",
    Mark.CITED: "cited, not wanted",
}
_MAX_SHOWN = 200
_MAX_PLACES = 8
_MAX_PIECES = 60


def good_answers(questions: Iterable[Mapping[str, Any]]) -> list[Element]:
    """The questions with a good answer, closed; empty where there are none."""
    good = [question for question in questions if question.get("good") is True]
    parts = [
        element("details", summary(question), *marked_notes(question), class_="failure")
        for question in good[:_MAX_SHOWN]
    ]
    if len(good) > _MAX_SHOWN:
        rest = f"{count(len(good) - _MAX_SHOWN)} more are not shown; ragqa eval --json has them."
        parts.append(element("p", rest, class_="note"))
    return parts


def summary(question: Mapping[str, Any]) -> Element:
    """The line that a question's details open from."""
    kind = str(question.get("kind") or "")
    return element(
        "summary",
        element("span", str(question.get("question", "")), class_="question", dir="auto"),
        " ",
        badge(kind) if kind else None,
        " ",
        element("bdi", safe_line(str(question.get("id", ""))), class_="id"),
    )


def marked_notes(question: Mapping[str, Any]) -> list[Element]:
    """The notes around what was wanted and cited; empty where that was not measured."""
    marked = question.get("marked") or ()
    if not marked:
        return []
    scored = f"coverage {decimals(question.get('coverage'), 2)}, "
    scored += f"noise {decimals(question.get('noise'), 2)}"
    legend = [
        element("li", element("mark", meaning, class_=str(mark)))
        for mark, meaning in _MEANINGS.items()
    ]
    parts = [
        element("p", "Wanted and cited: ", scored, class_="over"),
        element("ul", *legend, class_="marks"),
        *(
            element(
                "article",
                place(each),
                element("blockquote", *_pieces(each.get("pieces") or ()), dir="auto"),
            )
            for each in marked[:_MAX_PLACES]
        ),
    ]
    if len(marked) > _MAX_PLACES:
        parts.append(element("p", f"and {len(marked) - _MAX_PLACES} places more", class_="note"))
    return parts


def _pieces(pieces: Sequence[Mapping[str, Any]]) -> list[Child]:
    shown: list[Child] = []
    for piece in pieces[:_MAX_PIECES]:
        text = cut(str(piece.get("text", "")))
        known = next((one for one in _MEANINGS if one == piece.get("mark")), None)
        shown.append(element("mark", text, class_=str(known)) if known else text)
    return [*shown, "\u2026"] if len(pieces) > _MAX_PIECES else shown
