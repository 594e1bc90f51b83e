"""Whole evaluations of one's own questions, with the embedder that needs no model."""

import pytest

from ragqa import open_index
from ragqa.evaluation.evaluating import evaluate_questions
from ragqa.evaluation.sets import Gold, GoldQuestion

RIPE = "Figs ripen in August."
ORIGIN = "Kiwis come from China."


def silent(stage, done, total):
    pass


@pytest.fixture
def notes(tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "figs.md").write_text(f"# Figs\n\n{RIPE}\n", encoding="utf-8")
    (folder / "kiwis.md").write_text(f"# Kiwis\n\n{ORIGIN}\n", encoding="utf-8")
    return folder


def ask_about(notes, tmp_path, questions, **kwargs):
    chosen = {"embedder": "hashed:64"}
    with open_index(notes, index=tmp_path / "index", settings=chosen) as index:
        return evaluate_questions(index, questions, silent, name="own", **kwargs)


def asked(id_, question, kind, *gold):
    return GoldQuestion(id_, question, kind, gold, (), excerpts=True)


WHEN = asked("w", "when do figs ripen", "date", Gold("figs.md", RIPE))
LONG = asked("l", "when do figs ripen", "vague", Gold("figs.md", RIPE), Gold("kiwis.md", ORIGIN, 2))
NEAR = asked("n", "who planted the figs", "near")
FAR = asked("f", "tuning an old piano", "far")


def row(document, id_):
    return next(one for one in document["questions"] if one["id"] == id_)


def test_an_answer_that_cites_the_excerpt_is_good(notes, tmp_path):
    document = ask_about(notes, tmp_path, [WHEN])
    assert (document["mode"], document["queries"]) == ("excerpts", 1)
    assert (document["good"], document["coverage"], document["noise"]) == (1, 1, 0)
    assert set(document["intervals"]) >= {"good", "coverage", "noise"}
    assert document["methods"]["hybrid"]["recall@5"] == 1
    assert "shown@1" not in document
    one = row(document, "w")
    assert (one["good"], one["missed"]) == (True, None)
    assert [(c["path"], c["quote"]) for c in one["cited"]] == [("figs.md", RIPE)]
    start, end = one["cited"][0]["chars"]
    assert (notes / "figs.md").read_text()[start:end] == RIPE


def test_an_answer_that_cites_half_of_what_is_wanted_is_told_with_what_it_cited(notes, tmp_path):
    one = row(ask_about(notes, tmp_path, [LONG]), "l")
    assert (one["good"], one["coverage"], one["noise"]) == (False, 0.5, 0)
    assert one["missed"]["stage"] == "composer"
    assert [(e["path"], e["part"]) for e in one["missed"]["expected"]] == [
        ("figs.md", "part 1"),
        ("kiwis.md", "part 2"),
    ]
    assert [(c["path"], c["quote"]) for c in one["cited"]] == [("figs.md", RIPE)]


def test_measures_are_told_by_kind_and_near_and_far_questions_have_no_score(notes, tmp_path):
    document = ask_about(notes, tmp_path, [WHEN, LONG, NEAR, FAR])
    assert list(document["abstention"]) == ["right", "answerable", "near", "far"]
    assert {"answered", "sure", "named", "intervals"} <= set(document["abstention"]["near"])
    kinds = document["kinds"]
    assert (document["queries"], set(kinds)) == (2, {"date", "vague"})
    assert (kinds["date"]["good"], kinds["vague"]["good"]) == (1, 0)
    assert not {"good", "good@3", "coverage", "noise"} & set(row(document, "n"))
    assert row(document, "n")["missed"] is None


def test_a_question_that_is_not_answered_has_no_noise_and_lowers_the_mean_of_the_rest(
    notes, tmp_path
):
    lost = asked("x", "tuning an old piano", "how-to", Gold("figs.md", RIPE))
    document = ask_about(notes, tmp_path, [WHEN, lost])
    one = row(document, "x")
    assert not one["answered"]
    assert (one["good"], one["coverage"], one["cited"]) == (False, 0, [])
    assert "noise" not in one
    assert (document["good"], document["coverage"], document["noise"]) == (0.5, 0.5, 0)
    assert "noise" not in document["kinds"]["how-to"]
    first = ask_about(notes, tmp_path, [WHEN, lost], limit=1)
    assert ([one["id"] for one in first["questions"]], first["partial"]) == (["w"], True)


def test_an_excerpt_that_no_longer_stands_is_said_and_counts_as_not_cited(notes, tmp_path):
    (notes / "figs.md").write_text("# Figs\n\nFigs ripen in May.\n", encoding="utf-8")
    document = ask_about(notes, tmp_path, [WHEN])
    assert any("occurs 0 times in figs.md" in warning for warning in document["warnings"])
    assert row(document, "w")["coverage"] == 0
    assert row(document, "w")["missed"]["stage"] == "chunking"


def test_a_question_that_cannot_be_asked_counts_as_not_answered(notes, tmp_path):
    empty = asked("e", "?!", "vague", Gold("figs.md", RIPE))
    document = ask_about(notes, tmp_path, [empty])
    assert any("question e counts as zero" in warning for warning in document["warnings"])
    assert (document["good"], row(document, "e")["sure"]) == (0, False)
    assert "noise" not in row(document, "e")


# Questions with a quote of which a passage is wanted

ANSWERED = GoldQuestion("w", "when do figs ripen", "date", (Gold("figs.md", RIPE),), ("August",))
TWO_PARTS = GoldQuestion(
    "b",
    "do figs ripen and kiwis come from China",
    "compare",
    (Gold("figs.md", RIPE), Gold("kiwis.md", ORIGIN, 2)),
    ("August", "China"),
)
UNANSWERED = GoldQuestion("f", "how do I tune a piano", "far", (), ())


def test_own_questions_are_scored_by_part_and_kind(notes, tmp_path):
    document = ask_about(notes, tmp_path, [ANSWERED, TWO_PARTS, UNANSWERED])
    assert document["queries"] == 2
    assert set(document["kinds"]) == {"date", "compare"}
    assert document["kinds"]["compare"]["recall@1"] == 0.5
    assert document["kinds"]["compare"]["recall@5"] == 1.0
    assert document["kinds"]["date"]["shown@1"] == 1.0
    assert document["abstention"]["far"]["questions"] == 1
    assert document["kinds"]["compare"]["shown@3"] == 1.0


def test_gold_in_a_note_that_cannot_exist_is_said(notes, tmp_path):
    odd = [
        GoldQuestion(str(n), "figs?", "", (Gold(path, "Figs"),), ())
        for n, path in enumerate(("a\0b.md", "\ud800.md", "../x.md"))
    ]
    document = ask_about(notes, tmp_path, odd)
    assert sum("there is no note" in warning for warning in document["warnings"]) == 3
