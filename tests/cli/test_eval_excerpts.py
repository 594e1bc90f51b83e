"""`ragqa eval` with gold excerpts as it is used: the real command line, on two small notes."""

import json

import pytest

RIPE = "Figs ripen in August."
DRY = "1. Wash the figs.\n2. Lay the figs in the sun for three days."


def rows(*questions):
    return "".join(json.dumps(question) + "\n" for question in questions)


WHEN = {
    "id": "w",
    "question": "when do figs ripen",
    "kind": "fact",
    "excerpts": [{"note": "figs.md", "quote": RIPE, "part": 1}],
    "half": "tune",
}
BOTH = {
    "id": "b",
    "question": "when do figs ripen",
    "kind": "comparison",
    "excerpts": [
        {"note": "figs.md", "quote": RIPE, "part": 1},
        {"note": "drying.md", "quote": DRY, "part": 2},
    ],
    "half": "test",
}
NEAR = {"id": "n", "question": "who planted the figs", "kind": "near", "excerpts": []}
FAR = {"id": "f", "question": "tuning an old piano", "kind": "far", "excerpts": [], "half": "test"}


@pytest.fixture
def place(tmp_path):
    """A project with two notes and a file of questions with excerpts."""
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "figs.md").write_text(f"# Figs\n\n{RIPE}\n", encoding="utf-8")
    (tmp_path / "corpus" / "drying.md").write_text(
        f"# Drying fruit\n\nDried fruit keeps:\n\n{DRY}\n", encoding="utf-8"
    )
    (tmp_path / "own.jsonl").write_text(rows(WHEN, BOTH, NEAR, FAR), encoding="utf-8")
    return tmp_path


OWN = ("eval", "--questions", "own.jsonl", "--half", "all")


def test_coverage_noise_and_the_share_of_good_answers_are_printed_with_intervals(quick, place):
    run = quick(*OWN, cwd=place)
    assert run.code == 0
    assert "own: 2 questions scored" in run.out
    for line in ("good      0.500 [", "coverage  0.750 [", "noise     0.000 ["):
        assert line in run.out
    for expected in ("By kind of question", "near", "far", "recall@5", "1 question not good"):
        assert expected in run.out


def test_failures_show_what_was_wanted_and_what_was_cited(quick, place):
    run = quick(*OWN, "--failures", cwd=place)
    assert run.code == 0
    for expected in (
        "Not good: 1 of 2 answerable questions",
        "coverage 0.50, noise 0.00",
        "wanted figs.md:3 (part 1)",
        "wanted drying.md:5 (part 2)",
        "1. Wash the figs. 2. Lay the figs in the sun",
        f"cited 1: figs.md:3\n    {RIPE}",
    ):
        assert expected in run.out
    assert "w  when do figs ripen" not in run.out


def test_a_question_without_an_answer_says_that_nothing_was_cited(quick, place):
    lost = WHEN | {"id": "l", "question": "tuning an old piano"}
    (place / "own.jsonl").write_text(rows(lost), encoding="utf-8")
    run = quick(*OWN, "--failures", cwd=place)
    assert "coverage 0.00, noise none, as nothing was cited" in run.out


def test_hostile_questions_and_notes_print_no_escapes(quick, place):
    hostile = f"\x1b[31m{RIPE} \u202e <b>when</b>"
    (place / "corpus" / "figs.md").write_text(f"# Figs\n\n{hostile}\n", encoding="utf-8")
    row = {
        "id": "\x1b[31mred",
        "question": "figs \x1b]0;title\x07 \u202e ripen?",
        "kind": "\x1b[2J",
        "excerpts": [
            {"note": "figs.md", "quote": hostile},
            {"note": "\x1b[1m.md", "quote": "\x1b", "part": 2},
        ],
    }
    (place / "own.jsonl").write_text(rows(row), encoding="utf-8")
    for options in ([], ["--failures"], ["--report", "page.html"]):
        run = quick(*OWN, *options, cwd=place)
        assert run.code == 0
        assert "\x1b" not in run.out + run.err
    page = (place / "page.html").read_text(encoding="utf-8")
    assert "\x1b" not in page
    assert "<b>" not in page
