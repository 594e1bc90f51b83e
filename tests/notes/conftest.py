import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support import HANGS_S

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def run_in() -> Callable[[Path, str], list[str]]:
    """Run code in a process of its own, standing in a folder; gives the lines that it prints."""

    def run(folder: Path, code: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=folder,
            env={"PYTHONPATH": str(PROJECT)},
            capture_output=True,
            text=True,
            timeout=HANGS_S,
            check=True,
        )
        return done.stdout.splitlines()

    return run


@pytest.fixture
def run_as_nobody_in(run_in) -> Callable[[Path, str], list[str]]:
    """The same where permissions count, although the tests may be run by root."""

    def run(folder: Path, code: str) -> list[str]:
        folder.chmod(0o755)
        prelude = (
            "import os\n"
            "from pathlib import Path\n"
            "from ragqa.errors import NoCorpus\n"
            "from ragqa.notes import read_text, walk_notes\n"
            "from ragqa.types import Corpus\n"
            "if os.getuid() == 0: os.setuid(65534)\n"
        )
        return run_in(folder, prelude + code)

    return run
