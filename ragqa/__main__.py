"""`python -P -m ragqa`: the same as the `ragqa` command."""

import os
import sys

if __name__ == "__main__":
    # A notes folder may hold a `logging.py`: never import from the current folder.
    try:
        here = os.getcwd()  # noqa: PTH109 - pathlib would be imported from the folder itself
    except OSError:  # the folder was removed
        here = ""
    sys.path[:] = [entry for entry in sys.path if entry not in ("", here)]
    from ragqa.cli import main

    main()
