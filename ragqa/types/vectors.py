"""Types of arrays, spans and callbacks."""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Vector: TypeAlias = npt.NDArray[np.float32]
"""One embedding, shape (dimension,), unit length."""

Vectors: TypeAlias = npt.NDArray[np.float32]
"""Embeddings, shape (n, dimension), each row of unit length."""

Numbers: TypeAlias = npt.NDArray[np.int64]
"""Passage ids, note numbers or row numbers, shape (n,)."""

Span: TypeAlias = tuple[int, int]
"""The start and end of some characters of a text, the end exclusive."""

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with (stage, done, total) during work."""


def no_progress(stage: str, done: int, total: int) -> None:
    """A `Progress` that does nothing."""
