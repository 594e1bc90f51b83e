"""`ragqa eval` as it is used: the real command line, on a small folder of notes."""

import json

import pytest

GOLD = "Figs ripen in August."


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
    for expected in ("ndcg@10", "recall@5", "answer@1", "By kind of question", "far"):
        assert expected in run.out


def test_json_is_one_document_with_the_keys_of_the_contract(quick, place):
    run = quick("eval", "--json", cwd=place)
    assert run.code == 0
    assert {"dataset", "queries", "methods", "answer@1", "answer@2", "answer@3"} <= set(
        run.document
    )
    wanted = {"ndcg@10", "recall@1", "recall@5", "recall@10", "recall@100", "mrr@10"}
    assert all(set(of) == wanted for of in run.document["methods"].values())


def test_a_target_that_is_not_reached_fails_with_its_figure(quick, place):
    reached = quick("eval", "--fail-under", "recall@5=1", cwd=place)
    assert reached.code == 0
    missed = quick("eval", "--fail-under", "recall@5=1.01", "--fail-under", "auroc=0", cwd=place)
    assert missed.code == 1
    assert "hybrid.recall@5 is 1.0000, below 1.01" in missed.err
    assert "ndcg@10" in missed.out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--fail-under", "recall@5"], "has no number"),
        (["--fail-under", "recall@7=1"], "no measure 'recall@7'"),
        (["--beir", "a", "--qa", "b"], "--beir and --qa cannot go together"),
        (["--beir", "nowhere"], "corpus.jsonl cannot be read"),
        (["--hold-out", "0.5"], "--hold-out goes with --qa"),
        (["--qa", "a", "--hold-out", "1.5"], "between 0 and 1"),
        (["--compare", "a", "b", "--fail-under", "recall@5=1"], "cannot go together"),
        (["--beir", "a", "--half", "tune"], "--half goes with"),
        (["--beir", "a", "--fail-under", "good=1"], "good is not measured here"),
        (["--half", "tune"], "no question is in the 'tune' half"),
        (["--report", "no/where.html"], "the folder of the report"),
        (["--index", "x", "--set", "passage_tokens=60"], "would need another index"),
        (["--half", "both"], "tune, test or all"),
        (["--set", "corpus=x"], "--set takes NAME=VALUE"),
        (["--set", "excerpts=2"], "--set takes NAME=VALUE"),
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


def test_failures_name_the_stage_and_what_was_wanted(quick, place):
    (place / "corpus" / "figs.md").write_text("# Figs\n\nFigs ripen in May.\n", encoding="utf-8")
    run = quick("eval", "--failures", cwd=place)
    assert run.code == 0
    assert "Missed: 1 of 3" in run.out
    assert "lost by splitting" in run.out
    assert "rank: by meaning none, by words none, by both none" in run.out
    assert "occurs 0 times in figs.md" in run.err


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
