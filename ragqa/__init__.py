"""Ask your notes, get cited answers.

    import ragqa

    with ragqa.open_index("notes") as index:
        answer = index.ask("when should I fine-tune?")
        print(answer.text)
        for citation in answer.citations:
            print(citation.path, citation.lines, citation.quote)

Importing this package loads nothing heavy; the first call does.
"""

from typing import TYPE_CHECKING, Any

from ragqa.telemetry import switch_off

switch_off()

if TYPE_CHECKING:
    from ragqa.api import Index, open_index
    from ragqa.errors import RagqaError
    from ragqa.types import Answer, Citation, Disagreement, Filters, Hit, Passage, SearchResult

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "Citation",
    "Disagreement",
    "Filters",
    "Hit",
    "Index",
    "Passage",
    "RagqaError",
    "SearchResult",
    "__version__",
    "open_index",
]

_HOMES = {
    "Index": "ragqa.api",
    "open_index": "ragqa.api",
    "RagqaError": "ragqa.errors",
    **dict.fromkeys(
        ("Answer", "Citation", "Disagreement", "Filters", "Hit", "Passage", "SearchResult"),
        "ragqa.types",
    ),
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - what a module attribute is, its home says
    """Import a public name when it is first used, so that `ragqa --version` stays instant."""
    if name not in _HOMES:
        raise AttributeError(f"module 'ragqa' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
