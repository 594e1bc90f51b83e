"""The notes near a note; `cli/transcripts/places.txt` has how they are listed."""

from support import QUICK, run_ragqa, write_notes

NOTES = {"tea.md": "# Tea\n\nSee [[pot]].\n", "pot.md": "# Pot\n\nOf iron. Back to [[Tea]].\n"}


def test_once_notes_are_indexed_those_near_one_are_found_without_parsing_any(tmp_path, monkeypatch):
    write_notes(tmp_path / "notes", NOTES)
    places = ("--corpus", tmp_path / "notes", "--index", tmp_path / "index")
    assert run_ragqa("search", "tea", *places, env=QUICK).code == 0
    monkeypatch.setattr("ragqa.notes.read.parse_note", None)
    near = run_ragqa("search", "--related", "tea", "--json", *places, env=QUICK).document
    assert near["related"][0]["why"][:2] == ["links here", "linked from here"]
