from pathlib import Path

import pytest

from ragqa.notes import walk_notes
from ragqa.types import Corpus, Skipped


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    for folder in ("", "a/", "a/b/", "drafts/", "keep/"):
        (tmp_path / folder).mkdir(exist_ok=True)
        for name in ("x.md", "y.md"):
            (tmp_path / folder / name).write_text("text")
    return tmp_path


ALL = {f"{folder}{name}.md" for folder in ("", "a/", "a/b/", "drafts/", "keep/") for name in "xy"}


def left_out(corpus: Path) -> set[str]:
    return ALL - {file.path for file in walk_notes(Corpus.of(corpus), max_note_bytes=99).files}


@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        ("", set()),
        ("# y.md\n\n", set()),
        ("drafts/", {"drafts/x.md", "drafts/y.md"}),
        ("/y.md", {"y.md"}),
        ("y.md\n!/y.md", {"a/y.md", "a/b/y.md", "drafts/y.md", "keep/y.md"}),
        ("b", {"a/b/x.md", "a/b/y.md"}),
        ("a/**", {"a/x.md", "a/y.md", "a/b/x.md", "a/b/y.md"}),
        ("a/**\n!a/x.md", {"a/y.md", "a/b/x.md", "a/b/y.md"}),
        ("a/*/y.md", {"a/b/y.md"}),
        ("*\n!*/\n!x.md", {name for name in ALL if name.endswith("y.md")}),
        ("drafts/\n!drafts/x.md", {"drafts/x.md", "drafts/y.md"}),  # its folder is left out
        ("b*\n!a/", {"a/b/x.md", "a/b/y.md"}),  # `a` is taken back in, `a/b` is another matter
        ("drafts/\r\n/x.md\r\n", {"drafts/x.md", "drafts/y.md", "x.md"}),
        ("\ufeff/x.md", {"x.md"}),
    ],
)
@pytest.mark.parametrize("name", [".gitignore", ".ragqaignore"])
def test_patterns_mean_what_they_mean_to_git(corpus, name, patterns, expected):
    (corpus / name).write_text(patterns, newline="")
    assert left_out(corpus) == expected


def test_a_nested_ignore_file_counts_from_its_folder_and_overrules_those_above(corpus):
    (corpus / ".gitignore").write_text("y.md\n")
    (corpus / "a/.gitignore").write_text("!y.md\n/x.md\n")
    assert left_out(corpus) == {"y.md", "drafts/y.md", "keep/y.md", "a/x.md"}


def test_ragqaignore_has_the_last_word_in_its_folder(corpus):
    (corpus / ".gitignore").write_text("drafts/\n")
    (corpus / ".ragqaignore").write_text("!drafts/\nkeep/\n")
    assert left_out(corpus) == {"keep/x.md", "keep/y.md"}


def test_a_name_that_is_no_utf8_can_be_ignored(tmp_path):
    (tmp_path / ".gitignore").write_bytes(b"caf\xe9*\n")
    (tmp_path / "caf\udce9.md").write_text("text")
    assert walk_notes(Corpus.of(tmp_path), max_note_bytes=99).files == ()


@pytest.mark.parametrize("line", ["!", "\\", "[z-a]", "*a*a*a*a*a*b"])
def test_a_line_that_is_no_sound_pattern_is_reported_and_the_others_count(corpus, line):
    (corpus / ".gitignore").write_text(f"/x.md\n{line}\n")
    assert left_out(corpus) == {"x.md"}
    (skip,) = walk_notes(Corpus.of(corpus), max_note_bytes=99).skipped
    assert skip.path == ".gitignore"
    assert skip.reason.startswith("line 2 is not applied: ")


def test_odd_brackets_warn_nobody(corpus):
    (corpus / ".gitignore").write_text("[[x].md\n")
    assert left_out(corpus) >= {"x.md"}


def test_an_ignore_file_that_is_a_link_or_too_large_is_reported(corpus):
    (corpus / ".gitignore").symlink_to("/dev/zero")
    (corpus / "a/.gitignore").write_text("x.md\n" * 100_000)
    assert left_out(corpus) == set()
    assert walk_notes(Corpus.of(corpus), max_note_bytes=99).skipped == (
        Skipped(".gitignore", "not applied: Too many levels of symbolic links"),
        Skipped("a/.gitignore", "not applied: more than 100,000 bytes"),
    )
