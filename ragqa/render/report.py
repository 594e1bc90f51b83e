"""An evaluation as one page of HTML that needs nothing else: no script, no address, one style."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any
from xml.etree.ElementTree import Element

from ragqa import __version__
from ragqa.render import report_sections as sections
from ragqa.render.report_excerpts import good_answers
from ragqa.render.report_failures import failures
from ragqa.render.report_html import Child, count, decimals, element, number, page, terms
from ragqa.sanitise import safe_line

_HIGHLIGHTS = ("good", "coverage", "noise", "answer@1", "recall", "iou", "auroc", "ece")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def report_page(document: Mapping[str, Any]) -> str:
    """The whole page of an evaluation document; the same document gives the same page.

    Sections for which the document has nothing are left out.
    """
    parts: list[tuple[str, str, Sequence[Child]]] = [
        ("measured", "What was measured", sections.measured(document)),
        ("warnings", "Warnings", sections.warnings(document)),
        ("retrieval", "Retrieval", sections.ranking(document)),
        ("answers", "Answers", sections.answers(document)),
        ("chunking", "Chunking", sections.chunking(document)),
        ("kinds", "Kinds of question", sections.kinds(document)),
        ("recall", "Recall by depth", sections.recall_curve(document)),
        ("confidence", "Confidence", sections.confidence(document)),
        ("abstention", "Abstention", sections.abstention(document)),
        ("latency", "Latency", sections.latency(document)),
        ("missed", "Missed questions", failures(document.get("questions") or ())),
        ("good", "Good answers", good_answers(document.get("questions") or ())),
    ]
    shown = [(name, title, content) for name, title, content in parts if content]
    links = [element("li", element("a", title, href=f"#{name}")) for name, title, _ in shown]
    body = element(
        "body",
        _header(document),
        element("nav", element("ul", *links), aria_label="Sections"),
        element("main", *(_section(*part) for part in shown)),
        element("footer", f"Made by ragqa {__version__} from the document of ragqa eval --json."),
    )
    return page(element("html", _head(document), body, lang="en"))


def _head(document: Mapping[str, Any]) -> Element:
    policy = element("meta", content=_POLICY)
    policy.set("http-equiv", "Content-Security-Policy")
    return element(
        "head",
        element("meta", charset="utf-8"),
        policy,
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", f"{_dataset(document)}: ragqa evaluation"),
        element("style", files("ragqa.render").joinpath("report.css").read_text("utf-8")),
    )


def _header(document: Mapping[str, Any]) -> Element:
    questions = count(document.get("queries"))
    partial = None
    if document.get("partial"):
        text = f"Partial: only the first {questions} questions were scored. Do not compare these "
        partial = element("p", text, "numbers with those of a whole run.", class_="partial")
    mode = safe_line(str(document.get("mode") or ""))
    return element(
        "header",
        element("p", "ragqa evaluation", class_="over"),
        element("h1", element("bdi", _dataset(document))),
        element("p", f"{questions} questions scored" + (f", mode {mode}" if mode else "")),
        partial,
        _highlights(document),
    )


def _highlights(document: Mapping[str, Any]) -> Child:
    """The few numbers that one looks for first."""
    hybrid = (document.get("methods") or {}).get("hybrid") or {}
    candidates = [
        ("hybrid ndcg@10", hybrid.get("ndcg@10")),
        ("hybrid recall@5", hybrid.get("recall@5")),
        *((name, document.get(name)) for name in _HIGHLIGHTS),
    ]
    found = [(name, decimals(value)) for name, value in candidates if number(value) is not None]
    return terms(found, class_="highlights") if found else None


def _section(name: str, title: str, content: Sequence[Child]) -> Element:
    return element("section", element("h2", title), *content, id=name)


def _dataset(document: Mapping[str, Any]) -> str:
    return safe_line(str(document.get("dataset") or "evaluation"))
