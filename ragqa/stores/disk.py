"""Actions on the disk, each announced, so that tests can kill or fail a writer there."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from io import RawIOBase
from pathlib import Path


def _no_hook(name: str) -> None:
    """Do nothing."""


_hook: Callable[[str], None] = _no_hook


def step(name: str) -> None:
    """Announce the next action; does nothing unless a test is watching."""
    _hook(name)


@contextmanager
def stepping(hook: Callable[[str], None]) -> Iterator[None]:
    """Call `hook` with the name of each step; `step` raises what it raises."""
    global _hook
    before, _hook = _hook, hook
    try:
        yield
    finally:
        _hook = before


@contextmanager
def new_file(path: Path) -> Iterator[Callable[[bytes], None]]:
    """Yield a function that writes to a new file; sync the file at the end."""
    step(f"write {path.name}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o666), "wb", buffering=0) as file:
        yield partial(write_all, file)
        step(f"sync {path.name}")
        os.fsync(file.fileno())


def write_all(file: RawIOBase, data: bytes) -> None:
    """Write all data to an unbuffered file, or raise."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) or 0 :]


def sync(path: Path) -> None:
    """Sync a file, or a folder's entries, to the disk."""
    step(f"sync {path.name}")
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
