"""Refreshes an index without a pause while others ask it, and prints what they saw as JSON.

    python eval/bench/stress.py --refreshes 1000 --askers 4

Exits with 1 where an answer was mixed of two generations, or where anything failed.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from faults import warm_up
from trials.crowd import crowd
from trials.worlds import quick_folder


def main() -> None:
    """Refresh and ask; exit with 1 where something was not as promised."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--refreshes", type=int, default=1000)
    parser.add_argument("--askers", type=int, default=4)
    parser.add_argument("--large", action="store_true", help="refresh as in a large index")
    parser.add_argument("--out", type=Path, help="write the figures to this file too")
    args = parser.parse_args()
    warm_up()
    with quick_folder() as folder:
        seen = crowd(folder, refreshes=args.refreshes, askers=args.askers, large=args.large)
    document = json.dumps(asdict(seen), indent=2)
    print(document)
    if args.out:
        args.out.write_text(document + "\n")
    sys.exit(1 if seen.failed else 0)


if __name__ == "__main__":
    main()
