"""Where a note says what a thing is."""

import pytest
from excerpting import layout_of
from hypothesis import given
from hypothesis import strategies as st

from ragqa.answering.excerpt_runs import DEFINING_WORDS, defining_run
from ragqa.text.words import query_terms


def defined(text, subject, path="note.md"):
    """How far a note is from being about a subject, and the paragraph that defines that."""
    layout = layout_of(text, path=path)
    found = defining_run(layout, query_terms(subject))
    return found and (found[0], layout.quote(found[1]))


FIG = "The fig is a fruit. It is sweet."


@pytest.mark.parametrize("subject", ["fig", "figs", "the fig", "a Fig"])
def test_a_note_that_is_called_so_defines_it(subject):
    text = f"# Figs\n\nTrees stand here.\n\n{FIG}\n\nFigs ripen in August.\n"
    assert defined(text, subject) == (0, FIG)


def test_an_alias_is_a_name_as_a_title_is():
    text = f"---\naliases: [FC, Fig]\n---\n\n# Ficus carica\n\n{FIG}\n"
    assert defined(text, "fig") == (0, FIG)
    assert defined(text, "ficus carica") is None


def test_a_paragraph_that_names_the_subject_late_does_not_define_it():
    late = "One of the oldest fruits is the fig."
    assert defined(f"# Fig\n\n{late}\n", "fig") is None
    assert defined(f"# Fig\n\n{late}\n\n{FIG}\n", "fig") == (0, FIG)


@pytest.mark.parametrize(
    "heading",
    [
        "Fig",
        "**Figs**",
        "The fig:",
        "Pears and figs",
        "Fig vs. pear",
        "Fruit: the fig",
        "Fruit \u2014 Fig",
    ],
)
def test_a_heading_is_called_so_as_a_whole_or_in_a_part(heading):
    text = f"# Fruit\n\nFruit is food.\n\n## {heading}\n\n{FIG}\n\nFigs ripen.\n"
    assert defined(text, "fig") == (1, FIG)


def test_a_thing_is_defined_where_a_heading_has_it_beside_another():
    lora = "LoRA adds two small matrices. QLoRA does so with 4 bits."
    text = f"# Tuning\n\nTuning is hard.\n\n## LoRA and QLoRA\n\n{lora}\n"
    assert defined(text, "LoRA") == (1, lora)
    assert defined(text, "DoRA") is None


def test_a_definition_is_looked_for_in_the_section_of_its_heading_alone():
    text = f"# Fruit\n\nFood.\n\n## Fig\n\nSee below.\n\n## Pear\n\n{FIG}\n"
    assert defined(text, "fig") is None


def test_the_next_section_that_is_called_so_is_looked_in_too():
    text = f"# Fruit\n\nFood.\n\n## Fig\n\nSee below.\n\n## Figs\n\n{FIG}\n\n## Fig\n"
    assert defined(text, "fig") == (1, FIG)


def test_the_title_is_a_better_sign_than_a_heading_and_that_than_a_first_paragraph():
    assert defined(f"# Fruit\n\n{FIG}\n\nMore.\n", "fig") == (2, FIG)
    assert defined(f"# Fruit\n\n{FIG}\n\n## Fig\n\nFigs are red.\n", "fig") == (
        1,
        "Figs are red.",
    )
    assert defined(f"# Fig\n\n{FIG}\n\n## Fig\n\nFigs are red.\n", "fig") == (0, FIG)
    assert defined(f"# Fruit\n\nFood.\n\n{FIG}\n", "fig") is None


def test_items_and_front_matter_define_nothing():
    text = (
        "---\nfig: a fruit\n---\n\n# Fig\n\n- Fig is a fruit.\n\n## Fig\n\n| Fig |\n|---|\n| a |\n"
    )
    assert defined(text, "fig") is None


def test_a_paragraph_that_goes_on_from_another_line_is_one():
    text = "# Fig\n\nThe fig\nis a fruit. It\nis sweet.\n"
    assert defined(text, "fig") == (0, "The fig\nis a fruit. It\nis sweet.")


def test_of_a_long_paragraph_there_is_the_beginning():
    text = "# Fig\n\n" + "The fig is a fruit of ten words in all here. " * 12
    _, quote = defined(text, "fig")
    assert DEFINING_WORDS - 11 < len(quote.split()) <= DEFINING_WORDS
    text = "# Fig\n\n" + "The fig is " + "very " * 100 + "sweet. It is red."
    assert defined(text, "fig")[1].endswith("sweet.")


@pytest.mark.parametrize("text", ["***\n", "# Fig\n", "# Fig\n\n## Fig\n", "---\nfig: 1\n---\n"])
def test_a_note_without_text_defines_nothing(text):
    assert defined(text, "fig") is None


def test_a_subject_of_no_words_is_not_looked_for():
    assert defined("# The\n\nThe the is the.\n", "the") is None


@given(
    st.lists(
        st.sampled_from(
            ["# Fig", "## Fig and pear", "## Pear", FIG, "- fig", "~~fig~~ Fig is.", "---", "Text."]
        ),
        min_size=1,
        max_size=9,
    )
)
def test_a_definition_is_a_paragraph_of_its_note_that_names_the_subject(blocks):
    text = "\n\n".join(["# Note", *blocks])
    found = defined(text, "fig")
    if found is not None:
        assert found[0] in (0, 1, 2)
        assert found[1] in text
        assert "fig" in found[1].lower()
        assert not found[1].startswith(("-", "#", "~"))
