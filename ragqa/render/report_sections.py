"""The report's sections on numbers; each is nothing where the document has nothing for it."""

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from ragqa.render.report_charts import (
    KIND_MEASURES,
    kinds_chart,
    recall_chart,
    reliability_chart,
    risk_chart,
)
from ragqa.render.report_html import (
    NONE,
    Child,
    count,
    decimals,
    element,
    estimate,
    intervals_of,
    number,
    points,
    table,
    terms,
)
from ragqa.sanitise import safe_line

Document = Mapping[str, Any]
Parts = list[Child]

RANKING = {
    "ndcg@10": "how early what is relevant comes, within the first 10",
    "recall@1": "share of what is relevant in the first place",
    "recall@5": "the same within the first 5",
    "recall@10": "the same within the first 10",
    "recall@100": "the same within the first 100",
    "mrr@10": "one divided by the place of the first relevant, within 10",
}
ANSWERS = {
    "answer@1": "a known answer lies in the first answer sentence",
    "answer@2": "within the first two",
    "answer@3": "within the first three",
}
EXCERPTS = {
    "good": "share of answers with coverage of at least .7 and noise of at most .5",
    "coverage": "share of the excerpts wanted that was cited",
    "noise": "share of what was cited that lies outside of them; less is better",
}
CHUNKING = {
    "recall": "share of the wanted text that was retrieved",
    "precision": "share of the retrieved text that was wanted",
    "precision_omega": "the best precision that these passages allow",
    "iou": "wanted and retrieved text, shared over joined",
}
CONFIDENCE = {
    "auroc": "how well confidence parts answerable questions from others; 0.5 is chance",
    "ece": "mean gap between confidence and truth; less is better",
    "aurc": "mean risk over all coverages; less is better",
}
_MODES = {
    "questions": "Questions over notes, with the lines that answer them.",
    "excerpts": "Questions over notes, with the excerpts that answer them.",
    "beir": "Documents ranked for queries, in BEIR layout.",
    "qa": "Documents ranked for questions with known answers.",
    "chunking": "Passages against the wanted spans of text.",
}
_EXPECTED = {
    "answerable": "the notes answer it: should be answered",
    "unanswerable": "the notes do not answer it: should not",
    "near": "close to the notes, but its fact is not in them: should not",
    "far": "about something else: should not",
}
_KIND_COLUMNS = (*EXCERPTS, "recall@1", "recall@5", "ndcg@10", "answer@1", "answer@3")
_DEPTHS = (1, 2, 3, 5, 10, 15, 20)
_MAX_IDS = 50


def measured(document: Document) -> Parts:
    """What was measured, on what, with which settings."""
    mode = _MODES.get(str(document.get("mode")))
    facts: list[tuple[str, Child]] = [("questions scored", count(document.get("queries")))]
    if document.get("half"):
        facts.append(("half", safe_line(str(document["half"]))))
    index = document.get("index") or {}
    facts += [(f"index: {name}", _value(value)) for name, value in index.items()]
    settings = [(name, _value(value)) for name, value in (document.get("settings") or {}).items()]
    parts: Parts = [element("p", mode) if mode else None, terms(facts, class_="facts")]
    if settings:
        parts += [element("h3", "Settings"), terms(settings, class_="facts")]
    return parts


def warnings(document: Document) -> Parts:
    """What the run warned of, and the queries for which a method returned nothing."""
    parts: Parts = []
    if document.get("warnings"):
        said = [element("li", str(warning), dir="auto") for warning in document["warnings"]]
        parts.append(element("ul", *said, class_="warnings"))
    empty = {name: ids for name, ids in (document.get("empty") or {}).items() if ids}
    if empty:
        rows = [(name, count(len(ids)), _ids(ids)) for name, ids in empty.items()]
        caption = "Queries with no result, counted as zero"
        parts.append(table(caption, ("method", "queries", "which"), rows, class_="words"))
    return parts


def ranking(document: Document) -> Parts:
    """The methods against each other, by each measure."""
    methods = document.get("methods") or {}
    names = [
        name for name in RANKING if any(number(of.get(name)) is not None for of in methods.values())
    ]
    if not names:
        return []
    between = intervals_of(document)
    rows: list[Sequence[Child]] = []
    for name in names:
        marks = _best([of.get(name) for of in methods.values()])
        cells = [
            estimate(of.get(name), between.get(f"{method}.{name}"), best=is_best)
            for (method, of), is_best in zip(methods.items(), marks, strict=True)
        ]
        rows.append((name, *cells))
    note = "Below each number its 95% bootstrap interval. The best of each measure is marked."
    columns = ("measure", *(safe_line(name) for name in methods))
    meanings = terms([(name, RANKING[name]) for name in names], class_="meanings")
    numbers = element(
        "div", table("Retrieval, by method", columns, rows), element("p", note, class_="note")
    )
    return [element("div", numbers, meanings, class_="columns")]


def answers(document: Document) -> Parts:
    """How often the first sentences hold a known answer, and how well citations fit."""
    return [
        *_scores(document, "Known answer within the first sentences", ANSWERS),
        *_scores(document, "Citations, held against the excerpts wanted", EXCERPTS),
    ]


def chunking(document: Document) -> Parts:
    """How well passages fit the wanted text."""
    return _scores(document, "Passages against wanted text", CHUNKING)


def kinds(document: Document) -> Parts:
    """The kinds of question against each other."""
    by_kind = document.get("kinds") or {}
    if not by_kind:
        return []
    names = [
        name
        for name in _KIND_COLUMNS
        if any(number(kind.get(name)) is not None for kind in by_kind.values())
    ]
    rows: list[Sequence[Child]] = [
        (
            safe_line(name),
            count(kind.get("questions")),
            *(estimate(kind.get(each), intervals_of(kind).get(each)) for each in names),
        )
        for name, kind in by_kind.items()
    ]
    drawn = any(
        number(kind.get(name)) is not None for kind in by_kind.values() for name in KIND_MEASURES
    )
    return [
        kinds_chart(by_kind) if drawn else None,
        table(
            "Hybrid retrieval and answers, by kind of question", ("kind", "questions", *names), rows
        ),
    ]


def recall_curve(document: Document) -> Parts:
    """Recall as more places are looked at."""
    found = {name: points(curve) for name, curve in (document.get("recall_curve") or {}).items()}
    curves = {name: curve for name, curve in found.items() if curve}
    if not curves:
        return []
    at = {name: dict(curve) for name, curve in curves.items()}
    ks = [k for k in _DEPTHS if any(k in curve for curve in at.values())]
    rows = [(count(k), *(decimals(curve.get(k)) for curve in at.values())) for k in ks]
    numbers = table("Recall within the first k", ("k", *(safe_line(name) for name in curves)), rows)
    return [element("div", recall_chart(curves), numbers, class_="columns")]


def confidence(document: Document) -> Parts:
    """Whether confidence can be trusted."""
    left = _scores(document, "Confidence that the notes answer", CONFIDENCE)
    curve = document.get("risk_coverage") or []
    if points(curve):
        left += [element("h3", "Risk and coverage"), risk_chart(curve)]
    right: Parts = []
    bins = document.get("reliability") or []
    if bins:
        right = [element("h3", "Reliability"), reliability_chart(bins), _bins(bins)]
    sides = [element("div", *side) for side in (left, right) if side]
    return [element("div", *sides, class_="columns")] if sides else []


def abstention(document: Document) -> Parts:
    """What was answered that should be, and what should not."""
    rows = [
        (
            _measure(name, _EXPECTED.get(name, "")),
            count(share.get("questions")),
            estimate(share.get("answered"), share.get("interval")),
            decimals(share.get("sure")),
        )
        for name, share in (document.get("abstention") or {}).items()
    ]
    columns = ("sort", "questions", "share answered", "answered and sure")
    return [table("Answered, by what the notes hold", columns, rows)] if rows else []


def latency(document: Document) -> Parts:
    """How long a question took."""
    rows = [
        (name, decimals(of.get("p50"), 1), decimals(of.get("p95"), 1), count(of.get("questions")))
        for name, of in (document.get("latency_ms") or {}).items()
    ]
    columns = ("step", "median", "95th percentile", "questions")
    return [table("Milliseconds a question", columns, rows)] if rows else []


def _bins(bins: Sequence[Document]) -> Element:
    rows = [
        (
            f"{decimals(each.get('low'), 1)}\u2013{decimals(each.get('high'), 1)}",
            count(each.get("questions")),
            decimals(each.get("confidence")),
            decimals(each.get("answerable")),
        )
        for each in bins
    ]
    columns = ("bin", "questions", "mean confidence", "share answerable")
    return table("Reliability, by bin of confidence", columns, rows, class_="bins")


def _scores(document: Document, caption: str, meanings: Mapping[str, str]) -> Parts:
    rows = [
        (_measure(name, meaning), estimate(document[name], intervals_of(document).get(name)))
        for name, meaning in meanings.items()
        if number(document.get(name)) is not None
    ]
    return [table(caption, ("measure", "value"), rows)] if rows else []


def _measure(name: str, meaning: str) -> Element:
    return element("span", safe_line(name), element("small", meaning) if meaning else None)


def _best(values: Sequence[object]) -> list[bool]:
    """Which of the values are the highest, where there are others to be better than."""
    found = [figure for value in values if (figure := number(value)) is not None]
    return [len(found) > 1 and number(value) == max(found) for value in values]


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or (isinstance(value, float) and number(value) is None):
        return NONE
    return safe_line(str(value))


def _ids(ids: Sequence[str]) -> Element:
    shown = ", ".join(safe_line(str(each)) for each in ids[:_MAX_IDS])
    rest = len(ids) - _MAX_IDS
    return element("span", f"{shown} and {rest} more" if rest > 0 else shown, class_="ids")
