"""Questions about a day, a month or a longer time are answered from what is of it."""

from contextlib import contextmanager
from datetime import date

import pytest
from support import write_notes

from ragqa.api import Index
from ragqa.config import load_settings
from ragqa.types import Filters


@contextmanager
def opened(folder, notes):
    """An index of these notes, as of 20 May 2026."""
    written = write_notes(folder / "notes", notes)
    given = {"corpus": str(written), "index": str(folder / "index"), "embedder": "hashed:64"}
    loaded = load_settings(given)
    with Index(loaded, today=lambda: date(2026, 5, 20)) as index:
        yield index


def asked(folder, notes, question):
    with opened(folder, notes) as index:
        return index.ask(question)


DAYS = {
    "Days/2026-05-18.md": "---\nmood: 4\n---\n# Log\n\nDentist at eight, a small filling.\n",
    "Days/2026_05_19.md": "# Tuesday\n\n## Done\n\nRehearsed with the altos.\n",
    "2026-05-12 Tue.md": "---\nmood: 5\ntags: [school]\n---\nThe pendulum swung at last.\n",
    "1 April 2025.md": "Planted the tomatoes.\n",
    "teeth.md": "# Teeth\n\nThe dentist is Dr Reis, in Rua do Almada. Brush twice a day.\n",
    "job.md": "# Job\n\nShe agreed to a raise from 1 April.\n",
}


@pytest.fixture(scope="module")
def days(tmp_path_factory):
    with opened(tmp_path_factory.mktemp("days"), DAYS) as index:
        yield index


@pytest.mark.parametrize(
    ("question", "read", "path", "said"),
    [
        ("what did I do yesterday?", ["2026-05-19"], "Days/2026_05_19.md", "Rehearsed"),
        ("what happened last Tuesday?", ["2026-05-12"], "2026-05-12 Tue.md", "pendulum"),
        ("what happened on Monday?", ["2026-05-18"], "Days/2026-05-18.md", "Dentist"),
        ("what did I do on 18 May?", [], "Days/2026-05-18.md", "Dentist"),
        ("what was my mood on 12 May?", [], "2026-05-12 Tue.md", "mood: 5"),
        ("what did I do on 1 April 2025?", [], "1 April 2025.md", "tomatoes"),
    ],
)
def test_a_note_named_by_a_day_answers_a_question_about_it(days, question, read, path, said):
    answer = days.ask(question)
    assert answer.citations[0].path == answer.hits[0].passage.path == path
    assert said in answer.text
    assert (answer.question, [one.read for one in answer.corrected]) == (question, read)


def test_a_filter_and_what_is_to_come_are_no_question_about_a_day(days):
    filtered = days.ask("what did I do yesterday?", filters=Filters(tags=("school",)))
    assert {hit.passage.path for hit in filtered.hits} == {"2026-05-12 Tue.md"}
    assert days.ask("is Dr Reis there on Tuesday?").corrected == ()


READINGS = ("2026-{0:02}-27", "27.{0:02}.2026", "2026/{0:02}/27", "27 {1} 2026", "{1} 27, 2026")


@pytest.mark.parametrize("written", READINGS)
def test_a_month_or_day_is_found_however_question_and_note_write_it(tmp_path, written):
    months = enumerate(("Jan", "Feb", "Mar", "Apr"), start=1)
    notes = {
        f"{name}.md": f"# Meter\n\n{written.format(n, name)}: {270 + n} kWh.\n"
        for n, name in months
    }
    with opened(tmp_path, notes) as index:
        for when in ("in March", "in march 2026", "on 27 March", "on 2026-03-27"):
            answer = index.ask(f"kWh of the meter {when}")
            assert answer.hits[0].passage.path == answer.citations[0].path == "Mar.md"
            assert not answer.no_note_has


@pytest.fixture(scope="module")
def meter(tmp_path_factory):
    """An index of two years of readings, some words, and names that are months."""
    rows = "".join(
        f"| {year}-{month:02}-{day} | {shop} | {month} |\n"
        for year in (2024, 2025)
        for month in range(1, 13)
        for day, shop in ((12, "Rewe"), (21, "Obi"))
    )
    people = {
        "2026-01-12.md": "Mina thinks the fence should go.\n",
        "Jan.md": "# Jan Vogel\n\nJan thinks the fence should be green.\n",
        "daily/2026-04-01.md": "Painted the shed.\n",
    }
    table = f"# Bills\n\n| date | shop | euros |\n|---|---|---|\n{rows}"
    with opened(tmp_path_factory.mktemp("meter"), {"bills.md": table, **people}) as index:
        yield index


@pytest.mark.parametrize(
    ("question", "days"),
    [
        ("which bills did I get in June 2025?", ["2025-06-12", "2025-06-21"]),
        ("which bills of 12 June 2025?", ["2025-06-12"]),
        ("euros in March", ["2024-03-12", "2024-03-21", "2025-03-12", "2025-03-21"]),
        ("how many euros at Obi in february 2025?", ["2025-02-21"]),
    ],
)
def test_only_rows_of_the_day_or_month_that_a_question_names_are_shown(meter, question, days):
    answer = meter.ask(question)
    shown = "\n".join(one.quote for one in answer.citations)
    assert [line.split(" | ")[0].strip("| ") for line in sorted(shown.splitlines())] == days
    assert answer.warnings == ()


def test_a_name_that_is_a_month_is_no_date(meter):
    answer = meter.ask("what does Jan think about the fence?")
    assert [one.path for one in answer.citations] == ["Jan.md"]


MEETINGS = {
    f"{day}.md": f"# Club meeting\n\nThe club spent {spent} euros on {what}.\n"
    for day, spent, what in (
        ("2025-11-05", 70, "a tent"),
        ("2026-03-12", 85, "paint"),
        ("2026-04-15", 40, "seeds"),
        ("2026-05-13", 25, "stamps"),
    )
}


@pytest.fixture(scope="module")
def meetings(tmp_path_factory):
    with opened(tmp_path_factory.mktemp("meetings"), MEETINGS) as index:
        yield index


@pytest.mark.parametrize(
    ("question", "paths"),
    [
        ("what did the club spend last month?", {"2026-04-15.md"}),
        ("what did the club spend in March?", {"2026-03-12.md"}),
        ("what did the club spend last week?", {"2026-05-13.md"}),
        ("what did the club spend last year?", {"2025-11-05.md"}),
        ("what did the club spend before April 2026?", {"2025-11-05.md", "2026-03-12.md"}),
        ("what has the club spent since April 2026?", {"2026-04-15.md", "2026-05-13.md"}),
    ],
)
def test_a_time_that_a_question_names_is_that_of_what_is_quoted(meetings, question, paths):
    answer = meetings.ask(question)
    shown = (*answer.citations, *answer.earlier, *answer.also)
    assert {one.path for one in shown} == paths
    assert {hit.passage.path for hit in answer.hits[: len(paths)]} == paths


def test_an_entry_of_a_log_is_of_the_time_that_its_own_date_says(tmp_path):
    rows = "".join(f"- 2026-0{n}-11: {30 * n} litres of oil were bought\n" for n in range(1, 6))
    log = f"---\nupdated: 2026-05-19\n---\n# Heating\n\n{rows}"
    answer = asked(tmp_path, {"log.md": log}, "how many litres of oil were bought last month?")
    assert answer.citations[0].quote.startswith("- 2026-04-11")


@pytest.mark.parametrize(
    ("filters", "quote"),
    [
        (Filters(until="2026-03-31"), "The gutter was cleaned by Harald."),
        (Filters(since="2026-04-01"), "The gutter was mended by Imke."),
        (Filters(since="2026-05-01"), None),
    ],
)
def test_a_filter_goes_by_the_date_of_the_heading_that_a_statement_stands_below(
    tmp_path, filters, quote
):
    said = "## 2026-03-23\n\nThe gutter was cleaned by Harald.\n\n"
    said += "## 2026-04-20\n\nThe gutter was mended by Imke.\n"
    with opened(tmp_path, {"log.md": f"---\nupdated: 2026-04-21\n---\n{said}"}) as index:
        answer = index.ask("who mended or cleaned the gutter?", filters=filters)
        found = index.search("gutter", filters=filters).hits
    shown = [one.quote for one in (*answer.citations, *answer.also, *answer.earlier)]
    assert shown == [quote] * bool(quote)
    assert bool(found) == bool(quote)


def test_a_date_without_a_year_is_of_the_year_of_its_note(tmp_path):
    said = "# Barbecue\n\nThe barbecue is on Friday 4 July at the club.\n"
    notes = {"2025-06-24.md": said, "2026-05-02.md": said.replace("4 July", "3 July")}
    answer = asked(tmp_path, notes, "when was the barbecue in 2025?")
    assert "4 July" in answer.citations[0].quote
    assert [one.path for one in (*answer.citations, *answer.earlier)] == ["2025-06-24.md"]


def test_a_time_of_which_no_note_is_limits_nothing(tmp_path):
    with opened(tmp_path, {"2026-03-12.md": MEETINGS["2026-03-12.md"]}) as index:
        for when in ("last week", "in February", "before 2020"):
            answer = index.ask(f"what did the club spend {when}?")
            assert [hit.passage.path for hit in answer.hits] == ["2026-03-12.md"]


def test_what_was_last_year_is_a_question_for_the_past(tmp_path):
    rent = {
        f"{day}.md": f"# Rent\n\nThe rent of the flat is {euros} euros.\n"
        for day, euros in (("2025-02-01", 800), ("2025-10-01", 850), ("2026-02-01", 900))
    }
    answer = asked(tmp_path, rent, "what was the rent of the flat last year?")
    shown = (*answer.citations, *answer.earlier)
    assert "2026-02-01.md" not in [one.path for one in shown]
    none = asked(tmp_path / "b", {"2026-02-01.md": rent["2026-02-01.md"]}, answer.question)
    assert [one.path for one in none.citations] == ["2026-02-01.md"]
