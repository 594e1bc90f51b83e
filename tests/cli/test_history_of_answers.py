"""Where notes change their mind: what holds comes first, and what held before stands below it."""

import pytest
from cases import each_of, rows

GARDEN = {"garden.md": "# Garden\n\nPeas in March.\n"}


@pytest.fixture
def ask(quick, tmp_path):
    """Asks a question of notes, in a form."""

    def run(question, notes, form="json"):
        vault = tmp_path / "vault"
        vault.mkdir(exist_ok=True)
        for name, text in (GARDEN | notes).items():
            (vault / name).write_text(text, encoding="utf-8")
        where = ("--corpus", vault, "--index", tmp_path / "index")
        return quick("ask", question, "--format", form, *where)

    return run


@each_of("earlier")
def test_the_statement_that_is_asked_for_comes_first_and_the_others_below_it(
    ask, question, notes, first, earlier, date
):
    answer = ask(question, notes).document
    cited = answer["citations"][0]
    assert first in cited["quote"]
    assert date in (None, [cited["date"], cited["date_from"]])
    if earlier == "":
        assert answer["earlier"] == []
    elif earlier:
        (before, *_) = answer["earlier"]
        assert earlier in before["quote"]
        assert before["n"] == len(answer["citations"]) + len(answer["also"]) + 1


def test_the_history_is_a_line_for_each_statement_with_its_date(ask):
    row, *_ = rows("earlier")
    text = ask(row["question"], row["notes"], "text").out
    assert "\nEarlier\n   2026-01-14  " in text
    assert text.index("90 days") < text.index("Earlier") < text.index("retention 30 days")


def test_a_question_for_a_change_gets_what_was_before_and_after_it(ask):
    (row,) = (row for row in rows("earlier") if "when did we change" in row["question"])
    assert "Earlier and later" in ask(row["question"], row["notes"], "text").out


def test_notes_without_a_date_that_differ_in_a_figure_both_stand_among_the_excerpts(ask):
    notes = {
        "gateway.md": "# API gateway\n\nThe rate limit of the API is 100 requests per minute.\n",
        "client.md": "# Client guide\n\nThe API has a rate limit of 60 requests per minute.\n",
    }
    answer = ask("what is the API rate limit?", notes).document
    shown = [one["quote"] for one in (*answer["citations"], *answer["also"])]
    assert all(any(figure in quote for quote in shown) for figure in ("100", "60 "))
    assert answer["earlier"] == []
