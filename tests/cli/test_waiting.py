"""Questions while an update would take long: they are answered at once, and say what waits."""

import shutil

import pytest
from support import write_notes

NOTES = {
    "tea.md": "# Tea\n\nGreen tea is brewed at 80 degrees.\n",
    "old/rain.md": "# Rain\n\nRain fell for 12 days in April.\n",
}
PAGES = {
    f"site/page{n}.md": f"# Page {n}\n\nPage {n} was built for the site, and nobody reads it.\n"
    for n in range(30)
}
QUESTION = "at how many degrees is green tea brewed?"


@pytest.fixture
def slow(tmp_path, monkeypatch):
    """The environment of a machine on which 500 bytes of new text take long."""
    monkeypatch.setattr("ragqa.index.source.LONG_BYTES", 500)
    return {"XDG_CONFIG_HOME": str(tmp_path / "config")}


@pytest.fixture
def ask(quick, notes, slow, tmp_path):
    """Run a command on the notes, whose index is built and up to date."""
    places = ["--corpus", notes, "--index", tmp_path / "index"]

    def run(*args, env=None):
        return quick(*args, *places, env=slow | (env or {}))

    assert run("index").code == 0
    return run


def waits(number, notes):
    """What is said while so many files wait."""
    index = notes.parent / "index"
    return (
        f"{number} files wait to be read, so this is from the index as it is; "
        f"to read them: ragqa index --corpus {notes} --index {index}"
    )


@pytest.mark.parametrize(
    "command",
    [["ask", QUESTION], ["why", "tea", "--target", "tea.md"], ["list"]],
)
def test_no_question_waits_for_a_long_update_and_each_says_what_waits(ask, notes, command):
    write_notes(notes, PAGES)
    run = ask(*command, "--json")
    assert run.code == 0
    assert run.document["waiting"] == 30
    assert waits(30, notes) in run.document["warnings"]
    assert run.document["index"]["notes"] == 2
    printed = ask(*command)
    assert printed.err.count(waits(30, notes)) == 1


def test_no_file_that_was_left_out_keeps_an_edit_from_being_read(ask, notes, monkeypatch):
    monkeypatch.setattr("ragqa.index.source.LONG_BYTES", 1000)
    write_notes(notes, {"binary.md": "\0" * 4000, "other.md": "\0" * 900, "empty.md": ""})
    (notes / "latin.txt").write_bytes(b"caf\xe9 \x81" * 300)
    (notes / "locked.md").write_text("word " * 300)
    (notes / "locked.md").chmod(0)
    env = {"RAGQA_MAX_NOTE_BYTES": "5000"}
    (notes / "huge.md").write_text("word " * 3000)
    ask("index", env=env)
    for degrees in (81, 82):
        text = f"# Tea\n\nGreen tea is brewed at {degrees} degrees.\n"
        (notes / "tea.md").write_text(text)
        found = ask("ask", QUESTION, "--json", env=env).document
        assert found["waiting"] == 0
        assert f"{degrees} degrees" in found["answer"]
    assert ask("status", "--json", env=env).document["fresh"]
    skipped = {each["path"] for each in ask("status", "--json", env=env).document["skipped"]}
    assert skipped >= {"binary.md", "latin.txt", "huge.md"}


def test_files_whose_extra_is_missing_wait_for_nothing_until_it_is_there(ask, notes, monkeypatch):
    monkeypatch.setattr("ragqa.index.source.LONG_BYTES", 1000)
    (notes / "plan.pdf").write_bytes(b"%PDF " * 100_000)
    with monkeypatch.context() as patch:
        patch.setattr("ragqa.notes.formats.find_spec", lambda _: None)
        ask("index")
        write_notes(notes, {"tea.md": "# Tea\n\nGreen tea is brewed at 181 degrees.\n"})
        found = ask("ask", QUESTION, "--json").document
        assert found["waiting"] == 0
        assert "181 degrees" in found["answer"]
    assert ask("list", "--json").document["waiting"] == 1


def test_the_command_that_is_named_reads_what_waits_and_moved_notes_wait_for_nothing(ask, notes):
    write_notes(notes, PAGES)
    assert "30 added" in ask("index").out
    after = ask("ask", QUESTION, "--json").document
    assert (after["waiting"], after["warnings"], after["index"]["notes"]) == (0, [], 32)
    shutil.move(notes / "site", notes / "web")
    for path in (notes / "web").iterdir():
        path.touch()
    run = ask("list", "--json").document
    assert run["waiting"] == 0
    assert "web/page7.md" in [note["path"] for note in run["notes"]]
