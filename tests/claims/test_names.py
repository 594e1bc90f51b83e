"""What is a name in a text, and in which forms another text has it."""

import pytest

from ragqa.text.names import NameIndex, names_of


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("We use QLoRA and GPT-4o with max_tokens.", {"QLoRA", "GPT-4o", "max_tokens"}),
        ("In 2023 Johann Rehberger found it.", {"Johann", "Rehberger"}),
        ("Shazeer's idea was used by Meta.", {"Shazeer's", "Meta"}),
        ("Fedus et al. trained it.", {"Fedus"}),
        ("Large models need 48 GB of memory.", set()),
        ("An LLM writes JSON on a GPU.", set()),
        ("Broken things stay broken.", set()),
        ("Neither Apache nor MIT forbids it.", {"Apache", "MIT"}),
    ],
)
def test_names_are_told_by_their_form(text, names):
    assert {name.text for name in names_of(text)} == names


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("gpt4o", "It is GPT-4o."),
        ("Dettmers", "Dettmers' paper"),
        ("LoRAs", "A LoRA is small."),
        ("MCP", "The Model Context Protocol"),
        ("ReRank", "to re-rank"),
        ("max_tokens", "the max tokens"),
    ],
)
def test_a_text_has_a_name_in_other_forms(name, text):
    assert NameIndex.of(text).has(name)


@pytest.mark.parametrize(
    ("name", "text"), [("RAG", "storage"), ("Meta", "metal"), ("MCP", "a map")]
)
def test_a_part_of_another_word_is_no_name(name, text):
    assert not NameIndex.of(text).has(name)
