"""Under reserve an excerpt stands within its passage, and each source has the date of its note."""

import pytest
from served_mcp import talk, text_of
from support import write_notes

BEFORE = "The dumps go to the shed. Each Friday the tape is swapped by Mara."
ANSWER = "The retention of a tape is 30 days."
AFTER = "The spare key hangs in the hall."
NOTES = {
    "2026-01-14-backup.md": f"# Backup\n\n## Plan\n\n{BEFORE}\n\n{ANSWER}\n\n{AFTER}\n\n"
    "## Costs\n\nA shed is dear.\n",
    "2025-03-02-law.md": "# Law\n\nThe retention of papers is ten years.\n",
    "garden.md": "# Garden\n\nPeas are sown in March.\n",
}
ASKED = "what is the retention of a tape in Zanzibar"


@pytest.fixture
def answer(quick, tmp_path):
    """Asks a folder with one note, and gives its text and the JSON of the answer."""

    def ask(question, text, **env):
        folder = write_notes(tmp_path / "notes", {"note.md": text})
        places = ("--corpus", folder, "--index", tmp_path / "index")
        return quick("ask", question, *places, "--json", env=env).document

    return ask


def test_under_reserve_the_first_excerpt_alone_stands_within_its_passage(quick, places):
    said = quick("ask", ASKED, *places, "--json").document
    (first,) = said["citations"]
    assert not said["sure"]
    assert first["quote"] == ANSWER
    start, end = first["around"]
    text = NOTES[first["path"]]
    assert text[start:end] == f"{BEFORE}\n\n{ANSWER}\n\n{AFTER}"  # no heading, no other section
    assert [one["around"] for one in said["also"]] == [None] * len(said["also"]) != []


def test_what_stands_around_is_at_most_120_words_and_cuts_no_sentence(answer):
    days = [f"On day {n} the crew slept in hall {n} of an inn." for n in range(14)]
    days[7] = "The captain of the barge is called Ines Okafor."
    text = "\n\n".join(["# Log", *days])
    said = answer("who is the captain of the barge in Zanzibar", text, RAGQA_PASSAGE_TOKENS="500")
    (first, *_) = said["citations"]
    start, end = first["around"]
    assert 60 < len(text[start:end].split()) <= 120
    assert set(text[start:end].split("\n\n")) <= set(days)
    assert start < first["chars"][0]
    assert first["chars"][1] < end


def test_what_is_cited_beside_an_excerpt_does_not_stand_around_it_again(answer):
    row = "| host{0} | {1} | serves the people of the club in one of a great many ways |"
    rows = "\n".join(row.format(n, "Ann" if n % 3 == 1 else "Bo") for n in range(12))
    text = f"# Hosts\n\n| host | owner | use |\n|-|-|-|\n{rows}\n"
    first, *others = answer("which hosts does Ann own in Zanzibar", text)["citations"]
    start, end = first["around"]
    assert others
    assert not any(start < one["chars"][1] and one["chars"][0] < end for one in others)


def test_what_stands_around_is_set_off_and_further_excerpts_are_whole(quick, places):
    said = quick("ask", ASKED, *places).out
    assert f"> {BEFORE}\n\n{ANSWER} [1]\n\n> {AFTER}\n" in said
    assert "(2025-03-02) › Law\n\n   ```\n   The retention of papers is ten years.\n" in said
    text = quick("ask", ASKED, *places, "--format", "text").out
    assert f"   {BEFORE}\n\n   {ANSWER}\n\n   {AFTER}\n" in text
    assert "2025-03-02-law.md:3  2025-03-02  Law\n   The retention of papers is ten" in text
    assert "ragqa more shows the next ones" in text
    assert "papers" not in quick("more", *places).out


def test_passages_that_are_found_have_the_dates_of_their_notes(quick, places):
    found = quick("search", "retention of papers", *places)
    assert "2025-03-02-law.md:1-3  2025-03-02  Law\n" in found.out
    hits = quick("search", "retention of papers", *places, "--json").document["hits"]
    assert {one["path"]: one["note_date"] for one in hits} == {
        "2026-01-14-backup.md": "2026-01-14",
        "2025-03-02-law.md": "2025-03-02",
        "garden.md": None,
    }


def test_an_llm_is_told_the_date_of_each_note_and_that_the_newest_holds(quick, places):
    prompt = quick("ask", ASKED, *places, "--show-prompt").out
    assert ", note of 2026-01-14\nBackup" in prompt
    assert ", note of 2025-03-02\nLaw" in prompt
    assert "the newest note holds, unless the question asks for the past" in prompt


def test_assistants_are_given_what_stands_around_and_dates(tmp_path):
    write_notes(tmp_path / "notes", NOTES)
    asked, found = talk(tmp_path, ("ask", {"question": ASKED}), ("search", {"query": "papers"}))
    shown = f"> {ANSWER}\nBefore it:\n> {BEFORE}\nAfter it:\n> {AFTER}\n"
    assert shown in text_of(asked)
    assert "2026-01-14-backup.md:7  2026-01-14  Backup › Plan\n" in text_of(asked)
    assert "2025-03-02-law.md:3  2025-03-02  Law\n> The retention" in text_of(asked)
    assert "2025-03-02-law.md:1-3  2025-03-02  Law\n" in text_of(found)
