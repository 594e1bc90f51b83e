"""Many warnings of one kind, and many files that cannot be read: each kind is said once."""

import pytest
from support import write_notes

LETTERS = "abcdefghijkl"
MANY = {
    f"{n}.md": f"---\ncreated: some day\n---\n\nCats sleep for {n} hours.\n" for n in range(1, 31)
}
"""Notes that each have a warning of the same kind."""
DATES = "30 files: created is not a date in the form YYYY-MM-DD, such as 1.md: some day"
BINARY = "12 files: binary, such as a.md: a NUL at byte 1"
ALL = "; all of them: ragqa doctor"


@pytest.fixture
def unclear(tmp_path):
    """A folder in which 30 notes have a warning and 12 files cannot be read, and its places."""
    notes = write_notes(
        tmp_path / "unclear", MANY | dict.fromkeys(map("{}.md".format, LETTERS), " \0")
    )
    return notes, ["--corpus", notes, "--index", tmp_path / "unclear-index"]


@pytest.mark.parametrize(
    "command", [["ask", "how long do cats sleep?"], ["search", "cats"], ["list"]]
)
def test_a_question_says_each_kind_of_warning_once_and_how_many_there_are(quick, unclear, command):
    notes, places = unclear
    run = quick(*command, *places)
    assert [line for line in run.err.splitlines() if "warning" in line] == [
        f"warning: {DATES}{ALL}",
        f"warning: skipped {BINARY}{ALL}",
    ]
    (notes / "a.md").write_text(" \0 changed, but no more of a note")
    assert "skipped" not in quick(*command, *places).err.replace("12 notes were skipped", "")


def test_the_document_of_a_build_has_each_warning_and_the_doctor_names_all_of_them(quick, unclear):
    _, places = unclear
    built = quick("index", "--json", *places)
    assert len(built.document["warnings"]) == len(MANY)
    assert len(built.document["skipped"]) == len(LETTERS)
    assert built.document["skipped"][0] == {"path": "a.md", "reason": "binary: a NUL at byte 1"}
    assert built.err.count("warning:") == 1
    for printed in (quick("index", *places), quick("status", *places)):
        assert f"  {BINARY}{ALL}\n" in printed.out
        assert printed.out.count("NUL") == 1
    assert len(quick("status", "--json", *places).document["skipped"]) == len(LETTERS)
    said = quick("doctor", *places).out
    assert all(f"warning {name}: created is not a date" in said for name in MANY)
    assert all(f"warning {one}.md is not indexed: binary" in said for one in LETTERS)
