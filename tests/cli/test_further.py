"""What is kept of the last question, and who may change it."""

import os
import stat

import pytest

from ragqa.config import Settings, history_file
from ragqa.types import Corpus

ASKED = "how many hours do cats sleep?"
NOTES = {"cats.md": "# Cats\n\nCats sleep for 10 hours.\n"}


@pytest.fixture
def kept(quick, places):
    """The file with the last question."""
    quick("ask", ASKED, *places)
    return history_file(Settings(), Corpus.of(places[1]), "last")


def test_the_last_question_is_for_its_user_alone_and_is_kept_only_if_wanted(
    quick, places, kept, own_home
):
    assert kept.is_relative_to(own_home)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "10 hours" not in kept.read_text()
    kept.unlink()
    off = {"RAGQA_HISTORY": "off"}
    assert "ragqa more" not in quick("ask", ASKED, *places, env=off).out
    quick("ask", ASKED, *places, "--json")
    assert not kept.exists()


@pytest.mark.parametrize("damaged", ["", '{"question": 1}'])
def test_a_damaged_file_is_as_good_as_none(quick, places, kept, damaged):
    kept.write_text(damaged)
    assert "nothing has been asked of these notes yet" in quick("more", *places).err


def test_a_kept_question_that_others_could_write_is_not_gone_on_from(quick, places, kept, tmp_path):
    kept.replace(tmp_path / "elsewhere")
    kept.symlink_to(tmp_path / "elsewhere")
    assert "cannot be read" in quick("open", "1", *places).err
    kept.unlink()
    os.mkfifo(kept)
    assert "is not a file of yours" in quick("more", *places).err


def test_a_place_can_be_opened_before_an_index_was_built_and_the_build_is_said(
    quick, places, tmp_path
):
    editor = tmp_path / "editor"
    editor.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/opened\n')
    editor.chmod(0o700)
    ran = quick("open", "cats.md:3", *places, env={"VISUAL": str(editor)})
    assert (ran.code, "cats.md" in (tmp_path / "opened").read_text()) == (0, True)
    assert "No index yet" in ran.err
