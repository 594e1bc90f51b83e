"""Walk through the pages with a real browser: how soon they are painted, and pictures of them.

    python eval/bench/browsing.py corpus docs/images

Prints the milliseconds from the server's answer to the first paint, the median of five loads, and
the bytes of script. The walk is that of tests/serving/walk.mjs. It needs Chromium and npm.
"""

import argparse
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from serving import serving

REPOSITORY = Path(__file__).resolve().parents[2]
QUESTION = "when should I fine-tune?"
SAYS = (
    "Fine-tune when good prompting and retrieval do not give the behaviour that you need [1]. "
    "Everybody does it."
)


def main() -> None:
    """Walk and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("corpus", type=Path)
    parser.add_argument("pictures", type=Path, nargs="?", help="a folder for pictures")
    args = parser.parse_args()
    corpus = args.corpus.resolve()
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "scripted.jsonl")
        script.write_text(json.dumps({"when": "", "say": SAYS}), encoding="utf-8")
        with serving(corpus) as server, serving(corpus, RAGQA_LLM=f"scripted:{script}") as writing:
            pictures = [str(args.pictures.resolve())] if args.pictures else []
            seen = walk(Path(folder), server.start, writing.start, *pictures)
    static = REPOSITORY / "ragqa" / "serving" / "static"
    print(f"first paint: {seen['paint']:.0f} ms after the server's answer")
    print(f"script: {sum(one.stat().st_size for one in static.glob('*.js')):,} bytes")


def walk(folder: Path, first: str, writing: str, *pictures: str) -> dict[str, float]:
    """What the walk saw, by name."""
    (folder / "package.json").write_text("{}", encoding="utf-8")
    npm, node = shutil.which("npm"), shutil.which("node")
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if not (npm and node and browser):
        raise SystemExit("Chromium or npm is missing")
    packages = ("playwright-core@1", "axe-core@4")
    install = [npm, "install", "--no-audit", "--no-fund", *packages]
    subprocess.run(install, cwd=folder, check=True, capture_output=True)
    script = str(REPOSITORY / "tests" / "serving" / "walk.mjs")
    done = subprocess.run(
        [node, script, first, writing, browser, *pictures],
        cwd=folder,
        env=os.environ | {"QUESTION": QUESTION},
        stdout=subprocess.PIPE,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


if __name__ == "__main__":
    main()
