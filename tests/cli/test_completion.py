"""Completion in bash, zsh and fish, of commands, tags and paths."""

import pytest
from support import CORPUS

NOTE = "---\ntags: [gardening]\n---\n\n# Roses\n\nRoses need pruning.\n"


@pytest.fixture
def places(tmp_path, quick):
    notes = tmp_path / "notes" / "plants"
    notes.mkdir(parents=True)
    (notes / "roses.md").write_text(NOTE, encoding="utf-8")
    found = {"RAGQA_CORPUS": str(tmp_path / "notes"), "RAGQA_INDEX": str(tmp_path / "index")}
    quick("index", env=found)
    return found


def complete(quick, shell, line, env):
    protocol = {
        "bash": {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)},
        "zsh": {"_TYPER_COMPLETE_ARGS": line},
        "fish": {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }[shell]
    return quick(env=env | protocol | {"_RAGQA_COMPLETE": f"complete_{shell}"}).out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_commands_tags_and_paths_are_completed(quick, places, shell):
    assert "search" in complete(quick, shell, "ragqa sea", places)
    assert "gardening" in complete(quick, shell, "ragqa ask --tag gard", places)
    assert "plants/roses.md" in complete(quick, shell, "ragqa search --path pl", places)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_name_that_a_shell_could_run_is_not_offered(quick, places, shell, tmp_path):
    for name in ("pl$(touch pwned).md", "pl`id`.md", "pl'x;id;'.md", 'pl"x.md', "pl\x1b[31m.md"):
        (tmp_path / "notes" / name).write_text(NOTE, encoding="utf-8")
    quick("index", env=places)
    offered = complete(quick, shell, "ragqa search --path pl", places)
    assert "plants/roses.md" in offered
    assert not any(mark in offered for mark in ("touch", "id", "\x1b", "x.md"))


def test_completion_without_an_index_completes_nothing_and_builds_nothing(quick, tmp_path):
    env = {"RAGQA_CORPUS": str(CORPUS), "RAGQA_INDEX": str(tmp_path / "none")}
    assert complete(quick, "bash", "ragqa ask --tag gard", env).strip() == ""
    assert not (tmp_path / "none").exists()
