"""Where notes change their mind: what holds comes first, and what held before stands below it."""

import pytest

MEETING = (
    "# Backup meeting 14 Jan 2026\n\n- Nightly backups go to the box, retention 30 days.\n"
    "- Database dump at 02:30.\n"
)
FOLLOWED = (
    "# Backup follow-up 18 Mar 2026\n\nRetention is now 90 days, because of the audit. Was 30.\n"
    "Dump moves from 02:30 to 01:15.\n"
)
GARDEN = "# Garden\n\nPeas in March.\n"
BACKUP = {"2026-01-14.md": MEETING, "2026-03-18.md": FOLLOWED, "garden.md": GARDEN}
TRIPS = {
    "plan.md": "# Plan of 14 Jan 2026\n\n- School trip of class 4b goes to the zoo on 12 May.\n"
    "- The choir rehearses in the old gym.\n- Deploys go out on Tuesdays.\n",
    "news.md": "# News of 18 Mar 2026\n\n- ~~School trip of class 4b to the zoo on 12 May~~\n"
    "- Choir rehearsal in the old gym ~~every Wednesday~~ cancelled until the heating works.\n"
    "- Deploys on Tuesdays: no longer, we deploy when it is ready.\n",
}
FERRY = {
    "old.md": "# Prices of 4 May 2025\n\nThe ferry ticket costs 12 euros.\n",
    "new.md": "# Prices of 9 May 2026\n\nThe ferry ticket costs 15 euros.\n",
}
TEETH = "# Teeth\n\n- ~~Dentist for Emil on 4 May at 9~~\n- Dentist for Emil on 11 May at 10\n"
LOG = (
    "# Decisions\n\n- 2025-06-11: Database dumps: retention is 30 days.\n"
    "- 2025-09-18: We change the retention of database dumps to 60 days.\n"
    "- 2025-11-02: The office plants are watered by Hilde.\n"
    "- 2026-02-10: Database dumps: retention is 90 days.\n"
)
PIXEL = (
    "# Pixel\n\n| date | what | dose |\n|---|---|---|\n"
    "| 2025-11-03 | thyroid pill | half a tablet |\n| 2025-12-01 | weight | 4.7 kg |\n"
    "| 2026-02-27 | thyroid pill | a quarter of a tablet |\n"
)
CHANGED = "when did we change the retention of database dumps"


@pytest.fixture
def ask(quick, tmp_path):
    """Asks a question of notes, in a form."""

    def run(question, notes, form="json"):
        vault = tmp_path / "vault"
        vault.mkdir(exist_ok=True)
        for name, text in ({"garden.md": GARDEN} | notes).items():
            (vault / name).write_text(text, encoding="utf-8")
        where = ("--corpus", vault, "--index", tmp_path / "index")
        return quick("ask", question, "--format", form, *where)

    return run


@pytest.mark.parametrize(
    ("question", "notes", "first", "earlier"),
    [
        ("what is the backup retention?", BACKUP, "90 days", "30 days"),
        ("when is the database dump?", BACKUP, "to 01:15", "at 02:30"),
        ("what was the backup retention originally?", BACKUP, "30 days", "90 days"),
        ("when is the school trip?", TRIPS, "~~School trip of class 4b", "goes to"),
        ("when does the choir rehearse", TRIPS, "~~every Wednesday~~ cancelled", "rehearses in"),
        ("when are deploys", TRIPS, "no longer", "go out on"),
        ("what does the ferry ticket cost", FERRY, "15 euros", "12 euros"),
        ("what did the ferry ticket cost in 2025", FERRY, "12 euros", None),
        ("when is the dentist for Emil", {"teeth.md": TEETH}, "11 May", None),
        (CHANGED, {"log.md": LOG}, "60 days", "30 days"),
        ("what dose of the thyroid pill does Pixel get", {"pixel.md": PIXEL}, "quarter", None),
    ],
)
def test_the_statement_that_is_asked_for_comes_first_and_the_others_below_it(
    ask, question, notes, first, earlier
):
    answer = ask(question, notes).document
    assert first in answer["citations"][0]["quote"]
    if earlier:
        (before, *_) = answer["earlier"]
        assert earlier in before["quote"]
        assert before["n"] == len(answer["citations"]) + len(answer["also"]) + 1


def test_the_history_is_a_line_for_each_statement_with_its_date(ask):
    text = ask("what is the backup retention?", BACKUP, "text").out
    assert "\nEarlier\n   2026-01-14  " in text
    assert text.index("90 days") < text.index("Earlier") < text.index("retention 30 days")


def test_a_question_for_a_change_gets_what_was_before_and_after_it(ask):
    assert "Earlier and later" in ask(CHANGED, {"log.md": LOG}, "text").out


@pytest.mark.parametrize(
    ("question", "notes", "date"),
    [
        ("what is the backup retention?", BACKUP, ("2026-03-18", "heading")),
        (
            "what dose of the thyroid pill does Pixel get",
            {"pixel.md": PIXEL},
            ("2026-02-27", "statement"),
        ),
        # A date that is to come when a note is written is not that of the statement.
        (
            "where does the trip with the boat go",
            {"2026-03-01-plan.md": "# Plan\n\n- 2026-05-12: trip to the lake with the boat\n"},
            ("2026-03-01", "name"),
        ),
    ],
)
def test_a_statement_has_the_date_of_its_entry_or_of_its_note(ask, question, notes, date):
    first = ask(question, notes).document["citations"][0]
    assert (first["date"], first["date_from"]) == date


def test_words_that_are_struck_out_in_the_only_note_that_has_them_are_found(ask):
    orders = {"orders.md": "# Orders\n\n- Honey from Berta\n- ~~Marmalade from Okwuosa~~\n"}
    answer = ask("who do we order marmalade from?", orders).document
    assert "~~Marmalade from Okwuosa~~" in answer["citations"][0]["quote"]


def test_a_day_that_many_notes_share_is_that_of_an_import(ask):
    page = "---\ndate: 2026-05-0{day}\n---\n\n# Tea {n}\n\nGreen tea {n} draws for {n} minutes.\n"
    notes = {f"tea{n}.md": page.format(n=n, day=1 + n // 5) for n in range(10)}
    answer = ask("how long does green tea 2 draw", notes).document
    assert "2 minutes" in answer["citations"][0]["quote"]
    assert answer["earlier"] == []


def test_notes_without_a_date_that_differ_in_a_figure_both_stand_among_the_excerpts(ask):
    notes = {
        "gateway.md": "# API gateway\n\nThe rate limit of the API is 100 requests per minute.\n",
        "client.md": "# Client guide\n\nThe API has a rate limit of 60 requests per minute.\n",
    }
    answer = ask("what is the API rate limit?", notes).document
    shown = [one["quote"] for one in (*answer["citations"], *answer["also"])]
    assert all(any(figure in quote for quote in shown) for figure in ("100", "60 "))
    assert answer["earlier"] == []
