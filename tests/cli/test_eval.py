"""`ragqa eval` as it is used: the real command line, on a small folder of notes."""

import json

import pytest

GOLD = "Figs ripen in August."
DRY = "1. Wash the figs.\n2. Lay the figs in the sun for three days."


@pytest.fixture
def place(tmp_path):
    """A project with two notes and three questions."""
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "figs.md").write_text(f"# Figs\n\n{GOLD}\n", encoding="utf-8")
    (tmp_path / "corpus" / "kiwis.md").write_text(
        "# Kiwis\n\nKiwis are berries from China.\n", encoding="utf-8"
    )
    (tmp_path / "eval").mkdir()
    rows = [
        {
            "id": "w",
            "question": "when do figs ripen",
            "kind": "date",
            "gold": [{"note": "figs.md", "quote": GOLD, "part": 1}],
            "answer": ["August"],
        },
        {
            "id": "k",
            "question": "what are kiwis",
            "kind": "short",
            "gold": [{"note": "kiwis.md", "quote": "Kiwis are berries from China."}],
            "answer": ["berries"],
        },
        {"id": "f", "question": "tuning a piano", "kind": "far", "gold": [], "answer": []},
    ]
    questions = tmp_path / "eval" / "questions.jsonl"
    questions.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return tmp_path


def test_without_options_the_questions_of_the_project_are_asked(quick, place):
    run = quick("eval", cwd=place)
    assert run.code == 0
    assert "questions: 2 questions scored" in run.out
    for expected in ("ndcg@10", "recall@5", "shown@1", "By kind of question", "far"):
        assert expected in run.out


def test_json_is_one_document_with_the_keys_of_the_contract(quick, place):
    run = quick("eval", "--json", cwd=place)
    assert run.code == 0
    assert {"dataset", "queries", "methods", "shown@1", "shown@3"} <= set(run.document)
    assert {"words@1", "words@3", "sure", "wrong"} <= set(run.document)
    wanted = {"ndcg@10", "recall@1", "recall@5", "recall@10", "recall@100", "mrr@10"}
    assert all(set(of) == wanted for of in run.document["methods"].values())


def test_a_target_that_is_not_reached_fails_with_its_figure(quick, place):
    reached = quick("eval", "--fail-under", "recall@5=1", cwd=place)
    assert reached.code == 0
    missed = quick("eval", "--fail-under", "recall@5=1.01", "--fail-under", "shown@1=0", cwd=place)
    assert missed.code == 1
    assert "hybrid.recall@5 is 1.0000, below 1.01" in missed.err
    assert "ndcg@10" in missed.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--fail-under", "recall@5"], "has no number"),
        (["--fail-under", "recall@7=1"], "no measure 'recall@7'"),
        (["--beir", "a", "--qa", "b"], "--qa and --beir cannot go together"),
        (["--beir", "nowhere"], "corpus.jsonl cannot be read"),
        (["--compare", "a", "b", "--fail-under", "recall@5=1"], "cannot go together"),
        (["--beir", "a", "--half", "tune"], "--beir and --half cannot go together"),
        (["--half", "tune"], "no question is in the 'tune' half"),
        (["--report", "no/where.html"], "the folder of the report"),
        (["--index", "x", "--set", "passage_tokens=60"], "would need another index"),
        (["--set", "corpus=x"], "--set takes NAME=VALUE"),
        (["--set", "colour=red"], "unknown setting 'colour'"),
        (["--report", "page.txt"], "must end in .html"),
        (["--questions", "none.jsonl"], "none.jsonl cannot be read"),
        (["--compare", "a.json", "b.json"], "a.json is not an evaluation"),
    ],
)
def test_a_wrong_option_is_one_sentence_and_exit_2(quick, place, options, said):
    run = quick("eval", *options, cwd=place)
    assert run.code == 2
    assert said in run.err
    assert "Traceback" not in run.err
    assert run.out == ""


def test_the_report_names_the_stage_that_lost_a_question_and_what_was_wanted(quick, place):
    (place / "corpus" / "figs.md").write_text("# Figs\n\nFigs ripen in May.\n", encoding="utf-8")
    run = quick("eval", "--report", "page.html", cwd=place)
    assert "1 question missed: --report FILE.html shows each" in run.out
    assert "occurs 0 times in figs.md" in run.err
    page = (place / "page.html").read_text(encoding="utf-8")
    assert "Lost by splitting. Rank: by meaning none, by words none, by both none." in page


def test_two_settings_are_compared_question_by_question(quick, place):
    for name, weight in (("a", "1"), ("b", "0")):
        run = quick("eval", "--json", "--set", f"dense_weight={weight}", cwd=place)
        (place / f"{name}.json").write_text(run.out, encoding="utf-8")
    run = quick("eval", "--compare", "a.json", "b.json", cwd=place)
    assert run.code == 0
    assert "dense_weight: A 1.0, B 0.0" in run.out
    assert "paired questions: 3" in run.out
    document = quick("eval", "--compare", "a.json", "b.json", "--json", cwd=place).document
    assert document["measures"]["hybrid.ndcg@10"]["questions"] == 2


def rows(*questions):
    return "".join(json.dumps(question) + "\n" for question in questions)


WHEN = {
    "id": "w",
    "question": "when do figs ripen",
    "kind": "fact",
    "excerpts": [{"note": "figs.md", "quote": GOLD, "part": 1}],
    "half": "tune",
}
BOTH = {
    "id": "b",
    "question": "when do figs ripen",
    "kind": "comparison",
    "excerpts": [
        {"note": "figs.md", "quote": GOLD, "part": 1},
        {"note": "drying.md", "quote": DRY, "part": 2},
    ],
    "half": "test",
}
NEAR = {"id": "n", "question": "who planted the figs", "kind": "near", "excerpts": []}
FAR = {"id": "f", "question": "tuning an old piano", "kind": "far", "excerpts": [], "half": "test"}


@pytest.fixture
def own(place):
    """The project with a note more and a file of questions with excerpts."""
    drying = f"# Drying fruit\n\nDried fruit keeps:\n\n{DRY}\n"
    (place / "corpus" / "drying.md").write_text(drying, encoding="utf-8")
    (place / "own.jsonl").write_text(rows(WHEN, BOTH, NEAR, FAR), encoding="utf-8")
    return place


OWN = ("eval", "--questions", "own.jsonl", "--half", "all")


def test_coverage_noise_and_the_share_of_good_answers_are_printed_with_intervals(quick, own):
    run = quick(*OWN, cwd=own)
    assert run.code == 0
    assert "own: 2 questions scored" in run.out
    lines = [line.split() for line in run.out.splitlines()]
    found = {line[0]: line[1] for line in lines if len(line) > 1}
    assert (found["good"], found["good@3"]) == ("0.500", "0.500")
    assert (found["coverage"], found["noise"]) == ("0.750", "0.000")
    assert next(line for line in lines if line[:1] == ["good@3"])[-1] == "words"
    for expected in ("By kind of question", "near", "far", "recall@5", "1 question not good"):
        assert expected in run.out


@pytest.mark.parametrize("kind", ["gold", "excerpts"])
def test_hostile_questions_and_notes_print_no_escapes(quick, place, kind):
    hostile = f"\x1b[31m{GOLD} \u202e <b>when</b>"
    (place / "corpus" / "figs.md").write_text(f"# Figs\n\n{hostile}\n", encoding="utf-8")
    gold = [
        {"note": "figs.md", "quote": hostile},
        {"note": "\x1b[1m.md", "quote": "\x1b", "part": 2},
    ]
    row = {"id": "\x1b[31mred", "question": "figs \x1b]0;title\x07 \u202e ripen?"}
    row |= {"kind": "\x1b[2J", kind: gold}
    row |= {"answer": ["nothing", "of the sort"]} if kind == "gold" else {}
    (place / "hostile.jsonl").write_text(rows(row), encoding="utf-8")
    for options in ([], ["--report", "page.html"]):
        run = quick("eval", "--questions", "hostile.jsonl", *options, cwd=place)
        assert run.code == 0
        assert "\x1b" not in run.out + run.err
    page = (place / "page.html").read_text(encoding="utf-8")
    assert "\x1b" not in page
    assert "<b>" not in page
