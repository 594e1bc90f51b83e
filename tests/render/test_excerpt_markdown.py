"""An excerpt as Markdown: its lists, tables and code are such, and what notes say is text."""

import io
from dataclasses import replace
from textwrap import dedent

import pytest
from citing import cited
from excerpting import MARKDOWN
from hypothesis import given
from hypothesis import strategies as st
from soup import NASTY, tokens_of
from support import make_answer

from ragqa.answering.excerpt_blocks import excerpt_text
from ragqa.render.markdown import answer_markdown, excerpt_markdown
from ragqa.safe import safe_text
from ragqa.types import Kind, Unit
from ragqa.verifying.saved import read_saved


def shown(text, quote="", **how):
    """The Markdown of a note, or of an excerpt from it."""
    return excerpt_markdown(cited(text, quote, **how))


def lines(text):
    return dedent(text).strip("\n")


def kinds_of(markdown):
    return [token.type for token in tokens_of(markdown)]


def test_paragraphs_are_escaped_and_keep_the_breaks_that_their_author_wants():
    text = "See [a](b.md), <b>c</b>,\n*d* & `e_f`.  \n2. Then.\n\n# No\n"
    assert shown(text, text[: text.index("\n\n#")]) == (
        "See a, c, d \\& e\\_f.\\\n2\\. Then. \\[1\\]"
    )


def test_items_are_nested_below_the_words_of_their_own():
    text = (
        "1. One\n   - a  \n     b\n\n     c\n   - d\n2. Two\n\n   ```sh\n   x ```\n     y\n   ```\n"
    )
    markdown = shown(text)
    assert markdown == lines("""
        1. One
           - a\\
             b

             c

           - d
        2. Two

           ```
           x ```
             y
           ```

        \\[1\\]
        """).replace("```\n   x ```\n     y\n   ```", "````\n   x ```\n     y\n   ````")
    assert kinds_of(markdown).count("bullet_list_open") == 1
    assert kinds_of(markdown).count("fence") == 1


def test_a_nested_list_that_begins_with_another_number_than_one_is_a_list():
    markdown = shown("- One\n\n  3. three\n  4. four\n- Two\n")
    assert markdown == "- One\n\n  3. three\n  4. four\n- Two\n\n\\[1\\]"
    assert kinds_of(markdown).count("ordered_list_open") == 1


def test_items_whose_own_are_not_in_the_excerpt_are_not_indented():
    text = "- a\n  - b\n    - c\n  - d\n- e\n"
    assert shown(text, text[text.index("- c") :].strip()) == "- c\n- d\n- e\n\n\\[1\\]"


def test_a_table_is_a_table_with_its_bars_escaped():
    text = "| Name | `a\\|b` |\n|--|--|\n| [x](y) |\n| -1 | <b>c</b> \\\\ |\n"
    markdown = shown(text)
    assert markdown == lines(r"""
        | Name | a\|b |
        | --- | --- |
        | x |  |
        | -1 | c \\ |

        \[1\]
        """)
    cells = [token.content for token in tokens_of(markdown) if token.type == "text"]
    assert cells == ["Name", "a|b", "x", "-1", "c \\", "[1]"]


def test_rows_without_their_head_and_front_matter_are_lines():
    text = "| Name | n |\n|--|--|\n| a | 1 |\n| b | 2 |\n"
    assert shown(text, "| a | 1 |\n| b | 2 |") == "Name: a; n: 1\\\nName: b; n: 2 \\[1\\]"
    front = "---\nowner: Ann\nplaces: [a, b]\n---\nText.\n"
    assert shown(front) == "owner: Ann\\\nplaces: a, b\n\nText. \\[1\\]"


def test_a_heading_is_in_bold():
    assert shown("## A [b](c) *d*\n\nText.\n") == "**A b d**\n\nText. \\[1\\]"


@pytest.mark.parametrize(
    ("quote", "cut", "markdown"),
    [
        ("One.", (False, True), "One. \u2026 \\[1\\]"),
        ("Two.\n\n- a", (True, True), "\u2026 Two.\n\n- a\n\n\u2026 \\[1\\]"),
        ("- b", (True, False), "\u2026\n\n- b\n\n\\[1\\]"),
        ("```\nc\n```", (False, True), "```\nc\n```\n\n\u2026 \\[1\\]"),
    ],
)
def test_an_ellipsis_says_where_it_is_cut(quote, cut, markdown):
    assert shown("One. Two.\n\n- a\n- b\n\n```\nc\n```\n", quote, cut=cut) == markdown


def test_two_excerpts_are_never_one_list():
    first, second = cited("1. a\n2. b\n"), replace(cited("1. c\n2. d\n"), n=2)
    markdown = answer_markdown(make_answer(citations=(first, second)))
    excerpts = markdown.partition("\n## Sources")[0]
    both = "\n\n1. a\n2. b\n\n\\[1\\]\n\n1. c\n2. d\n\n\\[2\\]"
    assert excerpts.rstrip().endswith(both)
    assert kinds_of(excerpts).count("ordered_list_open") == 2


def test_an_excerpt_that_shows_nothing_has_a_number():
    assert excerpt_markdown(replace(cited("a"), quote="", chars=(0, 0))) == "\\[1\\]"


TEXT_ONLY = {
    *("inline", "text", "hardbreak", "fence", "paragraph_open", "paragraph_close"),
    *("strong_open", "strong_close", "list_item_open", "list_item_close"),
    *("bullet_list_open", "bullet_list_close", "ordered_list_open", "ordered_list_close"),
    *(
        f"{part}_{end}"
        for part in ("table", "thead", "tbody", "tr", "th", "td")
        for end in ("open", "close")
    ),
}
"""What is in an excerpt's Markdown, whatever its note says: no link, no image, no HTML."""


def words_in(markdown):
    """What a reader sees of Markdown, by words; signs alone are left out."""
    seen = []
    for token in tokens_of(markdown):
        if token.type == "list_item_open":
            seen.append(f" {token.info}{token.markup} ")
        elif token.type in ("text", "fence"):
            # What would be a second record in code is told apart from the answer's own.
            seen.append(token.content.replace(" (quoted)", ""))
        elif not token.type.startswith("strong"):
            seen.append(" ")
    return words("".join(seen))


def words(text):
    return [word for word in text.split() if any(map(str.isalnum, word))]


def with_units(text, units, span, cut):
    """A citation of all of a text, with any units."""
    whole = replace(cited("a"), quote=text, chars=(0, len(text)), units=units, cut=cut)
    return replace(whole, span=span)


UNITS = st.lists(
    st.builds(
        Unit,
        st.sampled_from(sorted(Kind)),
        st.integers(-5, 90),
        st.integers(-5, 90),
        st.text("ab|> [](<!", max_size=8),
    ),
    min_size=1,
    max_size=6,
).map(tuple)
SPAN = st.none() | st.tuples(st.integers(0, 90), st.integers(0, 90))
CUT = st.tuples(st.booleans(), st.booleans())
SAID = MARKDOWN | NASTY | st.lists(NASTY, max_size=4).map("\n\n".join)
ANY = st.builds(with_units, SAID, UNITS, SPAN, CUT) | st.builds(
    lambda text, span, cut: replace(cited(text), span=span, cut=cut), SAID, SPAN, CUT
)


@given(ANY)
def test_whatever_a_note_says_is_text_and_no_word_of_it_is_lost_or_added(citation):
    markdown = excerpt_markdown(citation)
    assert set(kinds_of(markdown)) <= TEXT_ONLY
    text = excerpt_text(citation.quote, citation.units, citation.chars[0], citation.cut)
    assert words_in(markdown) == [*words(safe_text(text)), "[1]"]


@given(ANY.filter(lambda citation: citation.quote.strip()))
def test_an_answer_with_any_excerpts_is_read_by_verify(citation):
    answer = make_answer(citations=(citation, replace(citation, n=2)))
    markdown = answer_markdown(answer)
    saved = read_saved(io.BytesIO(markdown.encode()), "answer.md")
    assert [one.quote for one in saved.citations] == [citation.quote] * 2
