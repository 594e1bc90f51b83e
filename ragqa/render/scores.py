"""Scores for people: words for the names of signals and features, and tables that fit the screen.

Three things are kept apart: how a passage ranks, how well a sentence matches the question, and the
confidence that the notes answer it. They are made of other figures and cannot be compared.
"""

from collections.abc import Mapping, Sequence

from rich.text import Text

from ragqa.render.screen import emit, stdout
from ragqa.sanitise import safe_line
from ragqa.types import Answer, Citation, Hit, Reason

_PARTS = {
    "cosine": "meaning of the sentence",
    "maxsim": "meaning, word by word",
    "reader": "question and sentence together",
    "holds": "has what is asked for",
    "coverage": "words of the question in it",
    "passage": "ranking of its passage",
}
"""The parts of a sentence's score; a name that is not here is shown as it is."""

_FEATURES = {
    "score": "score of the best passage",
    "score_gap": "its lead over the next ones",
    "closest": "meaning of the nearest passage",
    "match": "best sentence's match, up to 3",
    "coverage": "question's words in a sentence",
}
"""What tells confidence; likewise."""

_LABEL = 33
_CELL = 9
_WIDTH = 80
"""A table is not wider than this; a label and three cells fit 60 columns."""

_SHOWN = 5

Row = tuple[str, Sequence[str]]


def print_scores(answer: Answer) -> None:
    """Print what an answer was found by: ranking, match and confidence, each under its name."""
    if answer.citations:
        rows = ranking_rows([_hit_of(citation, answer.hits) for citation in answer.citations])
        heads = [f"[{one.n}]" for one in answer.citations]
        print_table(heads, [*rows, *match_rows(answer.citations)])
    else:
        ranked = list(enumerate(answer.hits[:_SHOWN], start=1))
        print_table([str(rank) for rank, _ in ranked], ranking_rows(ranked) if ranked else [])
    print_confidence(answer.confidence, answer.reasons)


def ranking_rows(ranked: Sequence[tuple[int | None, Hit | None]]) -> list[Row]:
    """How passages rank, each with its rank by both legs together; what is not known is None."""
    ranks, hits = [rank for rank, _ in ranked], [hit for _, hit in ranked]
    return [
        ("Ranking of the passage", []),
        ("  rank", [whole(rank) for rank in ranks]),
        ("  score, about 1 if both agree", [decimals(hit.score if hit else None) for hit in hits]),
        ("  rank by meaning", [whole(hit.dense_rank if hit else None) for hit in hits]),
        ("  cosine", [decimals(hit.dense if hit else None) for hit in hits]),
        ("  rank by words", [whole(hit.terms_rank if hit else None) for hit in hits]),
        ("  BM25, without a limit", [decimals(hit.terms if hit else None) for hit in hits]),
    ]


def match_rows(citations: Sequence[Citation]) -> list[Row]:
    """How well sentences match the question, and what each signal adds to that."""
    names = dict.fromkeys(name for citation in citations for name in citation.parts)
    rows = [(_name(name, _PARTS), [c.parts.get(name) for c in citations]) for name in names]
    rows.sort(key=lambda row: -max(value or 0.0 for value in row[1]))
    total: Row = ("Match of sentence and question", [decimals(c.score) for c in citations])
    return [total, *((f"  {name}", [decimals(value) for value in row]) for name, row in rows)]


def print_confidence(confidence: float, reasons: Sequence[Reason]) -> None:
    """Print how probable an answer is, and what told that, the strongest first."""
    rows: list[Row] = [("Confidence that the notes answer", [decimals(confidence)])]
    for reason in sorted(reasons, key=lambda reason: -abs(reason.share)):
        figures = [decimals(reason.value), decimals(reason.usual), f"{reason.share:+.2f}"]
        rows.append((f"  {_name(reason.name, _FEATURES)}", figures))
    print_table(["here", "usual", "effect"] if reasons else [], rows)


def print_table(heads: Sequence[str], rows: Sequence[Row], *, title: str = "") -> None:
    """Print rows of a label and cells, aligned, below an empty line and the heads if any.

    As many columns side by side as fit the screen; the others below them, with the labels again.
    """
    console = stdout()
    width = min(console.width, _WIDTH)
    wide = min(_LABEL, width - _CELL)
    across = max(1, (width - wide) // _CELL)
    columns = max([len(heads), *(len(cells) for _, cells in rows)], default=0)
    for start in range(0, columns, across):
        part = slice(start, start + across)
        if heads:
            emit(console, Text(f"\n{_aligned(title, heads[part], wide)}", style="heading"))
        for label, cells in rows:
            emit(console, Text(_aligned(label, cells[part], wide)))


def _aligned(label: str, cells: Sequence[str], wide: int) -> str:
    start = f"{safe_line(label)[: max(0, wide - 1)]:{max(0, wide)}}"
    return (start + "".join(f"{cell:>{_CELL}}" for cell in cells)).rstrip()


def whole(value: int | None) -> str:
    """A count, or a dash where there is none."""
    return "-" if value is None else str(value)


def decimals(value: float | None) -> str:
    """A figure with two decimals, or a dash where there is none."""
    return "-" if value is None else f"{value:.2f}"


def _name(name: str, words: Mapping[str, str]) -> str:
    return words.get(name, name.replace("_", " "))


def _hit_of(citation: Citation, hits: Sequence[Hit]) -> tuple[int | None, Hit | None]:
    """The passage of a citation with its rank, where it is among those that are shown."""
    for rank, hit in enumerate(hits, start=1):
        passage = hit.passage
        within = passage.start <= citation.chars[0] and citation.chars[1] <= passage.end
        if within and passage.path == citation.path:
            return rank, hit
    return None, None
