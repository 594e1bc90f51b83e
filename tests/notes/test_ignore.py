"""What ignore files and an Obsidian vault's own settings leave out."""

import json
from pathlib import Path

import pytest
from cases import cases

from ragqa.notes import Walk, walk_notes, why_left_out
from ragqa.types import Corpus

ALL = {f"{folder}{name}.md" for folder in ("", "a/", "a/b/", "drafts/", "keep/") for name in "xy"}


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    for path in ALL:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("text")
    return tmp_path


def walked(corpus: Path) -> Walk:
    return walk_notes(Corpus.of(corpus), max_note_bytes=99)


def left_out(corpus: Path) -> list[str]:
    return sorted(ALL - {file.path for file in walked(corpus).files})


def skipped(corpus: Path) -> dict[str, str]:
    return {skip.path: skip.reason for skip in walked(corpus).skipped}


def configure(vault: Path, name: str, content: object) -> None:
    path = vault / ".obsidian" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


@pytest.mark.parametrize(("patterns", "expected"), cases("ignored", "patterns", "left_out"))
def test_patterns_mean_what_they_mean_to_git(corpus, patterns, expected):
    (corpus / ".gitignore").write_text(patterns, newline="")
    assert left_out(corpus) == expected


def test_a_nested_ignore_file_counts_from_its_folder_and_overrules_those_above(corpus):
    (corpus / ".gitignore").write_text("y.md\n")
    (corpus / "a/.gitignore").write_text("!y.md\n/x.md\n")
    assert left_out(corpus) == ["a/x.md", "drafts/y.md", "keep/y.md", "y.md"]


def test_ragqaignore_has_the_last_word_in_its_folder(corpus):
    (corpus / ".gitignore").write_text("drafts/\n")
    configure(corpus, "templates.json", {"folder": "a"})
    (corpus / ".ragqaignore").write_text("!drafts/\n!a/\nkeep/\n")
    assert left_out(corpus) == ["keep/x.md", "keep/y.md"]


def test_a_name_that_is_no_utf8_can_be_ignored(tmp_path):
    (tmp_path / ".gitignore").write_bytes(b"caf\xe9*\n")
    (tmp_path / "caf\udce9.md").write_text("text")
    assert not walked(tmp_path).files


@pytest.mark.parametrize("line", ["!", "a\\", "[z-a]", "[a"])
def test_a_line_that_is_no_sound_pattern_is_reported_and_the_others_count(corpus, line):
    (corpus / ".gitignore").write_text(f"/x.md\n{line}\n")
    assert left_out(corpus) == ["x.md"]
    [(path, reason)] = skipped(corpus).items()
    assert path == ".gitignore"
    assert reason.startswith("not applied: line 2, ")


def test_a_file_of_rules_that_is_a_link_or_too_large_is_reported(corpus):
    (corpus / ".obsidian").mkdir()
    for path in (".gitignore", ".obsidian/app.json"):
        (corpus / path).symlink_to("/dev/zero")
    (corpus / "a/.gitignore").write_text("x.md\n" * 100_000)
    assert left_out(corpus) == []
    link, large = "Too many levels of symbolic links", "more than 100,000 bytes"
    reasons = {".gitignore": link, ".obsidian/app.json": link, "a/.gitignore": large}
    found = skipped(corpus)
    assert found.keys() == reasons.keys()
    assert all(reasons[path] in reason for path, reason in found.items())


@pytest.mark.parametrize(
    ("patterns", "names"),
    [("*a*a*a*b\n" * 100, ["a" * 250]), ("**/a/**/a/**/a/**/b\n", ["a"] * 250)],
)
def test_no_pattern_is_tried_in_every_way_that_its_wildcards_may_stand(tmp_path, patterns, names):
    (tmp_path / ".gitignore").write_text(patterns)
    tmp_path.joinpath(*names).mkdir(parents=True)
    tmp_path.joinpath(*names, "x.md").write_text("text")
    found = walked(tmp_path)
    assert [file.path for file in found.files] == ["/".join([*names, "x.md"])]


def test_rules_of_the_ignore_files_above_a_file_are_a_thousand_at_most(corpus):
    (corpus / ".gitignore").write_text("".join(f"/z{n}\n" for n in range(999)))
    (corpus / "a/.ragqaignore").write_text("x.md\ny.md\n")
    configure(corpus, "app.json", {"userIgnoreFilters": ["x.md"] * 1_001})
    assert left_out(corpus) == ["a/b/x.md", "a/x.md"]
    assert skipped(corpus) == {
        ".obsidian/app.json": "not applied: Expected `array` of length <= 1000",
        "a/.ragqaignore": "not applied: from line 2, more than 1,000 rules",
    }


@pytest.mark.parametrize(("filters", "expected"), cases("excluded", "filters", "left_out"))
def test_excluded_files_mean_what_they_mean_to_obsidian(corpus, filters, expected):
    configure(corpus, "app.json", {"userIgnoreFilters": filters})
    assert left_out(corpus) == expected


@pytest.mark.parametrize("folder", ["drafts", "/drafts"])
def test_templates_are_no_notes_and_status_can_say_why(corpus, folder):
    configure(corpus, "templates.json", {"folder": folder})
    assert left_out(corpus) == ["drafts/x.md", "drafts/y.md"]
    reason = '.obsidian/templates.json leaves it out: "drafts/"'
    assert skipped(corpus) == {"drafts": reason}
    assert why_left_out(Corpus.of(corpus), "drafts/x.md", max_note_bytes=99) == reason


def test_the_settings_of_a_vault_below_the_folder_of_notes_count_from_there(corpus):
    configure(corpus / "a", "app.json", {"userIgnoreFilters": ["x.md"]})
    assert left_out(corpus) == ["a/x.md"]


@pytest.mark.parametrize(
    "content",
    [
        "[]", '{"userIgnoreFilters": [7]}', "[" * 5_000, '{"a": "\\ud83d"}', "\x00",
    ],
)  # fmt: skip
def test_settings_that_cannot_be_used_are_reported_and_the_notes_read(corpus, content):
    configure(corpus, "app.json", content)
    assert left_out(corpus) == []
    assert skipped(corpus)[".obsidian/app.json"].startswith("not applied: ")


def test_a_regular_expression_is_not_applied_and_the_other_filters_are(corpus):
    configure(corpus, "app.json", {"userIgnoreFilters": ["/x/", "drafts/"]})
    assert left_out(corpus) == ["drafts/x.md", "drafts/y.md"]
    reason = "not applied: its regular expressions; write patterns into .ragqaignore"
    assert skipped(corpus)[".obsidian/app.json"] == reason
