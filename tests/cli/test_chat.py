"""A chat: by a pipe, and on a terminal."""

import os
import stat
import subprocess

import pytest
from hashed import COMMAND
from support import QUICK, write_notes
from terminals import Terminal

from ragqa.config import Settings, history_file
from ragqa.types import Corpus

CATS = "# Cats\n\nCats sleep for sixteen hours a day.\n\n## Food\n\nA cat eats mice and fish.\n"
NOTES = {"cats.md": CATS, "dogs.md": "# Dogs\n\nDogs bark at the postman.\n"}


def test_notes_that_change_during_a_chat_are_seen(quick, places, tmp_path):
    quick("index", *places)
    with subprocess.Popen(
        [*COMMAND, "chat", *map(str, places)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | QUICK,
    ) as process:
        for hours in (b"sixteen", b"twenty"):
            write_notes(tmp_path / "notes", {"cats.md": CATS.replace("sixteen", hours.decode())})
            process.stdin.write(b"how many hours do cats sleep?\n")
            process.stdin.flush()
            assert any(hours in line for line in iter(process.stdout.readline, b""))
        process.stdin.close()
        process.stdout.read()
    assert process.returncode == 0


@pytest.fixture
def terminal(quick, places):
    quick("index", *places)
    opened = Terminal(places)
    yield opened
    opened.close()


def test_ctrl_c_stops_an_answer_and_not_the_chat_and_ctrl_d_leaves(terminal):
    terminal.until(">")
    terminal.type("\x03")
    terminal.until("To leave: Ctrl-D or /quit.")
    terminal.until(">")
    terminal.type("forever and ever?\r")
    terminal.until("looking")
    terminal.type("\x03")
    terminal.until("Stopped.")
    terminal.until(">")
    terminal.type("how many hours do cats sleep?\r")
    terminal.until("sixteen hours")
    terminal.until(">")
    terminal.type("\x04")
    assert terminal.end() == 0


def test_what_is_typed_is_kept_for_the_arrow_keys_of_the_next_chat(terminal, places, own_home):
    terminal.until(">")
    terminal.type("how many hours do cats sleep?\r")
    terminal.until("sixteen hours")
    terminal.until(">")
    terminal.type("and why?\r")
    asked = terminal.until(")").partition("Asked as: ")[2] + ")"
    terminal.type("/quit\r")
    assert terminal.end() == 0
    kept = history_file(Settings(), Corpus.of(places[1]))
    # A follow-up is kept with its subject, so that it can be asked again.
    assert kept.read_text().splitlines() == ["how many hours do cats sleep?", asked]
    kept.write_text("how many hours do cats sleep?\n")
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
