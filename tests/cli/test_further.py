"""Going on from the last answer: its further excerpts, and its sources in an editor."""

import os
import re
import stat

import pytest
from support import write_notes

from ragqa.config import Settings, history_file
from ragqa.types import Corpus

ODD = 'c $(touch it) "x";{}.md'
CATS = {
    ODD.format(hours): f"# Cats\n\nMost cats sleep for {hours} hours.\n"
    for hours in (10, 11, 13, 14)
}
ASKED = "how many hours do cats sleep?"


@pytest.fixture
def notes(tmp_path):
    return write_notes(tmp_path / "notes", CATS)


@pytest.fixture
def run(quick, tmp_path, notes, monkeypatch):
    """Runs a command on the notes, with an editor that writes down how it was called."""
    monkeypatch.setattr("ragqa.answering.excerpt.FURTHER_SHARE", 0.1)
    editors = tmp_path / "editors"
    editors.mkdir()
    for name in ("vim", "code", "hx", "other", "xdg-open", "open"):
        script = editors / name
        script.write_text(f'#!/bin/sh\nprintf "%s\\n" "${{0##*/}}" "$@" > "{tmp_path}/called"\n')
        script.chmod(0o755)
    path = f"{editors}{os.pathsep}{os.environ['PATH']}"
    places = ["--corpus", notes, "--index", tmp_path / "index"]

    def run(*args, said=(), **env):
        env = {"PATH": path, "VISUAL": "", "EDITOR": "", **env}
        lines = "".join(f"{line}\n" for line in said).encode()
        return quick(*args, *places, env=env, cwd=tmp_path, input=lines)

    return run


def shown_in(out):
    """The notes that the excerpts of an output are from, by number."""
    return {int(n): name for n, name in re.findall(r"(?m)^ (\d) (.*\.md):3", out)}


def test_each_further_excerpt_is_a_line_and_more_shows_it_whole_and_then_the_next(run):
    asked = run("ask", ASKED)
    sources, _, further = asked.out.partition("Further excerpts\n")
    offered = shown_in(further)
    assert list(shown_in(sources)) == [1]
    assert list(offered) == [2, 3]
    assert further.endswith("\nragqa more shows them whole\n")
    first, second = run("more").out, run("more").out
    assert first.startswith(f"{ASKED}\n")
    assert shown_in(first) == offered
    assert "cats sleep for" in first
    assert list(shown_in(second)) == [4]
    shown = [*shown_in(sources).values(), *offered.values(), *shown_in(second).values()]
    assert sorted(shown) == sorted(CATS)


def test_more_shows_what_was_not_shown_yet_after_the_notes_changed(run, notes):
    asked = shown_in(run("ask", ASKED).out)
    (notes / asked[1]).unlink()
    assert list(shown_in(run("more").out).items()) == [(2, asked[2]), (3, asked[3])]
    (notes / "new.md").write_text(f"# Cats\n\nHow many hours do cats sleep: {ASKED} 15 hours.\n")
    assert "new.md" in shown_in(run("more").out).values()


def test_after_an_llms_answer_more_shows_none_of_its_sources_again(run, tmp_path):
    script = tmp_path / "said.jsonl"
    script.write_text('{"when": "cats", "say": "Most cats sleep for 10 hours [1]."}\n')
    cited = shown_in(run("ask", ASKED, "--llm", f"scripted:{script}").out)
    further = shown_in(run("more").out)
    assert len(cited) == 1
    assert len(further) == 2
    assert not {*cited.values()}.intersection(further.values())


def test_more_keeps_to_the_filters_and_says_when_there_is_nothing_left(run, notes):
    (notes / "dogs.md").write_text("# Dogs\n\nDogs and cats sleep for 9 hours.\n")
    run("ask", ASKED, "--path", "dogs.md")
    more = run("more")
    assert (more.code, more.out) == (1, f"{ASKED}\n\nThere are no further excerpts.\n")


@pytest.mark.parametrize(
    ("editor", "called"),
    [
        ("vim -R", ["vim", "-R", "+{line}", "{file}"]),
        ("code --wait", ["code", "--wait", "--goto", "{file}:{line}"]),
        ("hx", ["hx", "{file}:{line}"]),
        ("  ", ["other", "{file}"]),
    ],
)
def test_a_source_opens_in_the_editor_at_its_line_and_no_shell_sees_its_name(
    run, notes, tmp_path, editor, called
):
    file = notes / shown_in(run("ask", ASKED).out)[2]
    assert run("open", "2", EDITOR="other", VISUAL=editor).code == 0
    expected = [word.format(file=file, line=3) for word in called]
    assert (tmp_path / "called").read_text().splitlines() == expected
    assert not (tmp_path / "it").exists()


def test_without_an_editor_a_vault_opens_in_obsidian_and_else_the_error_says_what_to_set(
    run, notes, tmp_path
):
    run("ask", ASKED)
    none = run("open", "1")
    assert (none.code, none.out) == (2, "")
    assert "VISUAL" in none.err
    assert "try: export EDITOR=nano" in none.err
    (notes / ".obsidian").mkdir()
    assert run("open", "1").code == 0
    opener, address = (tmp_path / "called").read_text().splitlines()
    assert opener in ("open", "xdg-open")
    assert address.startswith("obsidian://open?path=%2F")
    assert "%2Fc%20%24%28touch%20it%29%20%22x%22%3B" in address


def test_what_cannot_be_gone_on_from_is_told_in_a_sentence(run):
    for command in (["more"], ["open", "1"]):
        assert "error: nothing has been asked of these notes yet\n" in run(*command).err
    run("ask", ASKED)
    assert "the last answer has no source 9; there are: 1, 2, 3" in run("open", "9").err
    missing = run("open", "1", EDITOR="no-such-editor")
    assert "no-such-editor cannot be started: No such file" in missing.err


def test_the_last_question_is_for_its_user_alone_and_is_kept_only_if_wanted(run, notes, own_home):
    file = history_file(Settings(), Corpus.of(notes), "last")
    run("ask", ASKED, "--json")
    off = run("ask", ASKED, RAGQA_HISTORY="off")
    assert not file.exists()
    assert "ragqa more" not in off.out
    assert "questions are not kept" in run("more", RAGQA_HISTORY="off").err
    run("ask", ASKED)
    assert file.is_relative_to(own_home)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "cats sleep for" not in file.read_text()


@pytest.mark.parametrize("kept", ["", '{"question": 1}'])
def test_a_damaged_file_is_as_good_as_none(run, notes, kept):
    run("ask", ASKED)
    history_file(Settings(), Corpus.of(notes), "last").write_text(kept)
    assert "nothing has been asked of these notes yet" in run("more").err


def test_a_kept_question_that_others_could_write_is_not_gone_on_from(run, notes, tmp_path):
    run("ask", ASKED)
    file = history_file(Settings(), Corpus.of(notes), "last")
    file.replace(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    assert "cannot be read" in run("open", "1").err
    file.unlink()
    os.mkfifo(file)
    assert "is not a file of yours" in run("more").err


def test_a_chat_goes_on_from_its_last_answer_and_saves_what_it_showed(run, notes, tmp_path):
    said = (ASKED, "/next", "/next", "/open 2", "/open 9", "/open x", f"/save {tmp_path}/chat.md")
    chat = run("chat", said=said, EDITOR="vim")
    _, answer, first, second = chat.out.split(f"{ASKED}\n")
    assert answer.endswith("/next shows them whole\n\n")
    offered = shown_in(answer.partition("Further excerpts")[2])
    assert shown_in(first) == offered
    assert list(shown_in(second)) == [4]
    assert (tmp_path / "called").read_text().splitlines()[1:] == ["+3", f"{notes / offered[2]}"]
    assert "the last answer has no source 9; there are: 1, 2, 3, 4" in chat.err
    assert "'x' is not a source number" in chat.err
    saved = (tmp_path / "chat.md").read_text().partition("### Further excerpts\n\n")[2]
    assert re.findall(r"(?m)^(\d)\. \[c ", saved) == ["2", "3", "4"]
