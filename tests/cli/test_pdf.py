"""A PDF, from the index to the page that is cited."""

from importlib.util import find_spec

import pytest
from msgspec.structs import replace
from pdfs import image, line, paragraph, pdf

from ragqa.notes import formats
from ragqa.notes.extraction import parent

pytest.importorskip("pypdfium2")

ON = {"RAGQA_FORMATS": "pdf"}
SAID = "The numbat survey of the zoo ran in 2019."
QUESTION = "when did the numbat survey of the zoo run"
LABELS = "0 << /S /r >> 1 << /S /D >>"


def report(said=SAID):
    return pdf(
        line("Preface", y=740, size=18) + paragraph("This is a report about the animals."),
        line("Numbats", y=740, size=18) + paragraph(said, "It took the keepers two weeks."),
        image(),
        labels=LABELS,
    )


@pytest.fixture
def notes(tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "report.pdf").write_bytes(report())
    (folder / "kangaroos.md").write_text("# Kangaroos\n\nKangaroos weigh 85 kg.\n")
    return folder


@pytest.fixture
def places(tmp_path, notes, monkeypatch):
    monkeypatch.setenv("RAGQA_CACHE", str(tmp_path / "cache"))
    return ["--corpus", str(notes), "--index", str(tmp_path / "index")]


def test_a_pdf_is_read_if_it_is_switched_on_and_pages_without_text_are_named(quick, places):
    assert "1 note," in quick("index", *places).out
    assert "1 .pdf; to read them: ragqa config set formats pdf" in quick("status", *places).out
    done = quick("index", *places, env=ON)
    assert "2 notes" in done.out
    assert "report.pdf: pages left out: 3 (only images, perhaps a scan)" in done.out + done.err


def test_an_answer_is_cited_by_the_printed_page_and_links_to_it(quick, places):
    asked = quick("ask", QUESTION, *places, env=ON)
    assert SAID in asked.out
    assert "report.pdf, p. 1 (page 2 of the file)" in asked.out
    cited = quick("ask", QUESTION, "--json", *places, env=ON).document["citations"][0]
    assert cited["quote"].startswith(SAID)
    assert cited["locator"] == "p. 1 (page 2 of the file)"
    assert cited["note_sha256"].endswith(f"-pdf{formats.FORMATS['pdf'].version}")


def test_other_text_of_the_same_file_is_extracted_differently(quick, places, tmp_path, monkeypatch):
    saved = tmp_path / "saved.json"
    saved.write_text(quick("ask", QUESTION, "--json", *places, env=ON).out)
    newer = replace(formats.FORMATS["pdf"], version=99)
    monkeypatch.setitem(formats._BY_SUFFIX, ".pdf", newer)
    assert quick("verify", str(saved), *places[:2], env=ON).code == 0
    newest = replace(newer, version=100)
    monkeypatch.setitem(formats._BY_SUFFIX, ".pdf", newest)
    convert = parent.convert

    def otherwise(*given):
        found = convert(*given)
        return replace(found, text=found.text.replace("survey", "counting"))

    monkeypatch.setattr(parent, "convert", otherwise)
    done = quick("verify", str(saved), *places[:2], env=ON)
    assert done.code == 1
    document = quick("verify", str(saved), "--json", *places[:2], env=ON).document
    assert document["citations"][0]["status"] == "changed"


def test_questions_verify_and_get_do_not_extract_again(quick, places, tmp_path, monkeypatch):
    quick("index", *places, env=ON)
    monkeypatch.setattr(parent, "convert", None)
    saved = tmp_path / "saved.json"
    saved.write_text(quick("ask", QUESTION, "--json", *places, env=ON).out)
    assert SAID in saved.read_text()
    assert quick("verify", str(saved), *places[:2], env=ON).code == 0
    assert "numbat survey" in quick("get", "report.pdf", *places, env=ON).out


def test_without_the_extra_one_sentence_says_what_to_install(quick, places, monkeypatch):
    monkeypatch.setattr(parent, "find_spec", lambda _: None)
    told = 'report.pdf: reading pdf needs an extra: pip install "ragqa[documents]"'
    done = quick("index", *places, env=ON)
    assert done.code == 0
    assert told in done.out
    assert told in quick("status", *places, env=ON).out
    monkeypatch.setattr(parent, "find_spec", find_spec)
    assert "1 added" in quick("index", *places, env=ON).out
