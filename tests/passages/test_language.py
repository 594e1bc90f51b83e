"""Telling the language of a note, and of a passage in another one."""

import pytest
from cases import cases
from tongues import TEXTS

from ragqa.languages import AUTO, LANGUAGES
from ragqa.notes import parse_note
from ragqa.passages import Chunking
from ragqa.passages.language import add_pieces, with_language
from ragqa.passages.split import split_note
from ragqa.types import Pieces

GERMAN, ENGLISH = TEXTS["de"][1], TEXTS["en"][1]


def language_of(text, setting=AUTO):
    return with_language(parse_note("note.md", f"{text}\n"), setting).language


def passages_of(text, setting=AUTO):
    note = with_language(parse_note("note.md", text), setting)
    return split_note(
        note,
        chunking=Chunking(language=setting),
        window=10_000,
        count_tokens=lambda texts: [len(text) for text in texts],
    )


@pytest.mark.parametrize("code", sorted(TEXTS))
def test_the_language_of_a_few_sentences_is_told_and_if_stemmed_of_one(code):
    short, long = TEXTS[code][:2]
    assert language_of(long) == code
    assert not LANGUAGES[code].stemmers or language_of(short) == code


@pytest.mark.parametrize(
    ("text", "setting", "language", "passages"),
    cases("languages", "text", "setting", "language", "passages"),
)
def test_the_language_of_a_note_and_of_its_long_passages(text, setting, language, passages):
    assert language_of(text, setting) == language
    found = [passage.language for passage in passages_of(text, setting)]
    assert list(dict.fromkeys(found)) == passages


@pytest.mark.parametrize("code", ["de", "ja"])
def test_code_and_addresses_do_not_count(code):
    source = "```python\nfor name in names:\n    if name is not None:\n        print(name)\n```\n"
    link = "[1](https://example.com/the/one/that/is/not/here) `the_name_of_it`"
    assert language_of(f"{TEXTS[code][0]} {link}\n\n{source * 10}") == code


def test_word_pieces_are_added_up_by_language_until_there_are_enough():
    passages = passages_of(f"# Eins\n\n{GERMAN * 5}\n\n# Two\n\n{ENGLISH * 5}\n")
    totals = {"de": Pieces(1, 2), "en": Pieces(10**6, 10**6)}
    add_pieces(totals, passages, lambda texts: Pieces(len(texts), 10 * len(texts)))
    assert totals == {"de": Pieces(2, 12), "en": Pieces(10**6, 10**6)}


def test_a_note_full_of_data_does_not_tell_how_far_its_language_can_be_read():
    figures = " ".join(f"{n}.89" for n in range(9_000))
    passages = [*passages_of(f"{ENGLISH * 5}\n"), *passages_of(f"{figures}\n")]
    counted: list[str] = []
    add_pieces({}, passages, lambda texts: Pieces(len(counted.extend(texts) or texts)))
    assert len("".join(counted)) < len(figures) / 4
