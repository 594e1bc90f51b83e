"""An evaluation as one self-contained HTML page: inline style, no script, no external address.

The tables are those of the terminal. The template escapes every value.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ragqa import __version__
from ragqa.render.evaluations import ranks_of, remarks_of, summary_of, tables_of
from ragqa.render.pages import templates_of
from ragqa.sanitise import safe_line, safe_text
from ragqa.stages import EXCERPT_STAGES, RANKED_BY, stage_name

_DEPTHS = (1, 2, 3, 5, 10, 15, 20)
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 632, 36, 272
_MAX_CHARS = 1500
_MAX_SHOWN = 200


def report_page(document: Mapping[str, Any]) -> str:
    """Return the HTML page of an evaluation document; it depends on the document alone."""
    missed = [row for row in document["questions"] if row["missed"]]
    stages = Counter(row["missed"]["stage"] for row in missed)
    environment = templates_of("ragqa.render")
    environment.filters |= {"cut": _cut, "line": safe_line, "place": _place, "stage": stage_name}
    page = environment.get_template("report.html.jinja").render(
        run=document,
        summary=summary_of(document),
        tables=list(tables_of(document)),
        curves=document["recall_curve"],
        chart=_chart(document["recall_curve"]),
        recall=_recall(document["recall_curve"]),
        remarks=list(remarks_of(document)),
        missed=missed[:_MAX_SHOWN],
        more=max(0, len(missed) - _MAX_SHOWN),
        stages=[[stage_name(s), str(n), EXCERPT_STAGES[s]] for s, n in stages.most_common()],
        ranks=lambda row: [(by, ranks_of(row["ranks"][name])) for name, by in RANKED_BY.items()],
        version=__version__,
    )
    # Sanitise the whole page, so that the template cannot forget to.
    return safe_text(page)


def _recall(curves: Mapping[str, Sequence[Sequence[float]]]) -> list[list[str]]:
    """The rows of the table of recall: a depth, and the recall of each method."""
    return [[str(k), *(f"{curve[k - 1][1]:.3f}" for curve in curves.values())] for k in _DEPTHS]


def _chart(curves: Mapping[str, Sequence[Sequence[float]]]) -> dict[str, Any]:
    """The coordinates of the chart of recall within the first k: its lines and both axes' marks."""
    shares = [share for curve in curves.values() for _, share in curve]
    floor = min(9, math.floor(10 * min(shares, default=0)))

    def x(k: float) -> float:
        return round(_LEFT + (_RIGHT - _LEFT) * (k - 1) / (_DEPTHS[-1] - 1), 1)

    def y(share: float) -> float:
        return round(_BOTTOM - (_BOTTOM - _TOP) * (share - floor / 10) / (1 - floor / 10), 1)

    return {
        "lines": [" ".join(f"{x(k)},{y(share)}" for k, share in c) for c in curves.values()],
        "depths": [(x(k), k) for k in _DEPTHS],
        "shares": [(y(tenth / 10), tenth / 10) for tenth in range(10, floor - 1, -1)],
    }


def _place(where: Mapping[str, Any]) -> str:
    """A place in a note, as `path:first-last`."""
    lines = "-".join(dict.fromkeys(map(str, where["lines"])))
    return f"{safe_line(where['path'])}:{lines}" if lines else safe_line(where["path"])


def _cut(text: str) -> str:
    """The text, cut to 1500 characters."""
    return text if len(text) <= _MAX_CHARS else text[: _MAX_CHARS - 1].rstrip() + "\u2026"
