"""ragqa in one process, by its Python interface: it finds passages or, told `answers`, answers.

Building, a cold question and edits are measured by the command line itself.
"""

import sys
from pathlib import Path

from msgspec.structs import replace
from worker import SHOWN, Find, Found, run

import ragqa


def open_index(folder: Path, notes: Path) -> Find:
    """Open the index, to be asked as it is: no look for changes before each question.

    Where more than is shown is wanted, it is for the ranking, which an answer does not change.
    """
    index = ragqa.open_index(notes, index=folder)
    answers = sys.argv[-1] == "answers"

    def find(question: str, k: int) -> Found:
        index.settings = replace(index.settings, top_k=k)
        asked = index.ask if answers and k == SHOWN else index.search
        hits = asked(question, refresh=False).hits
        return [(str(hit.passage.id), hit.passage.embedded_text) for hit in hits]

    return find


run(open_index)
