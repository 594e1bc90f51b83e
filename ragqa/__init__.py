"""Ask your notes, get cited answers.

    import ragqa

    with ragqa.open_index("notes") as index:
        answer = index.ask("when should I fine-tune?")
        print(answer.text)
        for citation in answer.citations:
            print(citation.path, citation.lines, citation.quote)

Importing this package loads nothing heavy; the first call does.
"""

import os
from typing import TYPE_CHECKING, Any

SWITCHES = {
    "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime; its own API call does not stop what import began
    "HF_HUB_DISABLE_TELEMETRY": "1",  # huggingface_hub, transformers, sentence-transformers
    "RAY_USAGE_STATS_ENABLED": "0",  # ray and the cluster processes that it starts
    "DO_NOT_TRACK": "1",  # any library that follows donottrack.sh
}
"""Switch off usage reporting by dependencies. Each reads its variable once, on import, so they are
set before any of them is imported, whatever the environment says; child processes inherit them."""

os.environ.update(SWITCHES)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ragqa.api import Index
    from ragqa.errors import RagqaError
    from ragqa.render import ProgressLine
    from ragqa.types import Answer, Citation, Filters, Hit, NoteList, Passage, SearchResult

__version__ = "0.1.0"

__all__ = [
    "Answer", "Citation", "Filters", "Hit", "Index", "NoteList", "Passage",
    "RagqaError", "SearchResult", "__version__", "open_index",
]  # fmt: skip


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the type depends on the name
    """Import a public name on first use, so that `ragqa --version` stays instant."""
    if name not in __all__:
        raise AttributeError(f"module 'ragqa' has no attribute {name!r}")
    from importlib import import_module

    homes = {"Index": "ragqa.api", "RagqaError": "ragqa.errors"}
    return getattr(import_module(homes.get(name, "ragqa.types")), name)


def __dir__() -> list[str]:
    """List the public names, imported or not."""
    return sorted(__all__)


def open_index(
    corpus: "str | Path | Sequence[str | Path] | None" = None,
    *,
    index: "str | Path | None" = None,
    settings: "Mapping[str, str | int | float | None] | None" = None,
) -> "Index":
    """Open the index of a folder of notes; nothing is read or built before the first call.

    Builds show their progress on stderr if that is a terminal.

    :param corpus: the folder of notes, or several; None to find it as the command line does.
    :param index: the index's folder; None to find it likewise.
    :param settings: other settings by name, as in `ragqa config`; None means not given.
    :raises RagqaError: no notes folder is known, or a setting is invalid.
    """
    import logging
    import sys

    from ragqa.api import Index
    from ragqa.config import load_settings

    folder = None if index is None else str(index)
    loaded = load_settings({**(settings or {}), "corpus": corpus, "index": folder})
    for warning in loaded.warnings:
        logging.getLogger("ragqa").warning(warning)
    is_terminal = sys.stderr is not None and sys.stderr.isatty()
    return Index(loaded, shown=_progress_line if is_terminal else None)


def _progress_line() -> "ProgressLine":
    from ragqa.render import ProgressLine

    return ProgressLine()
