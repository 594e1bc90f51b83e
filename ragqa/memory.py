"""Too little memory, whichever library says so."""

import errno
import resource

from ragqa.errors import BackendFailed, OutOfMemory, UsageError

LEAST_BYTES = 1_000_000 * 1024
"""The address space that the libraries need to be loaded: with less, some of them crash."""

_SAID = (
    "allocate memory", "unable to allocate", "failed to allocate", "failed to map segment",
    "bad_alloc", "out of memory", "not enough memory", "start new thread", "pthread_create",
)  # fmt: skip
_HINT = "close other programs, or raise the limit: ulimit -v unlimited"


def require_memory() -> None:
    """Check that this process may have the memory that the libraries need.

    :raises OutOfMemory: its limit is lower.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if 0 <= limit < LEAST_BYTES:
        raise OutOfMemory(
            f"ragqa needs {LEAST_BYTES // 1024:,} KB of address space, and this process is limited "
            f"to {limit // 1024:,} KB",
            hint=f"ulimit -v unlimited, or at least ulimit -v {LEAST_BYTES // 1024}",
        )


def out_of_memory(exc: BaseException | None) -> OutOfMemory | None:
    """The error to report if an exception, or one that caused it, is about memory, else None."""
    if isinstance(exc, (UsageError, BackendFailed)):
        return None  # a filter nested too deeply, a server that has no memory
    seen = set[int]()
    while exc is not None and id(exc) not in seen:
        if isinstance(exc, OutOfMemory):
            return exc
        is_native = isinstance(exc, (ImportError, OSError, RuntimeError))
        is_said = is_native and any(words in str(exc).lower() for words in _SAID)
        if isinstance(exc, MemoryError) or getattr(exc, "errno", 0) == errno.ENOMEM or is_said:
            return OutOfMemory("there is too little memory for this", hint=_HINT)
        seen.add(id(exc))
        exc = exc.__cause__ or exc.__context__
    return None
