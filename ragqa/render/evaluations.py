"""Evaluations, their missed questions, and comparisons on the terminal."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ragqa.evaluation.measures import ANSWER_MEASURES, EXCERPT_MEASURES, NOISE
from ragqa.render.screen import print_columns, put, put_heading
from ragqa.stages import EXCERPT_STAGES, RANKED_BY, STAGES, stage_name
from ragqa.types import counted

Document = Mapping[str, Any]

_SHOWN_FLIPS = 40
_SHOWN_IDS = 5
_SHOWN_RANKS = 4
_QUOTE_CHARS = 300
_EXCERPTS = (*EXCERPT_MEASURES, NOISE)
_TABLES = {
    "Answers": ANSWER_MEASURES,
    "Citations compared with the wanted excerpts": _EXCERPTS,
}
_KIND_COLUMNS = (*_EXCERPTS, "recall@1", "recall@5", "answer@3")
_COMPARED = (*_EXCERPTS, "hybrid.", "answer@")
_CONFIDENCE = {
    "auroc": "AUROC: answerable above unanswerable",
    "ece": "expected calibration error",
}


Table = tuple[str, list[str], list[list[str]]]  # its title, the heads of its columns, its rows


def print_evaluation(document: Document) -> None:
    """Print the tables of an evaluation, with 95% intervals."""
    put(summary_of(document))
    put()
    for title, columns, rows in tables_of(document):
        if title:
            put_heading(title)
        print_columns(columns, rows)
    remarks = list(remarks_of(document))
    if remarks:
        put()
    for remark in remarks:
        put(remark)
    if missed := sum(bool(row.get("missed")) for row in document["questions"]):
        what = "not good" if "good" in document else "missed"
        put()
        put(f"{counted(missed, 'question')} {what}: --failures shows each, --report writes a page")


def tables_of(document: Document) -> Iterator[Table]:
    """The tables of an evaluation, with 95% intervals; the first has no title."""
    methods, intervals = document["methods"], document["intervals"]
    rows = [
        [name, *(_estimate(methods[m][name], intervals.get(f"{m}.{name}")) for m in methods)]
        for name in methods.get("hybrid", ())
    ]
    if rows:
        yield "", ["", *methods], rows
    for title, names in _TABLES.items():
        yield from _measures(title, {name: name for name in names}, document)
    if document["kinds"]:
        yield _kinds(document["kinds"])
    if document["abstention"]:
        yield _abstention(document["abstention"])
    yield from _measures("Confidence", _CONFIDENCE, document)


def remarks_of(document: Document) -> Iterator[str]:
    """The questions for which nothing was found."""
    for method, ids in document["empty"].items():
        some = ", ".join(ids[:_SHOWN_IDS]) + (" and more" if len(ids) > _SHOWN_IDS else "")
        yield f"{method} found nothing for {counted(len(ids), 'question')}, scored zero: {some}"


def summary_of(document: Document) -> str:
    """The data set, its size, the index and the embedder."""
    index = document["index"]
    partial = ", partial: only the first questions" if document["partial"] else ""
    return (
        f"{_named(document)}: {counted(document['queries'], 'question')} scored{partial}; "
        f"{counted(index['passages'], 'passage')} of {counted(index['notes'], 'note')}, "
        f"{index['embedder']}"
    )


def _named(document: Document) -> str:
    half = f" ({document['half']})" if document.get("half") else ""
    return f"{document['dataset']}{half}"


def _measures(title: str, labels: Mapping[str, str], document: Document) -> Iterator[Table]:
    """A table of the measures that the document has, if any."""
    rows = [
        [label, _estimate(document[name], document["intervals"].get(name))]
        for name, label in labels.items()
        if name in document
    ]
    if rows:
        yield title, [], rows


def _kinds(kinds: Document) -> Table:
    def estimate(found: Document, name: str) -> str:
        return _estimate(found[name], found["intervals"][name], digits=2)

    columns = [
        name
        for name in _KIND_COLUMNS
        # A kind without any citation has no noise.
        if (any if name == NOISE else all)(name in found for found in kinds.values())
    ]
    cells = {
        kind: [estimate(found, name) if name in found else "none" for name in columns]
        for kind, found in kinds.items()
    }
    rows = [[kind, str(found["questions"]), *cells[kind]] for kind, found in kinds.items()]
    return "By kind of question", ["", "questions", *columns], rows


def _abstention(sorts: Document) -> Table:
    both = (("answered", "interval"), ("sure", "sure_interval"), ("named", "named_interval"))
    rows = [
        [sort, str(found["questions"]), *(_estimate(found[a], found[b]) for a, b in both)]
        for sort, found in sorts.items()
    ]
    title = "Answered, answered without a mark, and missing words named"
    return title, ["", "questions", "answered", "unmarked", "named"], rows


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


def print_failures(document: Document) -> None:
    """Print each missed question: what was expected, its ranks, and the stage that lost it.

    With gold excerpts, that is each question without a good answer, with what was cited.
    """
    by_excerpts = document["mode"] == "excerpts"
    rows = [row for row in document["questions"] if not by_excerpts or "good" in row]
    missed = [row for row in rows if row.get("missed")]
    what, noun = ("Not good", "answerable question") if by_excerpts else ("Missed", "question")
    put_heading(f"{what}: {len(missed)} of {counted(len(rows), noun)}")
    meanings = EXCERPT_STAGES if by_excerpts else STAGES
    stages = Counter(row["missed"]["stage"] for row in missed)
    print_columns(
        ["lost by", "questions", ""],
        [
            [stage_name(stage), str(n), meanings.get(stage, "")]
            for stage, n in sorted(stages.items())
        ],
    )
    for row in missed:
        _print_missed(row, meanings, by_excerpts=by_excerpts)


def _print_missed(row: Document, meanings: Mapping[str, str], *, by_excerpts: bool) -> None:
    missed = row["missed"]
    stage = missed["stage"]
    put_heading(f"{row['id']}  {row['question']}")
    kind = f"{row['kind']}, " if row["kind"] else ""
    put(f"{kind}lost by {stage_name(stage)}: {meanings.get(stage, '')}", indent=2)
    if by_excerpts:
        noise = "none, as nothing was cited" if row["noise"] is None else f"{row['noise']:.2f}"
        put(f"coverage {row['coverage']:.2f}, noise {noise}", indent=2)
    ranks = (f"{by} {ranks_of(row['ranks'][name])}" for name, by in RANKED_BY.items())
    put(f"rank: {', '.join(ranks)}", indent=2)
    label = "wanted" if by_excerpts else "expected"
    for expected in missed["expected"]:
        _print_place(label, expected, expected["quote"], f" ({expected['part']})")
    if by_excerpts:
        for n, cited in enumerate(row["cited"], start=1):
            _print_place(f"cited {n}:", cited, cited["quote"])
    elif stage == "composer":
        for n, sentence in enumerate(missed["said"], start=1):
            put(f"said {n}: {_shortened(sentence)}", indent=2)
    else:
        for n, found in enumerate(missed["found"], start=1):
            _print_place(f"found {n}:", found, found["text"])


def _print_place(label: str, place: Document, text: str, part: str = "") -> None:
    put(f"{label} {place['path']}:{place['lines'][0]}{part}", indent=2)
    put(_shortened(text), indent=4)


def ranks_of(ranks: Iterable[int | None]) -> str:
    """`3`, or `3 and none` if the second of two parts was not found."""
    found = ["none" if rank is None else str(rank) for rank in ranks]
    more = f" and {len(found) - _SHOWN_RANKS} more" if len(found) > _SHOWN_RANKS else ""
    return " and ".join(found[:_SHOWN_RANKS]) + more


def _estimate(
    value: float, interval: Sequence[float] | None, *, signed: bool = False, digits: int = 3
) -> str:
    """A figure followed by its interval, if it has one."""
    form = f"{'+' if signed else ''}.{digits}f"
    if not interval:
        return f"{value:{form}}"
    return f"{value:{form}} [{interval[0]:{form}}, {interval[1]:{form}}]"


def _shortened(text: str) -> str:
    """A quote on one line, cut after 300 characters."""
    line = " ".join(text.split())
    return line if len(line) <= _QUOTE_CHARS else f"{line[:_QUOTE_CHARS].rstrip()}…"
