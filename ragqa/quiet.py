"""Silence chatty model libraries."""

import contextlib
import logging
import warnings
from collections.abc import Iterator

_LIBRARIES = ("sentence_transformers", "transformers", "torch")


@contextlib.contextmanager
def quiet_models() -> Iterator[None]:
    """Suppress the model libraries' progress bars, logs and warnings; errors still propagate."""
    from transformers.utils import logging as transformers_logging

    bars = transformers_logging.is_progress_bar_enabled()
    loggers = [logging.getLogger(name) for name in _LIBRARIES]
    levels = [library.level for library in loggers]
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # theirs
    for library in loggers:
        library.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for library, level in zip(loggers, levels, strict=True):
            library.setLevel(level)
        if bars:
            transformers_logging.enable_progress_bar()  # type: ignore[no-untyped-call]  # theirs
