"""Where the command starts, installed or as `python -P -m ragqa`, before anything is imported."""

import gc
import os
import sys


def main() -> None:
    """Run the command line and exit with its code; Ctrl-C leaves no traceback, however early."""
    gc.set_threshold(100_000)  # a twentieth of a cold question went into collecting no garbage
    try:
        from ragqa.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    # A notes folder may hold a `logging.py`: never import from the current folder.
    try:
        here = os.getcwd()  # noqa: PTH109 - pathlib would be imported from the folder itself
    except OSError:  # the folder was removed
        here = ""
    sys.path[:] = [entry for entry in sys.path if entry not in ("", here)]
    main()
