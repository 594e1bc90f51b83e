"""Evaluations, missed questions and comparisons on the terminal."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.text import Text

from ragqa.evaluation.tasks import ANSWER_MEASURES, EXCERPT_MEASURES, NOISE, OVERLAP_MEASURES
from ragqa.render.screen import emit, stdout
from ragqa.sanitise import safe_line
from ragqa.stages import RANKED_BY, STAGES, stage_name
from ragqa.types import counted

Document = Mapping[str, Any]

_QUOTE_CHARS = 300
_SHOWN_FLIPS = 40
_EXCERPTS = (*EXCERPT_MEASURES, NOISE)
_KIND_COLUMNS = (*_EXCERPTS, "recall@1", "recall@5", "answer@3")
_COMPARED = (*_EXCERPTS, "hybrid.", "answer@", "recall", "precision", "iou")


def print_evaluation(document: Document) -> None:
    """Print the tables of an evaluation, with 95% intervals."""
    print_head(document)
    methods = document["methods"]
    intervals = document["intervals"]
    rows = [
        [
            measure,
            *(with_interval(methods[m][measure], intervals.get(f"{m}.{measure}")) for m in methods),
        ]
        for measure in methods.get("hybrid", ())
    ]
    if rows:
        print_columns(["", *methods], rows)
    _print_measures("Answers", ANSWER_MEASURES, document)
    _print_measures(
        "Overlap of retrieved passages with the answering text", OVERLAP_MEASURES, document
    )
    _print_measures("Citations compared with the wanted excerpts", _EXCERPTS, document)
    _print_kinds(document["kinds"])
    _print_confidence(document)
    _print_latency(document["latency_ms"])
    for method, ids in document["empty"].items():
        _say(
            f"{method} found nothing for {counted(len(ids), 'question')}, scored zero: {_some(ids)}"
        )
    missed = sum(bool(row.get("missed")) for row in document["questions"])
    if missed:
        what = "not good" if "good" in document else "missed"
        _say(
            f"\n{counted(missed, 'question')} {what}: --failures shows each, --report writes a page"
        )


def print_failures(document: Document) -> None:
    """Print each missed question: what was expected, its ranks, and the stage that lost it."""
    missed = [row for row in document["questions"] if row.get("missed")]
    stages = Counter(row["missed"]["stage"] for row in missed)
    _heading(f"Missed: {len(missed)} of {counted(len(document['questions']), 'question')}")
    print_stages(stages, STAGES)
    for row in missed:
        _print_missed(row)


def print_stages(stages: Mapping[str, int], meanings: Mapping[str, str]) -> None:
    """Print how many questions each stage lost."""
    rows = [
        [stage_name(stage), str(n), meanings.get(stage, "")] for stage, n in sorted(stages.items())
    ]
    print_columns(["lost by", "questions", ""], rows)


def print_comparison(document: Document, a: Path, b: Path) -> None:
    """Print the differences between two evaluations, B - A, and the questions that flipped."""
    _say(f"A: {a}  B: {b}  paired questions: {document['paired']}")
    for name in ("only_in_a", "only_in_b"):
        if document[name]:
            questions = counted(document[name], "question")
            _say(f"{questions} {name.replace('_', ' ')}, not compared")
    first, second = (_flat(document[name]) for name in ("a", "b"))
    for key in first | second:
        if first.get(key) != second.get(key):
            _say(f"{key}: A {first.get(key)}, B {second.get(key)}")
    _say("")
    rows = [
        [
            name,
            _number(found["a"]),
            _number(found["b"]),
            with_interval(found["difference"], found["interval"], signed=True),
            f"{found['p']:.3f}",
            f"{found['better']}/{found['worse']}",
        ]
        for name, found in document["measures"].items()
        if name.startswith(_COMPARED)
    ]
    print_columns(["", "A", "B", "B - A", "p", "better/worse"], rows)
    flips = document["flipped"]
    _heading(f"Flipped: {len(flips)}")
    for flip in flips[:_SHOWN_FLIPS]:
        sign = "+" if flip["b"] else "-"
        _say(f"{sign} {flip['what']:<9} {flip['id']}  {flip['question']}")
    if len(flips) > _SHOWN_FLIPS:
        _say(f"and {len(flips) - _SHOWN_FLIPS} more: --json has all")


def print_generated(out: Path, kinds: Mapping[str, int], *, asked_for: int) -> None:
    """Print how many questions of each kind were generated, and the file they are in."""
    made = sum(kinds.values())
    fewer = f" of the {asked_for} asked for: the notes hold no more" if made < asked_for else ""
    _say(f"{counted(made, 'question')}{fewer}, in {out}")
    print_columns([], [[kind, str(count)] for kind, count in kinds.items()])
    _say(f"try: ragqa eval --questions {out}")


def _flat(described: Document) -> dict[str, Any]:
    """Flatten the description of an evaluation: its settings and index beside the other keys."""
    rest = {key: value for key, value in described.items() if not isinstance(value, Mapping)}
    return rest | {
        key: value
        for part in ("settings", "index")
        for key, value in described.get(part, {}).items()
    }


def print_head(document: Document) -> None:
    """Print the data set, its size, the index and the embedder."""
    index = document["index"]
    half = f" ({document['half']})" if document.get("half") else ""
    partial = ", partial: only the first questions" if document["partial"] else ""
    _say(
        f"{document['dataset']}{half}: {counted(document['queries'], 'question')} scored{partial}; "
        f"{counted(index['passages'], 'passage')} of {counted(index['notes'], 'note')}, "
        f"{index['embedder']}"
    )
    _say("")


def _print_measures(title: str, names: Sequence[str], document: Document) -> None:
    rows = [
        [name, with_interval(document[name], document["intervals"].get(name))]
        for name in names
        if name in document
    ]
    if rows:
        _heading(title)
        print_columns([], rows)


def _print_kinds(kinds: Document) -> None:
    if not kinds:
        return
    columns = [
        name
        for name in _KIND_COLUMNS
        if all(name in found for found in kinds.values())
        # A kind without any citation has no noise.
        or (name == NOISE and any(name in found for found in kinds.values()))
    ]
    _heading("By kind of question")
    rows = [
        [
            kind,
            str(found["questions"]),
            *(
                with_interval(found[name], found["intervals"][name], digits=2)
                if name in found
                else "none"
                for name in columns
            ),
        ]
        for kind, found in kinds.items()
    ]
    print_columns(["", "questions", *columns], rows)


def _print_confidence(document: Document) -> None:
    if document["abstention"]:
        _heading("Answered, answered without a mark, and missing words named")
        rows = [
            [
                sort,
                str(found["questions"]),
                with_interval(found["answered"], found["interval"]),
                with_interval(found["sure"], found["sure_interval"]),
                with_interval(found["named"], found["named_interval"]),
            ]
            for sort, found in document["abstention"].items()
        ]
        print_columns(["", "questions", "answered", "unmarked", "named"], rows)
    if "auroc" in document:
        intervals = document["intervals"]
        _heading("Confidence")
        names = {
            "auroc": "AUROC: answerable above unanswerable",
            "ece": "expected calibration error",
            "aurc": "area under the risk-coverage curve",
        }
        rows = [
            [text, with_interval(document[name], intervals[name])] for name, text in names.items()
        ]
        print_columns([], rows)
    _say("")


def _print_latency(latency: Document) -> None:
    for name, found in latency.items():
        _say(
            f"{name}: {found['p50']:.0f} ms p50, {found['p95']:.0f} ms p95 "
            f"over {counted(found['questions'], 'question')}"
        )


def _print_missed(row: Document) -> None:
    missed = row["missed"]
    _heading(f"{row['id']}  {row['question']}")
    kind = f"{row['kind']}, " if row["kind"] else ""
    _say(
        f"{kind}lost by {stage_name(missed['stage'])}: {STAGES.get(missed['stage'], '')}", indent=2
    )
    _say(ranks_of(row), indent=2)
    for expected in missed["expected"]:
        place = f"{expected['path']}:{expected['lines'][0]}"
        _say(f"expected {place} ({expected['part']})", indent=2)
        _say(shortened(expected["quote"]), indent=4)
    if missed["stage"] == "composer":
        for n, sentence in enumerate(missed["said"], start=1):
            _say(f"said {n}: {shortened(sentence)}", indent=2)
        return
    for n, found in enumerate(missed["found"], start=1):
        _say(f"found {n}: {found['path']}:{found['lines'][0]}", indent=2)
        _say(shortened(found["text"]), indent=4)


def ranks_of(row: Document) -> str:
    """The ranks of the expected parts of a question in each ranking, on one line."""
    ranks = (f"{by} {_ranks(row['ranks'][name])}" for name, by in RANKED_BY.items())
    return f"rank: {', '.join(ranks)}"


def _ranks(ranks: Iterable[int | None]) -> str:
    """`3`, or `3 and none` if the second of two parts was not found."""
    found = ["none" if rank is None else str(rank) for rank in ranks]
    shown = found[:4]
    more = f" and {len(found) - len(shown)} more" if len(found) > len(shown) else ""
    return " and ".join(shown) + more


def print_columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print aligned columns, all flush left because most hold intervals."""
    safe = [[safe_line(cell) for cell in row] for row in rows]
    widths = [
        max(len(cell) for cell in column)
        for column in zip(*([head] if head else []), *safe, strict=True)
    ]
    if head:
        line = "  ".join(f"{cell:<{width}}" for cell, width in zip(head, widths, strict=True))
        emit(stdout(), Text(line.rstrip(), style="quiet"))
    for row in safe:
        line = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        emit(stdout(), Text(line.rstrip()))


def _heading(text: str) -> None:
    emit(stdout(), Text(f"\n{safe_line(text)}", style="bold"))


def _say(text: str, *, indent: int = 0) -> None:
    shown = "\n".join(safe_line(line) for line in text.split("\n"))
    emit(stdout(), Text(shown), indent=indent)


def _number(value: float) -> str:
    return f"{value:.3f}"


def with_interval(
    value: float, interval: Sequence[float] | None, *, signed: bool = False, digits: int = 3
) -> str:
    """A figure followed by its interval, if it has one."""
    form = f"{'+' if signed else ''}.{digits}f"
    if not interval:
        return f"{value:{form}}"
    return f"{value:{form}} [{interval[0]:{form}}, {interval[1]:{form}}]"


def shortened(text: str) -> str:
    """A quote on one line, cut after 300 characters."""
    line = " ".join(text.split())
    return line if len(line) <= _QUOTE_CHARS else f"{line[:_QUOTE_CHARS].rstrip()}…"


def _some(ids: Sequence[str]) -> str:
    return ", ".join(ids[:5]) + (" and more" if len(ids) > 5 else "")
