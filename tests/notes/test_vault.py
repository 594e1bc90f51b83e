"""What an Obsidian vault's own settings leave out."""

import json
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragqa.notes import walk_notes, why_left_out
from ragqa.notes.ignore import vault_rules
from ragqa.types import Corpus

TEMPLATER = "plugins/templater-obsidian/data.json"
PATHS = ("Archive/a.md", "Archived.md", "Notes/a.md", "Notes/a (conflict 1).md", "Templates/t.md")


@pytest.fixture
def vault(tmp_path):
    for path in PATHS:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("text")
    return tmp_path


def configure(vault: Path, name: str, content: object, below: str = "") -> None:
    path = vault / below / ".obsidian" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def read(vault: Path) -> set[str]:
    return {file.path for file in walk_notes(Corpus.of(vault), max_note_bytes=99).files}


def skipped(vault: Path) -> dict[str, str]:
    return {
        skip.path: skip.reason for skip in walk_notes(Corpus.of(vault), max_note_bytes=99).skipped
    }


@pytest.mark.parametrize(
    ("filters", "left_out"),
    [
        ([], set()),
        (["Archive/"], {"Archive/a.md"}),
        (["Archive"], {"Archive/a.md", "Archived.md"}),
        (["Notes/a.md"], {"Notes/a.md"}),
        (["a.md"], set()),
        ([r"/ \(conflict.*\)\.md$/"], {"Notes/a (conflict 1).md"}),
        (["/^Arch/"], {"Archive/a.md", "Archived.md"}),
        (["/[tT]empl/", "Notes/"], set(PATHS) - {"Archive/a.md", "Archived.md"}),
    ],
)
def test_excluded_files_mean_what_they_mean_to_obsidian(vault, filters, left_out):
    configure(vault, "app.json", {"userIgnoreFilters": filters})
    assert set(PATHS) - read(vault) == left_out


@pytest.mark.parametrize("name", [("templates.json", "folder"), (TEMPLATER, "templates_folder")])
@pytest.mark.parametrize("folder", ["Templates", "Templates/", "/Templates"])
def test_templates_are_no_notes_and_status_can_say_why(vault, name, folder):
    configure(vault, name[0], {name[1]: folder})
    assert read(vault) == set(PATHS) - {"Templates/t.md"}
    reason = f'.obsidian/{name[0]} leaves it out: "Templates/"'
    assert skipped(vault) == {"Templates": reason}
    assert why_left_out(Corpus.of(vault), "Templates/t.md", max_note_bytes=99) == reason


def test_the_settings_of_a_vault_below_the_folder_of_notes_count_from_there(vault):
    configure(vault, "app.json", {"userIgnoreFilters": ["a.md"]}, below="Notes")
    assert read(vault) == set(PATHS) - {"Notes/a.md"}


def test_ragqaignore_can_take_templates_back_in(vault):
    configure(vault, "templates.json", {"folder": "Templates"})
    (vault / ".ragqaignore").write_text("!Templates/\n")
    assert read(vault) == set(PATHS)


@pytest.mark.parametrize(
    "content",
    [
        "{", "[]", "7", '{"userIgnoreFilters": 7}', '{"userIgnoreFilters": [7]}', "[" * 5_000,
        '{"userIgnoreFilters": ["/(a+)+$/"]}', '{"userIgnoreFilters": ["/a*b*/"]}',
        '{"userIgnoreFilters": ["/[z-a]/"]}', '{"userIgnoreFilters": ["/*/"]}', "\x00",
    ],
)  # fmt: skip
def test_settings_that_cannot_be_used_are_reported_and_the_notes_read(vault, content):
    configure(vault, "app.json", content)
    assert read(vault) == set(PATHS)
    assert skipped(vault)[".obsidian/app.json"].startswith("not applied: ")


def test_settings_behind_a_link_are_not_read(vault, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "app.json"
    elsewhere.write_text('{"userIgnoreFilters": ["Notes/"]}')
    (vault / ".obsidian").mkdir()
    (vault / ".obsidian/app.json").symlink_to(elsewhere)
    assert read(vault) == set(PATHS)


@given(st.text(alphabet=r"ab.*+?\()[]{}|^$d1-/", max_size=12))
def test_an_expression_that_is_used_repeats_one_thing_once_and_has_no_groups(wanted):
    with tempfile.TemporaryDirectory() as folder:
        configure(Path(folder), "app.json", {"userIgnoreFilters": [f"/{wanted}/"]})
        rules, problems = vault_rules(Path(folder), "")
    assert len(rules.rules) + len(problems) == 1
    bare = re.sub(r"\\.|\[\^?(?:\\.|[^\]\\])+\]", "", wanted)
    assert problems or (len(re.findall(r"[*+?]", bare)) <= 1 and not re.search(r"[(){}|]", bare))


@pytest.mark.parametrize("content", ['{"userIgnoreFilters": ["/A\\ud83d/"]}', '{"a": "\\ud83d"}'])
def test_half_a_character_is_no_setting(vault, content):
    configure(vault, "app.json", content)
    assert skipped(vault)[".obsidian/app.json"] == "not applied: it is not a JSON object"


def test_an_expression_that_is_not_applied_leaves_the_other_filters_in_force(vault):
    bad = ["/(foo|bar)/", "/[z-a]/", "/(1)/", "/(2)/"]
    configure(vault, "app.json", {"userIgnoreFilters": [*bad[:1], "Archive/", *bad[1:], "Notes/"]})
    assert read(vault) == {"Archived.md", "Templates/t.md"}
    reason = skipped(vault)[".obsidian/app.json"]
    assert reason.startswith("not applied: the expression /(foo|bar)/ has a group")
    assert "the expression /[z-a]/ is not valid" in reason
    assert reason.endswith("; and 1 more")
    assert "Archive/" not in reason
