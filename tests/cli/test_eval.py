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
WHEN = {"id": "w", "question": "when do figs ripen", "kind": "fact", "half": "tune"}
BOTH = {"id": "b", "question": "when do figs ripen", "kind": "comparison", "half": "test"}
IN_FIGS = {"note": "figs.md", "quote": GOLD, "part": 1}
QUESTIONS = [
    WHEN | {"excerpts": [IN_FIGS]},
    BOTH | {"excerpts": [IN_FIGS, {"note": "drying.md", "quote": DRY, "part": 2}]},
    {"id": "n", "question": "who planted the figs", "kind": "near", "excerpts": []},
    {"id": "f", "question": "tuning a piano", "kind": "far", "excerpts": [], "half": "test"},
]
OLD = [WHEN | {"gold": [IN_FIGS], "answer": ["August"], "half": "test"}]


def rows(questions):
    return "".join(json.dumps(question) + "\n" for question in questions)


@pytest.fixture
def place(tmp_path):
    """A project with three notes, its questions in `eval`, and questions of the older form."""
    write_notes(tmp_path / "corpus", NOTES)
    files = {"eval/questions.jsonl": rows(QUESTIONS), "old.jsonl": rows(OLD)}
    return write_notes(tmp_path, files)


def test_the_questions_of_the_project_are_measured_with_intervals_and_targets(quick, place):
    options = ("--half", "all", "--report", "page.html")
    run = quick("eval", *options, "--fail-under", "recall@5=0.1", cwd=place)
    assert run.code == 0
    page = re.sub("<[^>]*>", " ", (place / "page.html").read_text(encoding="utf-8"))
    words = " ".join(page.split())
    for expected in ("good 0.500 [", "good@3 0.500 [", "coverage 0.750 [", "noise 0.000 ["):
        assert expected in words
    for expected in ("By kind of question", "near", "far", "recall@5"):
        assert expected in words
    missed = quick("eval", "--half", "all", "--fail-under", "recall@5=1.01", cwd=place)
    assert missed.code == 1
    assert "hybrid.recall@5 is 1.0000, below 1.01" in missed.err
    assert missed.out == run.out


def test_three_figures_are_printed_each_with_a_sentence(quick, place):
    assert quick("eval", "--half", "all", cwd=place).out.splitlines() == [
        "questions: 2 questions scored; 3 passages of 3 notes, hashed:64",
        "",
        "found            100%  What answers the question is among the first five passages.",
        "good             50%   The answer is most of what a person would copy, and little else.",
        "wrong when sure  0%    An answer without reserve is not even partly right.",
        "",
        "1 question not good: --report FILE.html shows each, and all measures",
    ]
    short = quick("eval", "--questions", "old.jsonl", cwd=place).out
    assert "100%  The answer has the words that were wanted." in short


def test_a_question_without_an_id_is_known_by_its_line(quick, place):
    without = [{key: of for key, of in row.items() if key != "id"} for row in QUESTIONS]
    (place / "mine.jsonl").write_text("\n" + rows(without), encoding="utf-8")
    run = quick("eval", "--questions", "mine.jsonl", "--half", "all", "--json", cwd=place)
    assert [one["id"] for one in run.document["questions"]] == ["2", "3", "4", "5"]


def test_json_is_one_document_with_the_keys_of_the_contract(quick, place):
    document = quick("eval", "--questions", "old.jsonl", "--json", cwd=place).document
    assert {"dataset", "queries", "methods", "shown@1", "shown@3"} <= set(document)
    wanted = {"ndcg@10", "recall@1", "recall@5", "recall@10", "recall@100", "mrr@10"}
    assert all(set(of) == wanted for of in document["methods"].values())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--beir", "a", "--qa", "b"], "--qa and --beir cannot go together"),
        (["--beir", "a", "--half", "tune"], "--beir and --half cannot go together"),
        (["--beir", "nowhere"], "corpus.jsonl cannot be read"),
        (["--fail-under", "recall@7=1"], "no measure 'recall@7'"),
        (["--half", "both"], "no question is in the 'both' half"),
        (["--report", "no/where.html"], "the folder of the report"),
        (["--report", "page.txt"], "must end in .html"),
        (["--questions", "none.jsonl"], "none.jsonl cannot be read"),
    ],
)
def test_a_wrong_option_is_one_sentence_and_exit_2(quick, place, options, said):
    run = quick("eval", *options, cwd=place)
    assert (run.code, run.out) == (2, "")
    assert said in run.err
    assert "Traceback" not in run.err


def test_the_report_names_the_stage_that_lost_a_question_and_what_was_wanted(quick, place):
    (place / "corpus" / "figs.md").write_text("# Figs\n\nFigs ripen in May.\n", encoding="utf-8")
    run = quick("eval", "--questions", "old.jsonl", "--report", "page.html", cwd=place)
    assert "1 question missed: --report FILE.html shows each" in run.out
    assert "occurs 0 times in figs.md" in run.err
    page = (place / "page.html").read_text(encoding="utf-8")
    assert "Lost by splitting. Rank: by meaning none, by words none, by both none." in page


def test_hostile_questions_and_notes_print_no_escapes(quick, place):
    hostile = f"\x1b[31m{GOLD} \u202e <b>when</b>"
    (place / "corpus" / "figs.md").write_text(f"# Figs\n\n{hostile}\n", encoding="utf-8")
    wanted = [
        {"note": "figs.md", "quote": hostile},
        {"note": "\x1b[1m.md", "quote": "\x1b", "part": 2},
    ]
    row = {
        "id": "\x1b[31mred",
        "question": "figs \x1b]0;title\x07 \u202e ripen?",
        "kind": "\x1b[2J",
    }
    old = row | {"gold": wanted, "answer": ["nothing", "of the sort"]}
    for question in (old, row | {"excerpts": wanted}):
        (place / "hostile.jsonl").write_text(rows([question]), encoding="utf-8")
        run = quick("eval", "--questions", "hostile.jsonl", "--report", "page.html", cwd=place)
        assert run.code == 0
        page = (place / "page.html").read_text(encoding="utf-8")
        assert "\x1b" not in run.out + run.err + page
        assert "<b>" not in page
