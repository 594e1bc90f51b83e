"""A chat: by a pipe, and on a terminal."""

import os
import stat
import subprocess

import pytest
from support import CORPUS, QUICK, command, write_notes
from terminals import Terminal

from ragqa.config import Settings, history_file
from ragqa.types import Corpus

CATS = "# Cats\n\nCats sleep for sixteen hours a day.\n\n## Food\n\nA cat eats mice and fish.\n"
DOGS = "# Dogs\n\nDogs bark at the postman.\n"
SOURCES = "Sources"


@pytest.fixture
def places(tmp_path, quick):
    notes = write_notes(tmp_path / "notes", {"cats.md": CATS, "dogs.md": DOGS})
    found = ["--corpus", notes, "--index", tmp_path / "index"]
    quick("index", *found)
    return found


@pytest.fixture
def chat(quick, places):
    """A chat by a pipe, in which these lines are said."""

    def say(*lines, args=(), **kwargs):
        text = "".join(f"{line}\n" for line in lines)
        return quick("chat", *places, *args, input=text.encode("utf-8"), **kwargs)

    return say


def test_each_line_is_printed_and_answered_as_ask_answers_it(chat, quick, places):
    questions = ("how many hours do cats sleep?", "what do dogs bark at?")
    run = chat(*questions)
    asked = [f"> {question}\n{quick('ask', question, *places).out}\n" for question in questions]
    assert (run.code, run.out, run.err) == (0, "".join(asked), "")


def test_a_question_that_is_printed_steers_no_terminal_and_a_command_is_not_printed(chat):
    run = chat("cats\x1b[2J sleep?", "/help")
    assert run.out.startswith("> cats\\x1b[2J sleep?\n")
    assert "> /help" not in run.out


def test_an_error_is_a_sentence_and_the_chat_goes_on(chat):
    run = chat("???", "/sauces", "how many hours do cats sleep?", "/why nowhere.md", "/why")
    assert run.code == 2
    assert "sixteen hours" in run.out
    assert run.err.count("error: ") == 4
    assert "Traceback" not in run.err


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (["how many hours do cats sleep?", "what do dogs bark at?", "/sources"], 0),
        (["who painted the Mona Lisa in Florence?", "how many hours do cats sleep?"], 1),
        (["???", "who painted the Mona Lisa in Florence?", "how many hours do cats sleep?"], 2),
        (["/why", "/quit", "how many hours do cats sleep?"], 2),
    ],
)
def test_a_piped_chat_exits_with_the_highest_code_of_its_lines(chat, lines, code):
    assert chat(*lines).code == code


def test_a_saved_chat_can_be_verified_until_a_note_changes(chat, quick, places, tmp_path):
    saved = tmp_path / "chat of mine.md"
    run = chat(
        "how many hours do cats sleep?",
        "what do dogs bark at?",
        "and who likes mice?",
        f"/save {saved}",
    )
    assert "ragqa verify" in run.err
    text = saved.read_text(encoding="utf-8")
    assert text.index("## how many hours do cats sleep?") < text.index("## what do dogs bark at?")
    assert "Asked as: and who likes mice?" in text
    assert quick("verify", saved, *places[:2]).code == 0
    (tmp_path / "notes" / "dogs.md").write_text(
        "# Dogs\n\nDogs bark at nobody.\n", encoding="utf-8"
    )
    verified = quick("verify", saved, *places[:2], "--json").document
    assert not verified["sound"]
    numbers = [citation["n"] for citation in verified["citations"]]
    assert numbers == list(range(1, len(numbers) + 1))


def test_saving_overwrites_nothing(chat, tmp_path):
    there = tmp_path / "there.md"
    there.write_text("mine", encoding="utf-8")
    run = chat(
        "how many hours do cats sleep?",
        f"/save {there}",
        f"/save {tmp_path / 'no' / 'x.md'}",
        "/save",
    )
    assert there.read_text(encoding="utf-8") == "mine"
    assert run.err.count("error: ") == 3
    assert run.code == 2


def answer_of(process):
    process.stdin.write(b"how many hours do cats sleep?\n")
    process.stdin.flush()
    lines = iter(process.stdout.readline, b"")
    said = []
    for line in lines:
        said.append(line.decode())
        if line.startswith(SOURCES.encode()):
            break
    return "".join(said)


def test_notes_that_change_during_a_chat_are_seen(quick, places, tmp_path):
    with subprocess.Popen(
        [command(), "chat", *map(str, places)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | QUICK,
    ) as process:
        assert "sixteen" in answer_of(process)
        changed = CATS.replace("sixteen", "twenty")
        (tmp_path / "notes" / "cats.md").write_text(changed, encoding="utf-8")
        assert "twenty" in answer_of(process)
        process.stdin.close()
        process.stdout.read()
    assert process.returncode == 0


def test_what_is_wrong_with_the_options_is_told_before_any_question(quick, places, tmp_path):
    assert quick("chat", *places, "--since", "soon").code == 2
    assert quick("chat", *places, "--strict").code == 2
    assert quick("chat", cwd=tmp_path / "notes").code == 3


def test_follow_ups_find_what_they_would_not_find_alone_and_others_are_left_alone(
    ragqa, wiki_index
):
    lines = [
        "what is prompt injection?",
        "who gave it that name?",
        "what is speculative decoding?",
        "how big is the speedup?",
        "who founded Anthropic?",
    ]
    places = ["--corpus", CORPUS, "--index", wiki_index]
    run = ragqa("chat", *places, input="\n".join(lines).encode())
    _, named, _, sped_up, founded = run.out.split(SOURCES)[:5]
    assert "Asked as: who gave it that name? (prompt, injection)" in named
    assert "Simon Willison named prompt injection" in named
    assert "Asked as: how big is the speedup? (speculative, decoding)" in sped_up
    assert "2 to 3 times" in sped_up
    assert "Asked as" not in founded
    alone = ragqa("search", lines[1], *places, "--json").document
    assert not any("prompt-injection" in hit["path"] for hit in alone["hits"])


@pytest.fixture
def terminal(places):
    opened = Terminal(places)
    yield opened
    opened.close()


def test_ctrl_c_stops_an_answer_and_not_the_chat(terminal):
    terminal.until(">")
    terminal.type("forever and ever?\r")
    terminal.until("looking")
    terminal.type("\x03")
    terminal.until("Stopped.")
    terminal.until(">")
    terminal.type("how many hours do cats sleep?\r")
    terminal.until("sixteen hours")
    terminal.type("/quit\r")
    assert terminal.end() == 0


def test_ctrl_c_at_an_empty_prompt_says_how_to_leave_and_ctrl_d_leaves(terminal):
    terminal.until(">")
    terminal.type("\x03")
    terminal.until("To leave: Ctrl-D or /quit.")
    terminal.until(">")
    terminal.type("\x04")
    assert terminal.end() == 0


def test_what_is_typed_is_kept_for_the_arrow_keys_of_the_next_chat(terminal, places, own_home):
    terminal.until(">")
    terminal.type("how many hours do cats sleep?\r")
    terminal.until("sixteen hours")
    terminal.type("/quit\r")
    assert terminal.end() == 0
    kept = history_file(Settings(), Corpus.of(places[1]))
    assert kept.is_relative_to(own_home)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    again = Terminal(places)
    try:
        again.until(">")
        again.type("/help\r")
        again.until("/quit")
        again.until(">")
        again.type("\x1b[A\r")  # the question before, not the command
        again.until("sixteen hours")
        again.type("/quit\r")
        assert again.end() == 0
    finally:
        again.close()
