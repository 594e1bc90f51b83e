"""What the command line says of the languages of the notes."""

import pytest
from support import write_notes
from tongues import TEXTS


def note(code):
    return f"# 1\n\n{TEXTS[code][1]}\n"


@pytest.fixture
def places(tmp_path):
    return ["--corpus", tmp_path / "notes", "--index", tmp_path / "index"]


def rows(run):
    return [line.split(maxsplit=1) for line in run.out.splitlines() if line.strip()]


def test_status_counts_the_notes_of_each_language_most_first(quick, tmp_path, places):
    notes = {"a.md": note("en"), "b.md": note("de"), "c.md": f"---\nlang: vi\n---\n{note('en')}"}
    write_notes(tmp_path / "notes", notes | {"d.md": note("de")})
    quick("index", *places)
    said = "2 in German, 1 in another language, 1 in English"
    assert ["languages", said] in rows(quick("status", *places))
    document = quick("status", "--json", *places).document
    assert document["languages"] == [
        {"language": "de", "name": "German", "notes": 2, "readable": 1.0},
        {"language": None, "name": "another language", "notes": 1, "readable": 1.0},
        {"language": "en", "name": "English", "notes": 1, "readable": 1.0},
    ]


def test_status_says_what_the_embedder_cannot_read_and_where_models_are_named(
    ragqa, tmp_path, places
):
    write_notes(tmp_path / "notes", {f"{code}.md": note(code) for code in ("en", "de", "zh", "ko")})
    assert ragqa("index", *places).code == 0
    out = " ".join(ragqa("status", *places).out.split())
    assert (
        "the embedder cannot read Korean, Chinese: such notes are found by their words alone" in out
    )
    assert "the embedder reads German in part: such notes are ranked mostly by their words" in out
    assert "for models that read more, see docs/languages.md" in out
    read = {
        one["language"]: one["readable"]
        for one in ragqa("status", "--json", *places).document["languages"]
    }
    assert (read["zh"], read["ko"], read["en"]) == (0, 0, 1)
    assert 0 < read["de"] < 1


def test_a_question_that_the_embedder_cannot_read_is_answered_with_a_warning(
    ragqa, tmp_path, places
):
    write_notes(tmp_path / "notes", {"en.md": note("en"), "zh.md": note("zh")})
    found = ragqa("search", "打印机在哪里", "--json", *places).document
    assert found["hits"][0]["path"] == "zh.md"
    assert "by its words alone" in " ".join(found["warnings"])
    assert ragqa("search", "where is the printer", "--json", *places).document["warnings"] == []
