"""An evaluation as one self-contained HTML page: inline style, no script, no external address.

The tables are those of the terminal. The template escapes every value.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from ragqa import __version__
from ragqa.render.evaluations import ranks_of, remarks_of, summary_of, tables_of
from ragqa.render.pages import templates_of
from ragqa.safe import safe_line, safe_text
from ragqa.stages import RANKED_BY, STAGES, stage_name

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
        remarks=list(remarks_of(document)),
        missed=missed[:_MAX_SHOWN],
        more=max(0, len(missed) - _MAX_SHOWN),
        stages=[[stage_name(s), str(n), STAGES[s]] for s, n in stages.most_common()],
        ranks=lambda row: [(by, ranks_of(row["ranks"][name])) for name, by in RANKED_BY.items()],
        version=__version__,
    )
    # Sanitise the whole page, so that the template cannot forget to.
    return safe_text(page)


def _place(where: Mapping[str, Any]) -> str:
    """A place in a note, as `path:first-last`."""
    lines = "-".join(dict.fromkeys(map(str, where["lines"])))
    return f"{safe_line(where['path'])}:{lines}" if lines else safe_line(where["path"])


def _cut(text: str) -> str:
    """The text, cut to 1500 characters."""
    return text if len(text) <= _MAX_CHARS else text[: _MAX_CHARS - 1].rstrip() + "\u2026"
