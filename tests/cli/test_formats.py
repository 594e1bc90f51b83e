"""Readers of other formats that change, fail or are not installed."""

from msgspec.structs import replace

from ragqa.notes import formats
from ragqa.notes.formats import Unfit, ipynb

ON = {"RAGQA_FORMATS": "html, ipynb"}
NOTES = {
    "wombats.html": "<p>Wombats dig burrows.</p>\n",
    "numbats.ipynb": '{"cells": [{"cell_type": "markdown", "source": "Numbats."}], "nbformat": 4}',
    "kangaroos.md": "# Kangaroos\n\nKangaroos weigh 85 kg.\n",
}


def test_a_new_version_of_a_reader_reads_only_its_own_files_anew(quick, places, monkeypatch):
    quick("index", *places, env=ON)
    newer = replace(formats.FORMATS["html"], version=99)
    monkeypatch.setitem(formats._BY_SUFFIX, ".html", newer)
    assert "0 added, 1 changed, 0 removed, 2 unchanged" in quick("index", *places, env=ON).out


def test_all_switches_every_format_on(quick, places, tmp_path):
    assert "1 note, 1 passage" in quick("index", *places).out
    assert "3 notes" in quick("index", *places, env={"RAGQA_FORMATS": "all"}).out
    off = quick("config", "set", "formats", "all", "and", "more")
    assert off.code == 2
    assert "all, or a list of these: html, org, epub" in off.err


def test_a_rebuild_tries_again_what_could_not_be_read(quick, places, monkeypatch, tmp_path):
    def refuse(data):
        raise Unfit("reading it crashed the process that reads it")

    env = ON | {"RAGQA_CACHE": str(tmp_path / "cache")}
    with monkeypatch.context() as patch:
        patch.setattr(ipynb, "convert", refuse)
        assert "2 notes" in quick("index", *places, env=env).out
    assert "2 notes" in quick("index", *places, env=env).out
    assert "3 notes" in quick("index", "--rebuild", *places, env=env).out


def test_where_nothing_is_found_it_is_said_what_to_install_to_read_the_rest(
    quick, places, monkeypatch
):
    monkeypatch.setattr(formats, "find_spec", lambda _: None)
    told = 'pip install "ragqa[documents]", then ragqa config set formats html,ipynb'
    assert quick("ask", "who wrote Hamlet?", *places).err.count(told) == 1
