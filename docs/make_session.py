"""Draw docs/session.svg, the picture in the README, from what the command line really prints.

python docs/make_session.py            # write it
python docs/make_session.py --check    # exit with 1 if it no longer is what ragqa prints
"""

import argparse
import os
import pty
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parent.parent
PICTURE = ROOT / "docs" / "session.svg"
COLUMNS = 92
COMMANDS = (
    'ragqa ask "how long until a request to the assistant times out?"',
    'ragqa ask "how many vacation days do we get?" --top-k 1',
)
# The wiki ages, and the picture must not change with the day it is drawn.
AGELESS = """
from datetime import timedelta
from ragqa.api import index
from ragqa.cli import main
index.OLD_AFTER = timedelta(days=36_500)
main()
"""
_SCORES = re.compile(r"(?<=&#160;)[01]\.\d\d")
# A picture that fetches fonts from elsewhere would tell elsewhere who looks at it.
_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
_LINKS = re.compile(r"\x1b\]8;[^\x1b\x07]*(?:\x1b\\|\x07)")


def main() -> int:
    """Write the picture, or check it."""
    parser = argparse.ArgumentParser(description="Draw docs/session.svg from real output.")
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as folder:
        drawn = draw(Path(folder) / "index")
    if not check:
        PICTURE.write_text(drawn, encoding="utf-8")
    elif not is_current(drawn):
        sys.stderr.write(f"{PICTURE} has drifted: run python docs/make_session.py\n")
        return 1
    return 0


def is_current(drawn: str) -> bool:
    """Whether the picture shows this, but for the digits of scores, which differ by processor."""
    if not PICTURE.is_file():
        return False
    kept = PICTURE.read_text(encoding="utf-8")
    return _SCORES.sub("", kept) == _SCORES.sub("", drawn)


def draw(index: Path) -> str:
    """Run the commands over the corpus, with this index, and draw what they print."""
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - a device
        console = Console(record=True, width=COLUMNS, file=nowhere)
        environment = os.environ | {
            "RAGQA_CORPUS": str(ROOT / "corpus"),
            "RAGQA_INDEX": str(index),
            "COLUMNS": str(COLUMNS),
            "TERM": "xterm-256color",
        }
        environment.pop("NO_COLOR", None)
        run("ragqa index", environment)
        for number, command in enumerate(COMMANDS):
            console.print(Text.assemble("\n" if number else "", ("$ ", "green"), (command, "bold")))
            printed = _LINKS.sub("", run(command, environment)).replace("\r\n", "\n")
            console.print(Text.from_ansi(printed.rstrip("\n")))
        return _FONTS.sub("", console.export_svg(title="ragqa", unique_id="ragqa"))


def run(command: str, environment: dict[str, str]) -> str:
    """What a command prints on a terminal."""
    _, *args = shlex.split(command)
    leader, follower = pty.openpty()
    with subprocess.Popen(  # noqa: S603 - our own command line
        [sys.executable, "-c", AGELESS, *args],
        stdin=follower,
        stdout=follower,
        stderr=subprocess.DEVNULL,
        env=environment,
    ):
        os.close(follower)
        pieces = []
        while True:
            try:
                piece = os.read(leader, 65_536)
            except OSError:  # Linux's way of saying that the other end was closed
                break
            if not piece:
                break
            pieces.append(piece)
    os.close(leader)
    return b"".join(pieces).decode("utf-8")


if __name__ == "__main__":
    sys.exit(main())
