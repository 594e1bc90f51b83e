import contextlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest


@pytest.fixture
def as_nobody(tmp_path, monkeypatch) -> Callable[[], AbstractContextManager[None]]:
    """Stand in the test's folder as a user whose permissions count, though root may run the test.

    Paths must be relative: the folders above are closed to that user.
    """
    monkeypatch.chdir(tmp_path)

    @contextlib.contextmanager
    def become() -> Iterator[None]:
        tmp_path.chmod(0o755)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(user)

    return become
