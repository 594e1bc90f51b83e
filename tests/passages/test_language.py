"""Telling the language of a note, and of a passage in another one."""

import pytest
from tongues import TEXTS

from ragqa.evaluation.evaluating import note_of
from ragqa.languages import AUTO, LANGUAGES, OTHER
from ragqa.passages import Chunking
from ragqa.passages.language import add_pieces, with_language
from ragqa.passages.split import split_note
from ragqa.types import Pieces

STEMMED = sorted(code for code, known in LANGUAGES.items() if known.stemmers)
GERMAN, ENGLISH = TEXTS["de"][1], TEXTS["en"][1]


def language_of(text, setting=AUTO):
    return with_language(note_of("note.md", f"{text}\n"), setting).language


def passages_of(text, setting=AUTO):
    note = with_language(note_of("note.md", text), setting)
    return split_note(
        note,
        chunking=Chunking(language=setting),
        window=10_000,
        count_tokens=lambda texts: [len(text) for text in texts],
    )


def test_there_are_texts_in_every_language():
    assert {*TEXTS, OTHER} == set(LANGUAGES)


@pytest.mark.parametrize("code", STEMMED)
def test_the_language_of_one_short_sentence_is_told(code):
    assert language_of(TEXTS[code][0]) == code


@pytest.mark.parametrize("code", sorted(TEXTS))
def test_the_language_of_a_few_sentences_is_told(code):
    assert language_of(TEXTS[code][1]) == code


@pytest.mark.parametrize(
    "text",
    [
        "ok",
        "TODO fix login, deploy staging, call Anna, rotate keys",
        "https://www.beispiel.de/ueber-uns/datenschutz",
        "",
        "```sh\ngrep -r der die das . | sort\nder und die und das\n```",
        f"{ENGLISH} The sign says: Kein Zutritt!",
    ],
)
def test_what_tells_no_other_language_is_taken_for_english(text):
    assert language_of(text) == "en"


@pytest.mark.parametrize("code", ["de", "ja"])
def test_code_and_addresses_do_not_count(code):
    short, _ = TEXTS[code]
    source = "```python\nfor name in names:\n    if name is not None:\n        print(name)\n```\n"
    link = "[1](https://example.com/the/one/that/is/not/here) `the_name_of_it`"
    assert language_of(f"{short} {link}\n\n{source * 10}") == code


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("DE", "de"),
        ("de_CH", "de"),
        ("[de, en]", "de"),
        ("nn", "no"),
        ("zh-Hans", "zh"),
        ("xx", OTHER),
    ],
)
def test_what_the_front_matter_says_holds_whatever_the_text_is_in(said, code):
    assert language_of(f"---\nLang: {said}\n---\n{TEXTS['ru'][1]}") == code


@pytest.mark.parametrize("said", ["python", "Go 1.22", "'  '", "[]", "{a: b}"])
def test_front_matter_that_names_no_language_changes_nothing(said):
    assert language_of(f"---\nlang: {said}\n---\n{GERMAN}") == "de"


def test_the_language_of_a_film_or_a_program_is_not_that_of_its_note():
    assert language_of(f"---\nlanguage: French\n---\n{ENGLISH}") == "en"
    assert language_of(f"Language:: French\n\n{ENGLISH}") == "en"


@pytest.mark.parametrize(
    "text",
    [
        "הספרייה פתוחה מיום ראשון עד יום חמישי.",
        "ห้องสมุดเปิดวันจันทร์ถึงวันศุกร์",
    ],
)
def test_a_text_in_a_script_of_no_known_language_is_in_another_language(text):
    assert language_of(text) == OTHER
    assert {passage.language for passage in passages_of(f"# 1\n\n{text * 20}\n")} == {OTHER}


def test_the_setting_holds_whatever_text_and_front_matter_say():
    assert language_of(GERMAN, "fr") == "fr"
    assert language_of(f"---\nlang: de\n---\n{GERMAN}", "fr") == "fr"


@pytest.mark.parametrize(
    ("text", "setting", "languages"),
    [
        (f"# Eins\n\n{GERMAN * 5}\n\n# Two\n\n{ENGLISH * 5}\n", AUTO, ["de", "en"]),
        (f"# One\n\n{ENGLISH * 9}\n\n# Zwei\n\n{GERMAN * 5}\n", AUTO, ["en", "de"]),
        (f"# Eins\n\n{GERMAN * 5}\n\n# Two\n\n{TEXTS['en'][0]}\n", AUTO, ["de"]),
        (f"# Eins\n\n{GERMAN * 5}\n\n# Two\n\n{ENGLISH * 5}\n", "nl", ["nl"]),
        (f"---\nlang: fr\n---\n# Eins\n\n{GERMAN * 5}\n", AUTO, ["fr"]),
        (f"---\nlang: vi\n---\n{'Nếu không có quyền, hãy xin chìa khóa. ' * 9}\n", AUTO, [OTHER]),
    ],
    ids=["a long part", "another long part", "a short part", "setting", "front matter", "unknown"],
)
def test_a_passage_is_in_its_own_language_if_it_is_long_and_nothing_says_otherwise(
    text, setting, languages
):
    found = [passage.language for passage in passages_of(text, setting)]
    assert list(dict.fromkeys(found)) == languages


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
