"""A Word file, from the index to the paragraph that is cited."""

import pytest
from docxs import docx, heading, item, said, table

pytest.importorskip("mammoth")

ON = {"RAGQA_FORMATS": "docx"}
SAID = "The numbat & quokka survey of the zoo ran in 2019."
QUESTION = "in which year did the numbat survey run"


def report(text=SAID):
    rows = table(("Animal", "Weight"), ("Numbat", "0.5 kg"), ("Quokka", "3 kg"))
    return docx(
        heading("Animals", "T"), said("A report."), heading("Numbats"), said(text), item("x"), rows
    )


@pytest.fixture
def places(tmp_path):
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "report.docx").write_bytes(report())
    (notes / "kangaroos.md").write_text("# Kangaroos\n\nKangaroos weigh 85 kg.\n")
    return ["--corpus", str(notes), "--index", str(tmp_path / "index")]


def test_an_answer_is_cited_by_paragraph_and_verified(quick, places, tmp_path):
    assert "1 .docx; to read them: ragqa config set formats docx" in (
        quick("index", *places).out + quick("status", *places).out
    )
    asked = quick("ask", QUESTION, *places, env=ON)
    assert SAID in asked.out
    assert "report.docx, paragraph 4" in asked.out
    saved = tmp_path / "saved.json"
    saved.write_text(quick("ask", QUESTION, "--json", *places, env=ON).out)
    assert (
        "intact  report.docx, paragraph 4" in quick("verify", str(saved), *places[:2], env=ON).out
    )
    (tmp_path / "notes" / "report.docx").write_bytes(report(SAID.replace("2019", "2021")))
    changed = quick("verify", str(saved), *places[:2], env=ON)
    assert changed.code == 1
    assert "[-2019.-] {+2021.+}" in changed.out
