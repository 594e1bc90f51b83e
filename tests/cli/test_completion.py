"""Completion in bash, zsh and fish, of commands, tags and paths."""

import re
import subprocess

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
def test_commands_tags_and_paths_are_completed(quick, places, shell):
    def offered(line):
        typed = line.replace(" ", "\n") if shell == "bash" else line
        return complete(quick, shell, typed, places)

    assert "search" in offered("ragqa sea")
    assert "gardening" in offered("ragqa ask --tag gard")
    assert "plants/roses.md" in offered("ragqa search --path pl")


HOSTILE = [
    "pl two  spaces.md",
    "pl it's.md",
    "pl$(touch pwned).md",
    "pl';touch pwned;'.md",
    "plü*.md",
]


@pytest.fixture
def hostile(quick, places, tmp_path):
    """Notes whose names mean something to a shell, and one that no completion may print."""
    for name in (*HOSTILE, "pl\x1b[31m.md"):
        (tmp_path / "notes" / name).write_text(NOTE, encoding="utf-8")
    quick("index", env=places)
    return sorted([*HOSTILE, "plants/roses.md"])


def test_bash_inserts_each_name_as_one_word_and_runs_nothing(quick, places, hostile, tmp_path):
    lines = complete(quick, "bash", "ragqa\nsearch\n--path\npl", places).splitlines()
    script = "".join(f"printf '%s\\0' {line}\n" for line in lines)
    run = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, check=True)
    assert sorted(run.stdout.decode().split("\0")[:-1]) == hostile
    assert not (tmp_path / "pwned").exists()


def test_within_quotes_bash_is_offered_only_what_means_nothing_there(quick, places, hostile):
    offered = complete(quick, "bash", "ragqa\nsearch\n--path\n'pl", places).splitlines()
    assert sorted(offered) == ["pl two  spaces.md", "plants/roses.md"]
    assert set(offered) < set(hostile)


def test_zsh_evaluates_plain_letters_and_codes_that_spell_the_names(quick, places, hostile):
    line = complete(quick, "zsh", "ragqa search --path pl", places).strip()
    words = line.removeprefix("compadd -- ")
    assert re.fullmatch(r"(\$'([\w./+,@%-]|\\x[0-9a-f]{2})*'( |$))+", words)
    spelled = [word[2:-1].encode().decode("unicode-escape") for word in words.split(" ")]
    assert sorted(word.encode("latin-1").decode() for word in spelled) == hostile


def test_fish_which_quotes_by_itself_is_given_the_names(quick, places, hostile):
    assert sorted(complete(quick, "fish", "ragqa search --path pl", places).splitlines()) == hostile


def test_completion_without_an_index_completes_nothing_and_builds_nothing(quick, tmp_path):
    env = {"RAGQA_CORPUS": str(CORPUS), "RAGQA_INDEX": str(tmp_path / "none")}
    assert complete(quick, "bash", "ragqa\nask\n--tag\ngard", env).strip() == ""
    assert not (tmp_path / "none").exists()


def test_settings_are_completed_and_so_are_values_where_only_some_are_allowed(quick):
    def offered(*words):
        return complete(quick, "bash", "\n".join(("ragqa", "config", *words)), {}).split()

    assert offered("set", "llm_a") == ["llm_answer_tokens"]
    assert offered("set", "formats", "html", "p") == ["pdf"]
    assert offered("set", "top_k", "") == []
