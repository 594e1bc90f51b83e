"""An evaluation as one self-contained HTML page: inline style, no script, no external address.

Python prepares plain data; the templates lay it out and escape every value.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment

from ragqa import __version__
from ragqa.render.pages import templates_of
from ragqa.render.report_values import (
    FILTERS,
    NONE,
    Document,
    number,
    points,
    recall_chart,
    reliability_chart,
    risk_chart,
    share_axis,
)
from ragqa.sanitise import safe_text
from ragqa.stages import EXCERPT_STAGES, RANKED_BY, stage_name

_HIGHLIGHTS = ("good", "coverage", "noise", "answer@1", "recall", "iou", "auroc", "ece")
_RANKING = ("ndcg@10", "recall@1", "recall@5", "recall@10", "recall@100", "mrr@10")
_ANSWERS = ("answer@1", "answer@2", "answer@3")
_EXCERPTS = ("good", "coverage", "noise")
_CHUNKING = ("recall", "precision", "precision_omega", "iou")
_CONFIDENCE = ("auroc", "ece", "aurc")
_KIND_BARS = ("recall@5", "recall@1")
_KIND_COLUMNS = (*_EXCERPTS, "recall@1", "recall@5", "ndcg@10", "answer@1", "answer@3")
_DEPTHS = (1, 2, 3, 5, 10, 15, 20)
_MAX_SHOWN = 200

Section = dict[str, Any]


def report_page(document: Mapping[str, Any]) -> str:
    """Return the HTML page of an evaluation document; it depends on the document alone.

    Empty sections are left out.
    """
    page = _environment().get_template("report.html.jinja")
    text = page.render(
        run=document,
        highlights=_highlights(document),
        sections=_sections(document),
        version=__version__,
    )
    # Sanitise the whole page, so that no template can forget to.
    return safe_text(text)


@cache
def _environment() -> Environment:
    environment = templates_of("ragqa.render")
    environment.filters |= {each.__name__: each for each in FILTERS}
    environment.globals["RANKED_BY"] = RANKED_BY
    return environment


def _sections(document: Document) -> dict[str, Section]:
    """The data of each non-empty section, by its anchor."""
    questions = document.get("questions") or ()
    every: dict[str, Section] = {
        "measured": {"run": document},
        "warnings": _warnings(document),
        "retrieval": _retrieval(document),
        "answers": _if_any(
            answers=_scores(document, _ANSWERS), excerpts=_scores(document, _EXCERPTS)
        ),
        "chunking": _if_any(scores=_scores(document, _CHUNKING)),
        "kinds": _kinds(document.get("kinds") or {}),
        "recall": _recall(document),
        "confidence": _confidence(document),
        "abstention": _if_any(sorts=document.get("abstention")),
        "latency": _if_any(steps=document.get("latency_ms")),
        "missed": _missed([each for each in questions if each.get("missed")]),
        "good": _good([each for each in questions if each.get("good") is True]),
    }
    return {name: section for name, section in every.items() if section}


def _highlights(document: Document) -> list[tuple[str, float]]:
    """The main numbers, shown at the top."""
    hybrid = (document.get("methods") or {}).get("hybrid") or {}
    candidates = [
        *((f"hybrid {name}", hybrid.get(name)) for name in ("ndcg@10", "recall@5")),
        *((name, document.get(name)) for name in _HIGHLIGHTS),
    ]
    return [(name, found) for name, value in candidates if (found := number(value)) is not None]


def _if_any(**parts: object) -> Section:
    return parts if any(parts.values()) else {}


def _warnings(document: Document) -> Section:
    empty = {name: ids for name, ids in (document.get("empty") or {}).items() if ids}
    return _if_any(messages=document.get("warnings"), empty=empty)


def _retrieval(document: Document) -> Section:
    methods = document.get("methods") or {}
    measures = {name: _best_methods(name, methods) for name in _present(_RANKING, methods.values())}
    if not measures:
        return {}
    intervals = document.get("intervals") or {}
    return {"methods": methods, "measures": measures, "intervals": intervals}


def _kinds(kinds: Mapping[str, Document]) -> Section:
    if not kinds:
        return {}
    return {
        "kinds": kinds,
        "measures": _present(_KIND_COLUMNS, kinds.values()),
        "bars": _KIND_BARS if _present(_KIND_BARS, kinds.values()) else (),
        "axis": share_axis(list(kinds)),
    }


def _recall(document: Document) -> Section:
    found = {name: points(curve) for name, curve in (document.get("recall_curve") or {}).items()}
    curves = {name: curve for name, curve in found.items() if curve}
    if not curves:
        return {}
    at = {name: dict(curve) for name, curve in curves.items()}
    depths = [k for k in _DEPTHS if any(k in curve for curve in at.values())]
    return {"curves": at, "depths": depths, "chart": recall_chart(curves)}


def _confidence(document: Document) -> Section:
    curve = points(document.get("risk_coverage") or ())
    bins = document.get("reliability") or ()
    return _if_any(
        scores=_scores(document, _CONFIDENCE),
        risk=risk_chart(curve) if curve else None,
        bins=bins,
        reliability=reliability_chart(bins) if bins else None,
    )


def _missed(missed: Sequence[Document]) -> Section:
    """The missed questions by the stage that lost them; at most 200 are shown."""
    by_stage: dict[str, list[Document]] = {stage: [] for stage in EXCERPT_STAGES}
    for question in missed:
        by_stage.setdefault(str(question["missed"].get("stage")), []).append(question)
    stages = []
    left = _MAX_SHOWN
    for stage, lost in by_stage.items():
        if lost:
            meaning = EXCERPT_STAGES.get(stage, NONE)
            stages.append((stage_name(stage), meaning, len(lost), lost[:left]))
            left = max(0, left - len(lost))
    return {"stages": stages, "more": max(0, len(missed) - _MAX_SHOWN)} if missed else {}


def _good(good: Sequence[Document]) -> Section:
    more = max(0, len(good) - _MAX_SHOWN)
    return {"questions": good[:_MAX_SHOWN], "more": more} if good else {}


def _scores(document: Document, names: Iterable[str]) -> dict[str, tuple[object, object]]:
    """The measures that the document has, each with its interval."""
    intervals = document.get("intervals") or {}
    return {name: (document[name], intervals.get(name)) for name in _present(names, [document])}


def _present(names: Iterable[str], documents: Iterable[Document]) -> list[str]:
    """The measures that at least one of the documents has."""
    each = list(documents)
    return [name for name in names if any(number(one.get(name)) is not None for one in each)]


def _best_methods(measure: str, methods: Mapping[str, Document]) -> list[str]:
    """The methods with the highest value, if there are at least two methods."""
    found = {
        name: value
        for name, values in methods.items()
        if (value := number(values.get(measure))) is not None
    }
    return [
        name for name, value in found.items() if len(found) > 1 and value == max(found.values())
    ]
