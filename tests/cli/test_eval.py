"""`ragqa eval` as it is used: the real command line, on a small folder of notes."""

import json
import re

import pytest
from support import write_notes

GOLD = "Figs ripen in August."
DRY = "1. Wash the figs.\n2. Lay the figs in the sun for three days."
NOTES = {
    "figs.md": f"# Figs\n\n{GOLD}\n",
    "kiwis.md": "# Kiwis\n\nKiwis are berries from China.\n",
    "drying.md": f"# Drying fruit\n\nDried fruit keeps:\n\n{DRY}\n",
}
IN_FIGS = {"note": "figs.md", "quote": GOLD, "part": 1}
IN_DRYING = {"note": "drying.md", "quote": DRY, "part": 2}
BOTH = {"id": "b", "question": "when do figs ripen", "kind": "fact"}
QUESTIONS = [
    BOTH | {"excerpts": [IN_FIGS, IN_DRYING]},
    {"id": "f", "question": "tuning a piano", "kind": "far", "excerpts": []},
]


def rows(questions):
    return "".join(json.dumps(question) + "\n" for question in questions)


@pytest.fixture
def place(tmp_path):
    """A project with its notes, and questions about them in `eval`."""
    write_notes(tmp_path / "corpus", NOTES)
    return write_notes(tmp_path, {"eval/questions.jsonl": rows(QUESTIONS)})


def test_the_report_has_every_measure_and_the_stage_that_lost_a_question(quick, place):
    assert "occurs" not in quick("eval", "--report", "page.html", cwd=place).err
    page = re.sub("<[^>]*>", " ", (place / "page.html").read_text(encoding="utf-8"))
    words = " ".join(page.split())
    for expected in ("good 0.000 [", "coverage 0.500 [", "noise 0.000 [", "By kind of question"):
        assert expected in words
    (place / "corpus" / "figs.md").write_text("# Figs\n\nFigs ripen in May.\n", encoding="utf-8")
    run = quick("eval", "--report", "page.html", cwd=place)
    assert "occurs 0 times in figs.md" in run.err
    page = (place / "page.html").read_text(encoding="utf-8")
    assert "Lost by splitting." in page
