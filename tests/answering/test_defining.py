"""Where a note says what a thing is."""

from cases import each_of
from excerpting import layout_of
from hypothesis import given
from hypothesis import strategies as st

from ragqa.answering.excerpt_runs import DEFINING_WORDS, defining_run
from ragqa.text.words import query_terms


def defined(text, subject):
    """How far a note is from being about a subject, and the paragraph that defines that."""
    layout = layout_of(text)
    found = defining_run(layout, query_terms(subject))
    return found and [found[0], layout.quote(found[1])]


@each_of("definitions")
def test_a_note_defines_what_it_or_a_section_of_it_is_called(text, subject, definition):
    assert defined(text, subject) == definition


def test_of_a_long_paragraph_there_is_the_beginning():
    text = "# Fig\n\n" + "The fig is a fruit of ten words in all here. " * 12
    _, quote = defined(text, "fig")
    assert DEFINING_WORDS - 11 < len(quote.split()) <= DEFINING_WORDS
    text = "# Fig\n\n" + "The fig is " + "very " * 100 + "sweet. It is red."
    assert defined(text, "fig")[1].endswith("sweet.")


FIG = "The fig is a fruit. It is sweet."
BLOCKS = ["# Fig", "## Fig and pear", "## Pear", FIG, "- fig", "~~fig~~ Fig is.", "---", "Text."]


@given(st.lists(st.sampled_from(BLOCKS), min_size=1, max_size=9))
def test_a_definition_is_a_paragraph_of_its_note_that_names_the_subject(blocks):
    text = "\n\n".join(["# Note", *blocks])
    found = defined(text, "fig")
    if found is not None:
        assert found[0] in (0, 1, 2)
        assert found[1] in text
        assert "fig" in found[1].lower()
        assert not found[1].startswith(("-", "#"))
