"""Evaluations and comparisons on the terminal."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.text import Text

from ragqa.evaluation.follow_ups import MEASURE, SHIFT, WAYS
from ragqa.evaluation.measures import ANSWER_MEASURES, EXCERPT_MEASURES, NOISE, OVERLAP_MEASURES
from ragqa.render.screen import put, put_heading
from ragqa.sanitise import safe_line
from ragqa.types import counted

Document = Mapping[str, Any]

_SHOWN_FLIPS = 40
_SHOWN_IDS = 5
_EXCERPTS = (*EXCERPT_MEASURES, NOISE)
_TABLES = {
    "Answers": ANSWER_MEASURES,
    "Overlap of retrieved passages with the answering text": OVERLAP_MEASURES,
    "Citations compared with the wanted excerpts": _EXCERPTS,
}
_KIND_COLUMNS = (*_EXCERPTS, "recall@1", "recall@5", "answer@3")
_COMPARED = (*_EXCERPTS, "hybrid.", "answer@", "recall", "precision", "iou")
_CONFIDENCE = {
    "auroc": "AUROC: answerable above unanswerable",
    "ece": "expected calibration error",
    "aurc": "area under the risk-coverage curve",
}
_COUNTS = f"{'sentences':>9}  {'flagged':>7}  share"
_KIND = 24


def print_evaluation(document: Document) -> None:
    """Print the tables of an evaluation, with 95% intervals."""
    _print_head(document)
    methods, intervals = document["methods"], document["intervals"]
    rows = [
        [
            measure,
            *(_estimate(methods[m][measure], intervals.get(f"{m}.{measure}")) for m in methods),
        ]
        for measure in methods.get("hybrid", ())
    ]
    if rows:
        print_columns(["", *methods], rows)
    for title, names in _TABLES.items():
        rows = [
            [name, _estimate(document[name], intervals.get(name))]
            for name in names
            if name in document
        ]
        if rows:
            put_heading(title)
            print_columns([], rows)
    if document["kinds"]:
        _print_kinds(document["kinds"])
    _print_confidence(document)
    for name, found in document["latency_ms"].items():
        put(
            f"{name}: {found['p50']:.0f} ms p50, {found['p95']:.0f} ms p95 "
            f"over {counted(found['questions'], 'question')}"
        )
    for method, ids in document["empty"].items():
        some = ", ".join(ids[:_SHOWN_IDS]) + (" and more" if len(ids) > _SHOWN_IDS else "")
        put(f"{method} found nothing for {counted(len(ids), 'question')}, scored zero: {some}")
    missed = sum(bool(row.get("missed")) for row in document["questions"])
    if missed:
        what = "not good" if "good" in document else "missed"
        put()
        put(f"{counted(missed, 'question')} {what}: --failures shows each, --report writes a page")


def _print_head(document: Document) -> None:
    """Print the data set, its size, the index and the embedder."""
    index = document["index"]
    half = f" ({document['half']})" if document.get("half") else ""
    partial = ", partial: only the first questions" if document["partial"] else ""
    put(
        f"{document['dataset']}{half}: {counted(document['queries'], 'question')} scored{partial}; "
        f"{counted(index['passages'], 'passage')} of {counted(index['notes'], 'note')}, "
        f"{index['embedder']}"
    )
    put()


def _print_kinds(kinds: Document) -> None:
    columns = [
        name
        for name in _KIND_COLUMNS
        if all(name in found for found in kinds.values())
        # A kind without any citation has no noise.
        or (name == NOISE and any(name in found for found in kinds.values()))
    ]
    rows = [
        [
            kind,
            str(found["questions"]),
            *(
                _estimate(found[name], found["intervals"][name], digits=2)
                if name in found
                else "none"
                for name in columns
            ),
        ]
        for kind, found in kinds.items()
    ]
    put_heading("By kind of question")
    print_columns(["", "questions", *columns], rows)


def _print_confidence(document: Document) -> None:
    if document["abstention"]:
        put_heading("Answered, answered without a mark, and missing words named")
        rows = [
            [
                sort,
                str(found["questions"]),
                _estimate(found["answered"], found["interval"]),
                _estimate(found["sure"], found["sure_interval"]),
                _estimate(found["named"], found["named_interval"]),
            ]
            for sort, found in document["abstention"].items()
        ]
        print_columns(["", "questions", "answered", "unmarked", "named"], rows)
    if "auroc" in document:
        put_heading("Confidence")
        rows = [
            [text, _estimate(document[name], document["intervals"][name])]
            for name, text in _CONFIDENCE.items()
        ]
        print_columns([], rows)
    put()


def print_comparison(document: Document, a: Path, b: Path) -> None:
    """Print the differences between two evaluations, B - A, and the questions that flipped."""
    put(f"A: {a}  B: {b}  paired questions: {document['paired']}")
    for name in ("only_in_a", "only_in_b"):
        if document[name]:
            questions = counted(document[name], "question")
            put(f"{questions} {name.replace('_', ' ')}, not compared")
    first, second = (_flat(document[name]) for name in ("a", "b"))
    for key in first | second:
        if first.get(key) != second.get(key):
            put(f"{key}: A {first.get(key)}, B {second.get(key)}")
    put()
    rows = [
        [
            name,
            f"{found['a']:.3f}",
            f"{found['b']:.3f}",
            _estimate(found["difference"], found["interval"], signed=True),
            f"{found['p']:.3f}",
            f"{found['better']}/{found['worse']}",
        ]
        for name, found in document["measures"].items()
        if name.startswith(_COMPARED)
    ]
    print_columns(["", "A", "B", "B - A", "p", "better/worse"], rows)
    flips = document["flipped"]
    put_heading(f"Flipped: {len(flips)}")
    for flip in flips[:_SHOWN_FLIPS]:
        sign = "+" if flip["b"] else "-"
        put(f"{sign} {flip['what']:<9} {flip['id']}  {flip['question']}")
    if len(flips) > _SHOWN_FLIPS:
        put(f"and {len(flips) - _SHOWN_FLIPS} more: --json has all")


def _flat(described: Document) -> dict[str, Any]:
    """Flatten the description of an evaluation: its settings and index beside the other keys."""
    rest = {key: value for key, value in described.items() if not isinstance(value, Mapping)}
    return rest | dict(described.get("settings", {})) | dict(described.get("index", {}))


def print_generated(document: Document, *, asked_for: int) -> None:
    """Print how many questions of each kind were generated, and the file they are in."""
    made, out = document["questions"], document["out"]
    fewer = f" of the {asked_for} asked for: the notes hold no more" if made < asked_for else ""
    put(f"{counted(made, 'question')}{fewer}, in {out}")
    print_columns([], [[kind, str(count)] for kind, count in document["kinds"].items()])
    put(f"try: ragqa eval --questions {out}")


def print_follow_ups(document: Document) -> None:
    """Print the share of follow-ups found in each way, by kind, with 95% intervals."""
    _print_head(document)
    names = {"leaning": f"all but {SHIFT}"}
    rows = [
        [
            names.get(group, group),
            str(found["follow_ups"]),
            *(_estimate(found[way], found["intervals"][way], digits=2) for way in WAYS),
            _estimate(found["gain"], found["intervals"]["gain"], signed=True, digits=2),
            f"{found['better']}/{found['worse']}",
        ]
        for group, found in document["groups"].items()
    ]
    head = [MEASURE, "follow-ups", "as asked", "by the rule", "by hand", "gain", "better/worse"]
    print_columns(head, rows)


def print_grounding(document: Document) -> None:
    """Print how many sentences the support check flagged, overall and by kind."""
    half = f" ({document['half']})" if document["half"] else ""
    put(
        f"{document['dataset']}{half}: {counted(document['sentences'], 'sentence')}, "
        f"{document['embedder']}"
    )
    put()
    _print_flagged(document["flagged"].items())
    if "auroc" in document:
        put(f"AUROC (more is better): {_estimate(document['auroc'], document['auroc_interval'])}")
    for name, supported in (("Unsupported", False), ("Supported", True)):
        kinds = [found for found in document["kinds"] if found["supported"] is supported]
        if kinds:
            put_heading(f"{name}, by kind")
            _print_flagged((found["kind"][: _KIND - 2] or "-", found) for found in kinds)


def _print_flagged(rows: Iterable[tuple[str, Document]]) -> None:
    put(f"{'':<{_KIND}}{_COUNTS}", "quiet")
    for name, found in rows:
        share = ""
        if found["sentences"]:
            share = f"  {_estimate(found['share'], found['interval'], digits=2)}"
        put(f"{name:<{_KIND}}{found['sentences']:>9}  {found['flagged']:>7}{share}")


def print_columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print aligned columns, all flush left because most hold intervals."""
    safe = [[safe_line(cell) for cell in row] for row in rows]
    table = [[*head], *safe] if head else safe
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for n, row in enumerate(table):
        line = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        put(Text(line.rstrip(), "quiet" if head and n == 0 else ""))


def _estimate(
    value: float, interval: Sequence[float] | None, *, signed: bool = False, digits: int = 3
) -> str:
    """A figure followed by its interval, if it has one."""
    form = f"{'+' if signed else ''}.{digits}f"
    if not interval:
        return f"{value:{form}}"
    return f"{value:{form}} [{interval[0]:{form}}, {interval[1]:{form}}]"
