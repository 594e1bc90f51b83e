"""What ragqa 0.1 made is still of use: its settings, saved answers and evaluations."""

import shutil
import tomllib
from pathlib import Path

import pytest
from support import run_ragqa

MADE_BEFORE = Path(__file__).parents[1] / "inputs" / "version-0.1"


@pytest.fixture
def place(tmp_path):
    """A folder with all that was made before."""
    folder = tmp_path / "place"
    shutil.copytree(MADE_BEFORE, folder)
    return folder


def run(place, *args):
    return run_ragqa(*args, cwd=place, env={"XDG_CONFIG_HOME": str(place / "config")})


def replaced(file):
    """What is said of a settings file with `sentences` and `embedder_scripts`."""
    why = {
        "embedder_scripts": "what the embedder can read is measured",
        "sentences": "excerpts and excerpt_words took its place",
    }
    return "".join(
        f"warning: {file} has the setting {name}, which is gone and ignored: {reason}; "
        "remove the line\n"
        for name, reason in why.items()
    )


def test_settings_that_were_set_before_are_read_and_warned_of_only_if_there_are_others_now(place):
    settings = place / "config" / "ragqa" / "config.toml"
    settings.parent.mkdir(parents=True)
    shutil.copyfile(place / "config.toml", settings)
    done = run(place, "config", "--json")
    assert done.code == 0
    assert done.err == replaced(place / "ragqa.toml") + replaced(settings)
    origins = {name: said["origin"] for name, said in done.document["settings"].items()}
    set_before = tomllib.loads(settings.read_text())
    unread = [name for name in set_before if origins.get(name, "default") == "default"]
    assert unread == ["embedder_scripts", "sentences"]
    assert origins["top_k"] == str(place / "ragqa.toml")
    assert origins["llm_deadline_s"] == "user settings"


@pytest.mark.parametrize("name", ["answer.json", "answer.md", "chat.md"])
def test_answers_that_were_saved_before_are_verified(place, name):
    assert run(place, "verify", name).code == 0
    note = place / "notes" / "gateway.md"
    note.write_text(note.read_text().replace("**100 requests**", "**90 requests**"))
    done = run(place, "verify", name)
    assert done.code == 1
    assert "[-**100" in done.out


def test_an_evaluation_that_was_saved_before_is_compared_with_one_of_today(place):
    asked = ["eval", "--questions", "questions.jsonl", "--half", "all", "--json"]
    (place / "now.json").write_text(run(place, *asked).out)
    done = run(place, "eval", "--compare", "eval.json", "now.json")
    assert done.code == 0, done.err
