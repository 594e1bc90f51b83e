"""Score tables on the terminal, with readable names for signals and features.

Passage ranking, sentence match and confidence are separate scales that cannot be compared.
"""

from collections.abc import Mapping, Sequence

from ragqa.render.screen import put, put_heading, stdout
from ragqa.safe import safe_line
from ragqa.types import Answer, Citation, Hit, Reason

_PARTS = {
    "cosine": "meaning of the sentence",
    "maxsim": "meaning, word by word",
    "reader": "question and sentence together",
    "holds": "has the answer type asked for",
    "coverage": "words of the question in it",
    "passage": "ranking of its passage",
}
"""Labels for the parts of a sentence's score; any other name is shown unchanged."""

_FEATURES = {
    "closest": "meaning of the nearest passage",
    "weakest": "match of the weakest word",
    "margin": "lead over other sections",
    "lead": "lead of the best passage",
    "unfit": "no date or figure as asked for",
    "missing": "words that are missing",
    "coverage": "question words in one sentence",
}
"""Labels for the features of confidence, likewise."""

_LABEL = 33
_CELL = 9
_WIDTH = 80
"""The widest table, in columns; a label and three cells fit 60."""

_SHOWN = 5

Row = tuple[str, Sequence[str]]


def print_scores(answer: Answer) -> None:
    """Print the scores behind an answer: ranking, match and confidence."""
    if answer.citations:
        rows = ranking_rows([_ranked_hit(citation, answer.hits) for citation in answer.citations])
        heads = [f"[{one.n}]" for one in answer.citations]
        print_table(heads, [*rows, *match_rows(answer.citations)])
    else:
        ranked = list(enumerate(answer.hits[:_SHOWN], start=1))
        print_table([str(rank) for rank, _ in ranked], ranking_rows(ranked) if ranked else [])
    print_confidence(answer.confidence, answer.reasons)


def ranking_rows(ranked: Sequence[tuple[int | None, Hit | None]]) -> list[Row]:
    """Rows for the ranking of passages, given with their fused ranks; None is unknown."""
    ranks, hits = [rank for rank, _ in ranked], [hit for _, hit in ranked]
    return [
        ("Ranking of the passage", []),
        ("  rank", [whole(rank) for rank in ranks]),
        ("  score, about 1 if both agree", [decimals(hit.score if hit else None) for hit in hits]),
        ("  rank by meaning", [whole(hit.dense_rank if hit else None) for hit in hits]),
        ("  cosine", [decimals(hit.dense if hit else None) for hit in hits]),
        ("  rank by words", [whole(hit.terms_rank if hit else None) for hit in hits]),
        ("  BM25, unbounded", [decimals(hit.terms if hit else None) for hit in hits]),
    ]


def match_rows(citations: Sequence[Citation]) -> list[Row]:
    """Rows for the match of sentence and question, and the share of each signal."""
    names = dict.fromkeys(name for citation in citations for name in citation.parts)
    rows = [(_name(name, _PARTS), [c.parts.get(name) for c in citations]) for name in names]
    rows.sort(key=lambda row: -max(value or 0.0 for value in row[1]))
    total: Row = ("Match of sentence and question", [decimals(c.score) for c in citations])
    return [total, *((f"  {name}", [decimals(value) for value in row]) for name, row in rows)]


def print_confidence(confidence: float, reasons: Sequence[Reason]) -> None:
    """Print the confidence and its features, the strongest effect first."""
    rows: list[Row] = [("Confidence in the first excerpt", [decimals(confidence)])]
    for reason in sorted(reasons, key=lambda reason: -abs(reason.share)):
        figures = [decimals(reason.value), decimals(reason.usual), f"{reason.share:+.2f}"]
        rows.append((f"  {_name(reason.name, _FEATURES)}", figures))
    print_table(["here", "usual", "effect"] if reasons else [], rows)


def print_table(heads: Sequence[str], rows: Sequence[Row]) -> None:
    """Print aligned rows of a label and cells, below an empty line and the heads, if any.

    Columns that do not fit the screen follow in further tables, with the labels repeated.
    """
    width = min(stdout().width, _WIDTH)
    label_width = min(_LABEL, width - _CELL)
    across = max(1, (width - label_width) // _CELL)
    columns = max([len(heads), *(len(cells) for _, cells in rows)], default=0)
    for start in range(0, columns, across):
        part = slice(start, start + across)
        if heads:
            put_heading(_aligned("", heads[part], label_width), "heading")
        for label, cells in rows:
            put(_aligned(label, cells[part], label_width))


def _aligned(label: str, cells: Sequence[str], label_width: int) -> str:
    start = f"{safe_line(label)[: max(0, label_width - 1)]:{max(0, label_width)}}"
    return (start + "".join(f"{cell:>{_CELL}}" for cell in cells)).rstrip()


def whole(value: int | None) -> str:
    """A count, or a dash for None."""
    return "-" if value is None else str(value)


def decimals(value: float | None) -> str:
    """A figure with two decimals, or a dash for None."""
    return "-" if value is None else f"{value:.2f}"


def _name(name: str, words: Mapping[str, str]) -> str:
    return words.get(name, name.replace("_", " "))


def _ranked_hit(citation: Citation, hits: Sequence[Hit]) -> tuple[int | None, Hit | None]:
    """The rank and hit of the passage that contains a citation; None and None if no hit does."""
    for rank, hit in enumerate(hits, start=1):
        passage = hit.passage
        within = passage.start <= citation.chars[0] and citation.chars[1] <= passage.end
        if within and passage.path == citation.path:
            return rank, hit
    return None, None
