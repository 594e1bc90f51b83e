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
        "bash": {"COMP_WORDS": line, "COMP_CWORD": str(line.count("\n"))},
        "zsh": {"_TYPER_COMPLETE_ARGS": line},
        "fish": {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }[shell]
    return quick(env=env | protocol | {"_RAGQA_COMPLETE": f"complete_{shell}"}).out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_commands_tags_and_paths_are_completed(quick, places, hostile, shell):
    def offered(line):
        typed = line.replace(" ", "\n") if shell == "bash" else line
        return complete(quick, shell, typed, places)

    assert "search" in offered("ragqa sea")
    assert "gardening" in offered("ragqa ask --tag gard")
    found = offered("ragqa search --path pl")
    assert "plants/roses.md" in found
    # No name is offered that a shell might split or run.
    assert not any(name in found for name in HOSTILE)
    assert "touch" not in found
    assert "\x1b" not in found


HOSTILE = [
    "pl two  spaces.md",
    "pl it's.md",
    "pl$(touch pwned).md",
    "pl';touch pwned;'.md",
    "plü*.md",
]


@pytest.fixture
def hostile(quick, places, tmp_path):
    """Notes whose names mean something to a shell, and one that steers a terminal."""
    for name in (*HOSTILE, "pl\x1b[31m.md"):
        (tmp_path / "notes" / name).write_text(NOTE, encoding="utf-8")
    quick("index", env=places)


def test_completion_without_an_index_completes_nothing_and_builds_nothing(quick, tmp_path):
    env = {"RAGQA_CORPUS": str(CORPUS), "RAGQA_INDEX": str(tmp_path / "none")}
    assert complete(quick, "bash", "ragqa\nask\n--tag\ngard", env).strip() == ""
    assert not (tmp_path / "none").exists()


def test_settings_are_completed_and_so_are_values_where_only_some_are_allowed(quick):
    def offered(*words):
        return complete(quick, "bash", "\n".join(("ragqa", "config", *words)), {}).split()

    assert offered("set", "llm_a") == ["llm_answer_tokens"]
    assert offered("set", "formats", "html", "p") == ["pptx", "pdf"]
    assert offered("set", "top_k", "") == []
