"""Where notes change their mind: what holds comes first, and what held before stands below it."""

import json

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


@pytest.fixture
def said(quick, tmp_path):
    """Asks a question of notes, and gives the answer as JSON, or as text if that is asked for."""

    def ask(question, *, as_json=True, **notes):
        vault = tmp_path / "vault"
        vault.mkdir(exist_ok=True)
        for name, text in notes.items():
            (vault / f"{name.replace('_', '-')}.md").write_text(text, encoding="utf-8")
        where = ("--corpus", str(vault), "--index", str(tmp_path / "index"))
        out = quick("ask", question, "--format", "json" if as_json else "text", *where).out
        return json.loads(out) if as_json else out

    return ask


BACKUP = {"_2026_01_14": MEETING, "_2026_03_18": FOLLOWED, "garden": GARDEN}


@pytest.mark.parametrize(
    ("question", "newest", "older"),
    [
        ("what is the backup retention?", "90 days", "30 days"),
        ("when is the database dump?", "to 01:15", "at 02:30"),
    ],
)
def test_the_newest_statement_comes_first_and_the_older_one_below_it(said, question, newest, older):
    answer = said(question, **BACKUP)
    first, (before,) = answer["citations"][0], answer["earlier"]
    assert newest in first["quote"]
    assert (first["date"], before["date"]) == ("2026-03-18", "2026-01-14")
    assert older in before["quote"]
    assert before["n"] == len(answer["citations"]) + len(answer["also"]) + 1


def test_what_is_cancelled_comes_before_the_day_that_it_had(said):
    planned = "# Standup 2026-01-14\n\n- restore test: every quarter, next in April\n"
    off = "# Audit 2026-03-18\n\nRestore test is cancelled until the new storage is there.\n"
    answer = said("when is the restore test?", _2026_01_14=planned, _2026_03_18=off)
    assert "cancelled" in answer["citations"][0]["quote"]
    assert "next in April" in answer["earlier"][0]["quote"]


def test_the_history_is_a_line_for_each_older_statement_with_its_date(said):
    text = said("what is the backup retention?", as_json=False, **BACKUP)
    assert "\nEarlier\n   2026-01-14  " in text
    assert text.index("90 days") < text.index("Earlier") < text.index("retention 30 days")


def test_a_question_for_the_past_is_told_from_the_oldest_on(said):
    answer = said("what was the backup retention originally?", **BACKUP)
    assert "30 days" in answer["citations"][0]["quote"]
    assert [one["date"] for one in answer["earlier"]] == ["2026-03-18"]


def test_a_year_that_the_question_names_counts_for_more_than_the_newest(said):
    old = "# Prices of 4 May 2025\n\nThe ferry ticket costs 12 euros.\n"
    new = "# Prices of 9 May 2026\n\nThe ferry ticket costs 15 euros.\n"
    named = said("what did the ferry ticket cost in 2025", old=old, new=new)
    assert "12 euros" in named["citations"][0]["quote"]
    today = said("what does the ferry ticket cost", old=old, new=new)
    assert "15 euros" in today["citations"][0]["quote"]


def test_what_a_newer_note_strikes_out_or_cancels_is_shown_above_what_it_was(said):
    plan = (
        "# Plan of 14 Jan 2026\n\n- School trip of class 4b goes to the zoo on 12 May.\n"
        "- The choir rehearses in the old gym.\n- Deploys go out on Tuesdays.\n"
    )
    news = (
        "# News of 18 Mar 2026\n\n- ~~School trip of class 4b to the zoo on 12 May~~\n"
        "- Choir rehearsal in the old gym ~~every Wednesday~~ cancelled until the heating works.\n"
        "- Deploys on Tuesdays: no longer, we deploy when it is ready.\n"
    )
    for question, newest, older in (
        ("when is the school trip?", "~~School trip of class 4b to the zoo on 12 May~~", "goes to"),
        ("when does the choir rehearse", "~~every Wednesday~~ cancelled", "rehearses in"),
        ("when are deploys", "no longer", "go out on"),
    ):
        text = said(question, as_json=False, plan=plan, news=news, garden=GARDEN)
        assert 0 <= text.index(newest) < text.index("Earlier") < text.index(older)


def test_words_that_are_struck_out_in_the_only_note_that_has_them_are_found(said):
    orders = "# Orders\n\n- Honey from Berta\n- ~~Marmalade from Okwuosa~~\n"
    answer = said("who do we order marmalade from?", orders=orders, garden=GARDEN)
    assert "~~Marmalade from Okwuosa~~" in answer["citations"][0]["quote"]
    assert "no note has" not in said("who do we order marmalade from?", as_json=False)


def test_what_holds_comes_before_what_its_note_strikes_out(said):
    teeth = "# Teeth\n\n- ~~Dentist for Emil on 4 May at 9~~\n- Dentist for Emil on 11 May at 10\n"
    answer = said("when is the dentist for Emil", teeth=teeth, garden=GARDEN)
    assert "11 May" in answer["citations"][0]["quote"]


def test_a_question_for_the_day_of_a_change_gets_what_says_so_and_then_the_others_of_its_log(said):
    log = (
        "# Decisions\n\n- 2025-06-11: Database dumps: retention is 30 days.\n"
        "- 2025-09-18: We change the retention of database dumps to 60 days.\n"
        "- 2025-11-02: The office plants are watered by Hilde.\n"
        "- 2026-02-10: Database dumps: retention is 90 days.\n"
    )
    answer = said("when did we change the retention of database dumps", log=log)
    assert answer["citations"][0]["date"] == "2025-09-18"
    assert [one["date"] for one in answer["earlier"]] == ["2025-06-11", "2026-02-10"]
    text = said("when did we change the retention of database dumps", as_json=False)
    assert "Earlier and later" in text


def test_an_entry_of_a_log_has_its_own_date(said):
    log = (
        "# Pixel\n\n| date | what | dose |\n|---|---|---|\n"
        "| 2025-11-03 | thyroid pill | half a tablet |\n| 2025-12-01 | weight | 4.7 kg |\n"
        "| 2026-02-27 | thyroid pill | a quarter of a tablet |\n"
    )
    answer = said("what dose of the thyroid pill does Pixel get", log=log, garden=GARDEN)
    first = answer["citations"][0]
    assert "quarter" in first["quote"]
    assert (first["date"], first["date_from"]) == ("2026-02-27", "statement")


def test_a_date_that_is_to_come_when_a_note_is_written_is_not_the_date_of_the_statement(said):
    plan = "# Plan\n\n- 2026-05-12: trip to the lake with the boat\n"
    answer = said("where does the trip with the boat go", _2026_03_01_plan=plan)
    assert (answer["citations"][0]["date"], answer["citations"][0]["date_from"]) == (
        "2026-03-01",
        "name",
    )


def test_another_thing_of_a_newer_note_is_no_news(said):
    old = "# Office, 3 Jul 2025\n\nThe colour printer has the address 10.20.4.11.\n"
    new = "# Cellar, 2 Feb 2026\n\nThe bike shed has the code 9036.\n"
    answer = said("address of the colour printer", old=old, new=new)
    assert "10.20.4.11" in answer["citations"][0]["quote"]
    assert answer["earlier"] == []


def test_a_day_that_many_notes_share_is_that_of_an_import(said):
    page = "---\ndate: 2026-05-0{day}\n---\n\n# Tea {n}\n\nGreen tea {n} draws for {n} minutes.\n"
    notes = {f"tea{n}": page.format(n=n, day=1 + n // 5) for n in range(10)}
    answer = said("how long does green tea 2 draw", **notes)
    assert "2 minutes" in answer["citations"][0]["quote"]
    assert answer["earlier"] == []


def test_notes_without_a_date_that_differ_in_a_figure_both_stand_among_the_excerpts(said):
    answer = said(
        "what is the API rate limit?",
        gateway="# API gateway\n\nThe rate limit of the API is 100 requests per minute.\n",
        client="# Client guide\n\nThe API has a rate limit of 60 requests per minute.\n",
        garden=GARDEN,
    )
    shown = [one["quote"] for one in (*answer["citations"], *answer["also"])]
    assert all(any(figure in quote for quote in shown) for figure in ("100", "60 "))
    assert answer["earlier"] == []
