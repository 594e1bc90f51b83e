"""What the command line says of the languages of the notes."""

from tongues import TEXTS

NOTES = {f"{code}.md": f"# 1\n\n{TEXTS[code][1]}\n" for code in ("en", "de", "zh", "ko")}
NOTES |= {"d.md": NOTES["de.md"], "vi.md": f"---\nlang: vi\n---\n{NOTES['en.md']}"}


def test_the_languages_of_the_notes_are_counted_and_what_the_embedder_cannot_read_is_told(
    ragqa, places
):
    assert ragqa("index", *places).code == 0
    out = " ".join(ragqa("status", *places).out.split())
    counts = "2 in German, 1 in another language, 1 in English, 1 in Korean, 1 in Chinese"
    assert f"languages {counts}" in out
    assert (
        "the embedder cannot read Korean, Chinese: such notes are found by their words alone" in out
    )
    assert "the embedder reads German in part: such notes are ranked mostly by their words" in out
    assert "for models that read more, see docs/languages.md" in out
    languages = ragqa("status", "--json", *places).document["languages"]
    assert languages[0].items() >= {"language": "de", "name": "German", "notes": 2}.items()
    read = {one["language"]: one["readable"] for one in languages}
    assert (read["zh"], read["ko"], read["en"]) == (0, 0, 1)
    assert 0 < read["de"] < 1
    found = ragqa("search", "打印机在哪里", "--json", *places).document
    assert found["hits"][0]["path"] == "zh.md"
    assert "by its words alone" in " ".join(found["warnings"])
    assert ragqa("search", "where is the printer", "--json", *places).document["warnings"] == []
