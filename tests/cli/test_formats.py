"""Documents, from the index to the place that is cited, and readers that change or are missing."""

import json
from dataclasses import replace

import pytest
from msgspec import structs
from offices import docx, heading, item, said
from pdfs import image, line, paragraph, pdf

from ragqa.notes import extraction, formats
from ragqa.notes.formats import Unfit

pytest.importorskip("xberg")

SURVEY = "The numbat & quokka survey of the zoo ran in 2019."
ASKED = "in which year did the numbat survey run"
NOTEBOOK = {"cells": [{"cell_type": "markdown", "source": "Lemurs sleep."}], "nbformat": 4}
NOTES = {"kangaroos.md": "# Kangaroos\n\nKangaroos weigh 85 kg.\n", "l.ipynb": json.dumps(NOTEBOOK)}


def report(text=SURVEY):
    return docx(heading("Animals"), said("A report."), heading("Numbats"), said(text), item("x"))


@pytest.fixture
def places(notes, tmp_path, monkeypatch):
    monkeypatch.setenv("RAGQA_CACHE", str(tmp_path / "cache"))
    (notes / "report.docx").write_bytes(report())
    pages = line("Preface."), paragraph("The okapi came to the zoo in 2011."), image()
    (notes / "okapis.pdf").write_bytes(pdf(*pages))
    return ["--corpus", notes, "--index", tmp_path / "index"]


def test_documents_are_read_but_web_pages_and_cited_by_page_and_paragraph(quick, notes, places):
    (notes / "built.html").write_text("<p>Built.</p>")
    done = quick("index", *places)
    assert "4 notes" in done.out
    left = "1 .html; to read them: ragqa config set formats all"
    assert left in quick("status", *places).out
    narrowed = quick("status", *places, env={"RAGQA_FORMATS": "ipynb"}).out
    assert (
        "1 .docx, 1 .html, 1 .pdf; to read them: ragqa config set formats docx,html,ipynb,pdf"
        in narrowed
    )
    off = quick("config", "set", "formats", "all", "and", "more")
    assert (off.code, "all, or a list of these: html, org, epub" in off.err) == (2, True)
    told = "okapis.pdf: 1 of its 3 pages have no text: perhaps they are scans"
    assert told in done.out + done.err
    asked = quick("ask", "when did the okapi come to the zoo", "--json", *places)
    cited = asked.document["citations"][0]
    assert (cited["path"], cited["locator"]) == ("okapis.pdf", "p. 2")
    assert cited["note_sha256"].endswith(f"-pdf{formats.FORMATS['pdf'].version}")
    asked = quick("ask", ASKED, *places)
    assert SURVEY in asked.out
    assert "report.docx, paragraph 4" in asked.out


@pytest.fixture
def saved(quick, places, tmp_path):
    path = tmp_path / "saved.json"
    path.write_text(quick("ask", ASKED, "--json", *places).out)
    return path


def test_questions_verify_and_get_do_not_extract_again(quick, places, saved, monkeypatch):
    monkeypatch.setattr(extraction, "convert", None)
    told = "intact  report.docx, paragraph 4"
    assert told in quick("verify", saved, *places[:2]).out
    assert "numbat & quokka" in quick("get", "report.docx", *places).out


@pytest.mark.parametrize(
    ("change", "env", "status", "reason"),
    [
        (report(SURVEY.replace("2019", "2021")), {}, "changed", "[-2019.-] {+2021.+}"),
        (b"PK", {}, "gone   ", "the file cannot be read: it cannot be read"),
        (None, {}, "gone   ", "there is no such note"),
        (report(), {"RAGQA_FORMATS": "pdf"}, "gone   ", "ragqa config set formats docx,pdf"),
    ],
    ids=["edited", "damaged", "removed", "switched off"],
)
def test_what_changed_or_is_gone_is_told_with_its_old_place_and_why(
    quick, places, notes, saved, change, env, status, reason
):
    (notes / "report.docx").unlink() if change is None else (notes / "report.docx").write_bytes(
        change
    )
    checked = quick("verify", saved, *places[:2], env=env)
    assert checked.code == 1
    assert f" 1 {status} report.docx, paragraph 4\n" in checked.out
    assert reason in checked.out


def test_a_new_version_of_a_reader_reads_only_its_own_files_anew_and_what_it_says_counts(
    quick, places, saved, monkeypatch
):
    newer = replace(formats.FORMATS["docx"], version=99)
    monkeypatch.setitem(formats._BY_SUFFIX, ".docx", newer)
    assert "0 added, 1 changed, 0 removed, 3 unchanged" in quick("index", *places).out
    assert quick("verify", saved, *places[:2]).code == 0
    monkeypatch.setitem(formats._BY_SUFFIX, ".docx", replace(newer, version=100))
    convert = extraction.convert

    def otherwise(*given):
        found = convert(*given)
        return structs.replace(found, text=found.text.replace("survey", "counting"))

    monkeypatch.setattr(extraction, "convert", otherwise)
    checked = quick("verify", saved, "--json", *places[:2])
    assert checked.code == 1
    assert checked.document["citations"][0]["status"] == "changed"


def test_a_rebuild_tries_again_what_could_not_be_read(quick, places, monkeypatch):
    convert = extraction.convert

    def refuse(form, data):
        if form.name == "ipynb":
            raise Unfit("reading it crashed the process that reads it")
        return convert(form, data)

    with monkeypatch.context() as patch:
        patch.setattr(extraction, "convert", refuse)
        assert "3 notes" in quick("index", *places).out
    assert "3 notes" in quick("index", *places).out
    assert "4 notes" in quick("index", "--rebuild", *places).out


def test_a_note_in_windows_1252_is_cited_and_its_quote_compared(quick, notes, places, tmp_path):
    (notes / "cafe.md").write_bytes(
        "# Caf\u00e9\n\nDas Caf\u00e9 \u00f6ffnet um 7:45 Uhr.\n".encode("cp1252")
    )
    (tmp_path / "saved.json").write_text(
        quick("ask", "wann \u00f6ffnet das Caf\u00e9", "--json", *places).out
    )
    checked = quick("verify", tmp_path / "saved.json", *places[:2])
    assert (checked.code, "intact  cafe.md:3" in checked.out) == (0, True)
    remark = "cafe.md: read as Windows-1252, since it is not UTF-8"
    done = quick("index", "--rebuild", *places)
    assert remark in done.out + done.err


def test_without_the_extra_one_sentence_says_what_to_install_and_then_the_rest_is_read(
    quick, notes, places, monkeypatch
):
    told = 'not read without the extra "documents"'
    with monkeypatch.context() as patch:
        patch.setattr(formats, "find_spec", lambda _: None)
        missing = quick("index", *places)
        said = f'2 files: {told}, such as okapis.pdf: pip install "ragqa[documents]"'
        assert (missing.code, (missing.out + missing.err).count(said)) == (0, 1)
        assert told in quick("status", *places).out
        failed = quick("get", "report.docx", *places)
        assert (failed.code, told in failed.err) == (3, True)
        for name in ("kangaroos.md", "l.ipynb"):
            (notes / name).rename(notes.parent / name)
        alone = quick("index", *places, "--rebuild")
        assert 'try: pip install "ragqa[documents]"' in alone.err
    assert "2 notes" in quick("index", *places, "--rebuild").out
