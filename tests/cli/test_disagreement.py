"""Notes that disagree and notes that are old, on the real command line."""

import pytest

NOTES = {
    "gateway.md": "---\ntitle: API gateway\ndate: 2020-02-11\n---\n\n# API gateway\n\n"
    "The API limit is **100 requests** per minute.\n",
    "guide.md": "---\ntitle: Client guide\nupdated: 2021-09-04\n---\n\n# Client guide\n\n"
    "Clients are limited to 60 requests per minute by the API.\n",
    "streaming.md": "# Streaming\n\nThe gateway supports streaming.\n",
    "evil.md": "# Gateway\n\nThe gateway does not support streaming \x1b]0;owned\x07.\n",
    "bread.md": "---\ndate: 2020-01-01\n---\n\n# Bread\n\nSourdough proofs for 12 hours.\n",
}
LIMIT = "what is the API rate limit?"


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    folder = tmp_path_factory.mktemp("disagreeing")
    (folder / "notes").mkdir()
    for name, text in NOTES.items():
        (folder / "notes" / name).write_text(text, encoding="utf-8")
    return ["--corpus", folder / "notes", "--index", folder / "index"]


def test_the_document_has_both_statements_with_their_dates_newest_first(ragqa, places):
    document = ragqa("ask", LIMIT, "--json", *places).document
    (told,) = document["disagreements"]
    assert told["about"] == "number"
    first, second = told["statements"]
    assert (first["path"], first["note_date"], first["says"]) == (
        "guide.md",
        "2021-09-04",
        "60 requests",
    )
    assert (second["path"], second["note_date"], second["says"]) == (
        "gateway.md",
        "2020-02-11",
        "100 requests",
    )
    for statement in (first, second):
        text = NOTES[statement["path"]]
        assert text[slice(*statement["says_chars"])] == statement["says"]
    assert second["quote"] == "The API limit is **100 requests** per minute."
    assert {first["n"], second["n"]} & {citation["n"] for citation in document["citations"]}


def test_a_person_sees_both_below_the_answer_the_date_first(ragqa, places):
    out = ragqa("ask", LIMIT, *places).out
    block = out.partition("Your notes disagree on a figure:\n")[2].partition("\n\nSources\n")[0]
    assert block.splitlines() == [
        "   2021-09-04, old  guide.md:8  Client guide",
        "      Clients are limited to 60 requests per minute by the API.",
        "   2020-02-11, old  gateway.md:8  API gateway",
        "      The API limit is 100 requests per minute.",
    ]


def test_what_a_note_says_cannot_steer_the_terminal(ragqa, places):
    out = ragqa("ask", "does the gateway support streaming?", *places).out
    assert "Your notes disagree: one says no." in out
    assert "no date" in out
    assert "\x1b" not in out


def test_a_source_shows_the_date_of_its_note_and_whether_it_is_old(ragqa, places):
    question = "how long does sourdough proof?"
    assert " 1 bread.md:7  2020-01-01, old  Bread\n" in ragqa("ask", question, *places).out
    never = {"RAGQA_OLD_AFTER_DAYS": "0"}
    assert " 1 bread.md:7  2020-01-01  Bread\n" in ragqa("ask", question, *places, env=never).out
    (citation,) = ragqa("ask", question, "--json", *places).document["citations"]
    assert (citation["note_date"], citation["old"]) == ("2020-01-01", True)
