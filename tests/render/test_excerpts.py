"""An excerpt drawn on a terminal."""

import io
import re
import subprocess
import sys
from dataclasses import replace
from textwrap import dedent

import pytest
from citing import cited
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from ragqa.answering.excerpt_blocks import excerpt_text
from ragqa.render import THEME
from ragqa.render.excerpts import print_excerpt
from ragqa.safe import safe_text
from ragqa.types import Kind, Unit

STEER = re.compile(r"\x1b\[[\d;]*m")


def drawn(citation, *, width=80, colour=False, indent=0, encoding="utf-8", terminal=True):
    """What is printed of an excerpt; without colour all that is printed is text."""
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace", newline="\n")
    console = Console(
        file=file,
        width=width,
        theme=THEME,
        force_terminal=terminal,
        color_system="standard" if colour else None,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )
    print_excerpt(console, citation, indent=indent)
    file.flush()
    return file.buffer.getvalue().decode(encoding)


def plain(citation):
    """What a reader sees of an excerpt as plain text."""
    units = citation.units or (Unit(citation.kind, *citation.chars, citation.context),)
    return safe_text(excerpt_text(citation.quote, units, citation.chars[0], citation.cut))


def shown(text, width=80, **options):
    """The lines of a note that is drawn, without the spaces that pad them."""
    out = drawn(cited(text), width=width, **options)
    return "\n".join(line.rstrip() for line in out.split("\n")).rstrip()


def styled(citation, style):
    """The stretches in a style, by the codes that turn it on."""
    found = re.findall(r"\x1b\[([\d;]+)m(.*?)\x1b\[0m", drawn(citation, colour=True))
    return [text for codes, text in found if style in codes.split(";")]


def lines(text):
    return dedent(text).strip("\n")


UNDERLINED, BOLD, ITALIC, DIM, CYAN = "4", "1", "3", "2", "36"


def test_prose_is_wrapped_below_its_indent():
    text = "One *two* three\nfour."
    assert shown(text, width=13, indent=3) == "   One two\n   three\n   four."


def test_items_hang_below_their_marks():
    text = "- one two three\n  - four five six\n- [x] seven\n\n10. eight nine ten\n"
    assert shown(text, width=13) == lines("""
        - one two
          three
          - four five
            six
        - (done)
          seven
        10. eight
            nine ten
        """)


def test_code_keeps_its_lines_and_breaks_between_words_below_its_own_indent():
    text = "Do:\n\n```sh\nif true\n    echo one two three\n\nfi\n```\n"
    assert shown(text, width=20) == lines("""
        Do:

        if true
            echo one two
            three

        fi
        """)


def test_a_table_is_drawn_to_the_width():
    text = "| Name | What it is for |\n|--|--|\n| a | to wrap cells |\n| b | |\n"
    assert shown(text) == lines("""
        Name   What it is for
        ─────────────────────
        a      to wrap cells
        b
        """)
    assert shown(text.replace("for", "for and for and for"), width=24) == lines("""
               What it is for
        Name   and for and for
        ────────────────────────
        a      to wrap cells

        b
        """)


def test_rows_without_their_head_are_pairs():
    text = "| Name | Price |\n|--|--|\n| Kiwi | 2 francs |\n"
    citation = cited(text, "| Kiwi | 2 francs |")
    assert drawn(citation, width=20) == "Name: Kiwi; Price: 2\n  francs\n"


def test_words_have_their_looks():
    citation = cited("## Title\n\nIt is **bold**, *slanted* and `code`.\n")
    assert styled(citation, BOLD) == ["Title", "bold"]
    assert styled(citation, ITALIC) == ["slanted"]
    assert styled(citation, CYAN) == ["code"]


def test_what_answers_is_underlined_beside_what_does_not():
    citation = cited("One. Two is 5 kg. Three.", answers=["Two is 5 kg."], short="5 kg")
    assert "".join(styled(citation, UNDERLINED)) == "Two is 5 kg."
    assert styled(citation, BOLD) == ["5 kg"]


def test_nothing_is_underlined_where_all_of_it_answers():
    citation = cited("- One.\n- **Two**.\n", answers=["- One.\n- **Two**."])
    assert styled(citation, UNDERLINED) == []
    assert styled(cited("One. Two."), UNDERLINED) == []


def test_rows_and_items_that_answer_are_underlined():
    text = "| a | b |\n|--|--|\n| c | d |\n| e | f |\n\n- g\n- h\n"
    citation = cited(text, answers=["| c | d |", "- h"])
    assert [one.strip() for one in styled(citation, UNDERLINED)] == ["c", "d", "h"]


def test_code_beside_the_answer_is_dimmed():
    text = "Run this:\n\n```\nstart\n```\n"
    assert styled(cited(text, answers=["Run this:"]), DIM) == ["start"]
    assert styled(cited(text, answers=["```\nstart\n```"]), DIM) == []


def test_an_ellipsis_says_where_it_is_cut():
    text = "One. Two.\n\n- a\n- b\n"
    assert drawn(cited(text, "Two.\n\n- a", cut=(True, True))) == "\u2026 Two.\n\n- a\n\u2026\n"
    assert drawn(cited(text, "One.", cut=(False, True))) == "One. \u2026\n"


def test_what_an_encoding_lacks_is_replaced():
    text = "\u6c49 \u00e9\n\n| \u00e9 | b |\n|-|-|\n| c | d |\n"
    citation = cited(text, cut=(True, True))
    out = drawn(citation, encoding="ascii")
    assert out == "? ? ?\n\n? | b\n--+--\nc | d\n?\n"


def test_a_citation_without_units_is_one_unit():
    citation = cited("- One *two*\n")
    assert plain(replace(citation, units=(), kind=Kind.ITEM)) == "- One two"
    assert drawn(replace(citation, units=(), kind=Kind.CODE)) == "- One *two*\n"
    assert drawn(replace(citation, units=(), quote="", chars=(0, 0))) == ""


def test_it_is_drawn_without_a_parser_of_markdown_or_of_code():
    code = (
        "import sys, ragqa.render.excerpts\n"
        "print([m for m in ('markdown_it', 'pygments', 'rich.table') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


WORDS = st.lists(
    st.sampled_from(["One", "naïve", "汉字", "x" * 25, "**b**", "`c d`", "e."]),
    min_size=1,
    max_size=9,
).map(" ".join)
BLOCKS = st.builds(
    lambda form, words: form.format(words),
    st.sampled_from(["{}", "# {}", "- {}", "  - {}", "12. {}", "> {}", "```\n{}\n```"]),
    WORDS,
)
TABLES = st.lists(st.tuples(WORDS, WORDS), min_size=1, max_size=3).map(
    lambda rows: "\n".join(["| One | |", "|--|--|", *[f"| {a} | {b} |" for a, b in rows]])
)
WIDTHS = st.integers(20, 200)


def letters(text):
    return sorted(filter(str.isalnum, text))


@given(st.lists(BLOCKS, min_size=1, max_size=6).map("\n\n".join), WIDTHS, st.integers(0, 6))
def test_no_word_is_lost_in_any_width_and_none_added(text, width, indent):
    citation = cited(text)
    out = drawn(citation, width=width, indent=indent)
    assert "".join(out.split()) == "".join(plain(citation).split())


@given(TABLES, WIDTHS)
def test_no_word_of_a_table_is_lost_in_any_width(text, width):
    assert letters(drawn(cited(text), width=width)) == letters(plain(cited(text)))


UNITS = st.lists(
    st.builds(
        Unit,
        st.sampled_from(sorted(Kind)),
        st.integers(-5, 120),
        st.integers(-5, 120),
        st.text("ab|> \x1b", max_size=8),
    ),
    max_size=6,
).map(tuple)
SPANS = st.lists(st.tuples(st.integers(0, 120), st.integers(0, 120)), max_size=3).map(tuple)
HOSTILE = st.text(max_size=120) | st.text("a1 \n\t\r|>-*_`#[]()<>!&;\x00\x1b\x9b\u202e\ufe0f")


@given(HOSTILE, UNITS, SPANS, st.tuples(st.booleans(), st.booleans()), WIDTHS, st.booleans())
def test_any_text_with_any_units_is_drawn_and_steers_nothing(
    text, units, spans, cut, width, terminal
):
    citation = replace(
        cited("a"),
        quote=text,
        chars=(0, len(text)),
        units=units,
        answer_spans=spans,
        span=spans[0] if spans else None,
        cut=cut,
    )
    out = drawn(citation, width=width, terminal=terminal)
    assert safe_text(out) == out
    coloured = drawn(citation, width=width, colour=True)
    assert STEER.sub("", coloured) == drawn(citation, width=width)


@pytest.mark.parametrize("width", [20, 80, 140])
def test_no_line_is_wider_than_the_terminal(width):
    text = (
        "Some prose that is long enough to be wrapped at eighty columns, and at twenty too.\n\n"
        "- an item\n  - another\n    - and one\n      - that is nested rather deep\n\n"
        "| Name | What it is for | Since |\n|--|--|--|\n| one | to wrap long cells | 2020 |\n\n"
        "```\npip install --upgrade something --index https://example.org/simple\n```\n"
    )
    out = drawn(cited(text), width=width, indent=3)
    assert all(len(line.rstrip()) <= width for line in out.split("\n"))
