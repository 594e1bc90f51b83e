"""What the workers share: each builds, asks and edits one kind of index, and reports in JSON.

    PYTHON with_NAME.py build INDEX SOURCE PASSAGES
    PYTHON with_NAME.py ask INDEX SOURCE QUESTION
    PYTHON with_NAME.py questions INDEX SOURCE QUESTIONS
    PYTHON with_NAME.py edit INDEX SOURCE EDIT

SOURCE is the folder of the model, for ragqa that of the notes. PASSAGES and QUESTIONS are JSON
objects of texts by id, EDIT is one with `removed`, a list of ids, and `added`, texts by id. This
file runs in the environment of each peer, so it imports nothing beyond Python.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

SHOWN = 10
DEPTH = 50
"""So many passages are ranked where documents are ranked by their best one."""

WARM_UP = 3

Texts = Mapping[str, str]
Found = list[tuple[str, str]]
"""Ids and texts of passages, best first."""

Find = Callable[[str, int], Found]
Build = Callable[[Path, Path, Texts], None]
Open = Callable[[Path, Path], Find]
Edit = Callable[[Path, Path, Sequence[str], Texts], None]


def run(open_index: Open, build: Build | None = None, edit: Edit | None = None) -> None:
    """Do what the command line says; the result is one JSON document on standard output."""
    action, index, source, given = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
    result: object = {}
    if action == "ask":
        result = open_index(index, source)(given, SHOWN)
    elif action == "questions":
        result = answer_all(open_index(index, source), _read(given))
    elif action == "build" and build is not None:
        build(index, source, _read(given))
    elif action == "edit" and edit is not None:
        change = json.loads(Path(given).read_text(encoding="utf-8"))
        edit(index, source, change["removed"], change["added"])
    else:
        sys.exit(f"{sys.argv[0]} does not know how to {action}")
    print(json.dumps(result))


def answer_all(find: Find, questions: Texts) -> dict[str, object]:
    """Ask each question, first timed and then as deep as measures of ranking need.

    `seconds` are those of each question, `rankings` the ids of passages by question.
    """
    texts = list(questions.values())
    for text in texts[:WARM_UP]:
        find(text, SHOWN)
    seconds = []
    for text in texts:
        begun = time.perf_counter()
        find(text, SHOWN)
        seconds.append(time.perf_counter() - begun)
    rankings = {id_: [found for found, _ in find(text, DEPTH)] for id_, text in questions.items()}
    return {"seconds": seconds, "rankings": rankings}


def _read(path: str) -> Texts:
    texts: Texts = json.loads(Path(path).read_text(encoding="utf-8"))
    return texts
