"""Evaluations, their missed questions, and the HTML report."""

from collections import Counter
from collections.abc import Iterator, Sequence

from ragqa import __version__
from ragqa.evaluation.measures import ANSWER_MEASURES, WORDS
from ragqa.lookup import reference_to
from ragqa.render import Document, put, put_labelled
from ragqa.render.view import templates_of
from ragqa.safe import safe_line, safe_text
from ragqa.types import counted
from ragqa.why import STAGES, stage_name

_PAGE_FAILURES = 200
_ANSWERS = (*ANSWER_MEASURES, "good", "good@3", "coverage", "coverage@3", "noise", "sure", "wrong")
_BESIDE = {"shown@1": WORDS[0], "good": WORDS[0], "shown@3": WORDS[1], "coverage@3": WORDS[1]}
_PLAIN = {
    "found": ("found", "What answers the question is among the first five passages."),
    "good": ("good", "The answer is most of what a person would copy, and little else."),
    "shown@1": ("good", "The answer has the words that were wanted."),
    "wrong": ("wrong when sure", "An answer without reserve is not even partly right."),
}
_KIND_COLUMNS = ("good", "good@3", "coverage", "noise", "recall@1", "recall@5", "shown@3")

_RANKED_BY = {"dense": "by meaning", "terms": "by words", "hybrid": "by both"}

Table = tuple[str, list[str], list[list[str]]]  # its title, the heads of its columns, its rows


def print_evaluation(document: Document) -> None:
    """Print three figures, each with what it is the share of; the report has the others."""
    recall = document["methods"].get("hybrid", {}).get("recall@5")
    good = "good" if "good" in document else "shown@1"
    figures = {"found": recall, good: document.get(good), "wrong": document.get("wrong")}
    shares = [(*_PLAIN[name], share) for name, share in figures.items() if share is not None]
    missed = sum(bool(row.get("missed")) for row in document["questions"])
    what = "not good" if "good" in document else "missed"
    put(summary_of(document))
    put()
    width = max((len(name) for name, *_ in shares), default=0)
    for name, sentence, share in shares:
        put_labelled(f"{name:<{width}}  {share:<6.0%}", "", sentence)
    put()
    put(f"{counted(missed, 'question')} {what}: --report FILE.html shows each, and all measures")


def tables_of(document: Document) -> Iterator[Table]:
    """The tables of an evaluation, with 95% intervals; the first has no title."""
    methods, intervals = document["methods"], document["intervals"]
    rows = [
        [name, *(_estimate(methods[m][name], intervals.get(f"{m}.{name}")) for m in methods)]
        for name in methods.get("hybrid", ())
    ]
    if rows:
        yield "", ["", *methods], rows
    answers = [
        [name, _estimate(document[name], intervals.get(name)), _beside(document, name)]
        for name in _ANSWERS
        if name in document
    ]
    if answers:
        yield "Answers", [], answers
    if document["kinds"]:
        yield _by_sort("By kind of question", document["kinds"], _KIND_COLUMNS, digits=2)
    if document["abstention"]:
        title = "Answered, answered without reserve, and missing words named"
        yield _by_sort(title, document["abstention"], ("answered", "sure", "named"))


def summary_of(document: Document) -> str:
    """The data set, its size, the index and the embedder."""
    index = document["index"]
    partial = ", partial: only the first questions" if document["partial"] else ""
    return (
        f"{document['dataset']}: {counted(document['queries'], 'question')} scored{partial}; "
        f"{counted(index['passages'], 'passage')} of {counted(index['notes'], 'note')}, "
        f"{index['embedder']}"
    )


def _beside(document: Document, name: str) -> str:
    """How many words were shown, for a measure of what they say."""
    words = document.get(_BESIDE.get(name, ""))
    return "" if words is None else f"{words:.0f} words"


def _by_sort(title: str, sorts: Document, names: Sequence[str], digits: int = 3) -> Table:
    """The measures of each sort of question; "none" is one that a sort lacks."""
    columns = [name for name in names if any(name in measures for measures in sorts.values())]
    rows = [
        [sort, str(measures["questions"])]
        + [
            _estimate(measures[name], measures["intervals"][name], digits=digits)
            if name in measures
            else "none"
            for name in columns
        ]
        for sort, measures in sorts.items()
    ]
    return title, ["", "questions", *columns], rows


def _estimate(value: float, interval: Sequence[float] | None, *, digits: int = 3) -> str:
    """A figure followed by its interval, if it has one."""
    form = f".{digits}f"
    if not interval:
        return f"{value:{form}}"
    return f"{value:{form}} [{interval[0]:{form}}, {interval[1]:{form}}]"


def report_page(document: Document) -> str:
    """The evaluation as one HTML page without script or external address, from its document."""
    missed = [row for row in document["questions"] if row["missed"]]
    stages = Counter(row["missed"]["stage"] for row in missed)
    environment = templates_of("ragqa.render")
    environment.filters |= {
        "line": safe_line,
        "place": lambda where: safe_line(reference_to(where["path"], where["lines"])),
        "ranks": lambda ranks: " and ".join("none" if r is None else str(r) for r in ranks),
        "stage": stage_name,
    }
    page = environment.get_template("report.html.jinja").render(
        run=document,
        summary=summary_of(document),
        tables=list(tables_of(document)),
        missed=missed[:_PAGE_FAILURES],
        more=max(0, len(missed) - _PAGE_FAILURES),
        stages=[[stage_name(s), str(n), STAGES[s]] for s, n in stages.most_common()],
        ranked_by=_RANKED_BY,
        version=__version__,
    )
    # Sanitise the whole page, so that the template cannot forget to.
    return safe_text(page)
