"""An excerpt as plain text and on a terminal, as a reader would have copied it."""

import io
import re
from dataclasses import replace

import pytest
from cases import each_of
from citing import cited
from excerpting import MARKDOWN, layout_of
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple
from rich.console import Console
from soup import NASTY

from ragqa.answering.excerpt_blocks import blocks_of, excerpt_text
from ragqa.render import THEME
from ragqa.render.excerpts import print_excerpt
from ragqa.safe import safe_text
from ragqa.types import Cut

STEER = re.compile(r"\x1b\[[\d;]*m")
UNDERLINED, BOLD, ITALIC, DIM, CYAN = "4", "1", "3", "2", "36"


def plain(citation):
    """What a reader sees of an excerpt as plain text."""
    return excerpt_text(blocks_of(citation.units, astuple(citation.cut)))


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


def unpadded(out):
    return "\n".join(line.rstrip() for line in out.split("\n"))


def styled(citation, style):
    """The stretches in a style, by the codes that turn it on."""
    found = re.findall(r"\x1b\[([\d;]+)m(.*?)\x1b\[0m", drawn(citation, colour=True))
    return [text for codes, text in found if style in codes.split(";")]


@each_of("excerpt_forms")
def test_an_excerpt_is_shown_in_each_form_as_its_author_meant_it(note, quote, cut, text, terminal):
    citation = cited(note, quote, cut=tuple(cut))
    assert plain(citation) == text
    assert unpadded(drawn(citation)) == terminal


@each_of("litter")
def test_what_a_reader_does_not_see_leaves_no_litter(markdown, shown):
    assert plain(cited(markdown)) == shown


def test_a_long_item_of_several_sentences_is_one_item():
    sentences = " ".join(f"This is sentence number {n} of it." for n in range(20))
    note = f"- {sentences}\n- Short."
    assert len(cited(note).units) == 21
    assert plain(cited(note)) == note
    rest = sentences[sentences.index("This is sentence number 3") :]
    assert plain(cited(f"- {sentences}\n", rest, cut=(True, False))) == f"\u2026 {rest}"


@pytest.mark.parametrize(
    ("quote", "shown"),
    [("a = 1\n    b = 2", "a = 1\nb = 2"), ("if b:\n        c()\n    d()", "if b:\n    c()\nd()")],
)
def test_a_part_of_code_is_shown_without_the_indent_of_its_lines(quote, shown):
    inner = "    a = 1\n    b = 2\n\n    if b:\n        c()\n    d()\n\n    e()\n"
    code = ["```\n", *["x()\n\n"] * 9, inner, "```\n"]
    assert plain(cited("".join(code), quote)) == shown


def whole(text, **how):
    layout = layout_of(text, **how)
    return layout.plain((0, len(layout.pieces) - 1))


def test_the_rest_of_a_cut_row_is_not_aligned_below_the_first_columns():
    row = f"| Cat | A | B |\n|--|--|--|\n| row | {'x ' * 60}| {'y ' * 60}|\n| q | r | s |\n"
    text = whole(row, window=80, target=60)
    assert f"\nB: {'y ' * 60}".rstrip() in text
    assert text.endswith("\nCat: q; A: r; B: s")


def test_a_head_cut_in_two_is_one_above_its_rows():
    text = whole(f"| {'h ' * 40}| {'g ' * 40}|\n|--|--|\n| a | b |\n", window=60, target=40)
    assert [line.count("|") for line in text.split("\n")] == [1, 0, 1]


WRAPPED = """\
  One two three
  four.

  - one two
    three
    - four five
      six
  10. eight
      nine ten

  if x
    echo one
    two

  fi

         What
  Name   for
  ─────────────
  a
"""


def test_text_is_wrapped_below_its_mark_and_indent():
    text = (
        "One *two* three\nfour.\n\n- one two three\n  - four five six\n\n10. eight nine ten\n\n"
        "```sh\nif x\n  echo one two\n\nfi\n```\n\n| Name | What for |\n|--|--|\n| a | |\n"
    )
    assert unpadded(drawn(cited(text), width=15, indent=2)) == WRAPPED


def test_headings_and_blocks_of_code_have_a_look_and_words_in_a_sentence_none():
    citation = cited("## Title\n\nIt is **bold**, *slanted* and `code`.\n\n```\ncode\n```\n")
    assert styled(citation, BOLD) == ["Title"]
    assert styled(citation, ITALIC) == []
    assert styled(citation, CYAN) == ["code"]


@pytest.mark.parametrize(
    ("text", "answers", "underlined"),
    [
        ("One. Two is 5 kg. Three.", ["Two is 5 kg."], "Two is 5 kg."),
        ("One. Two.", [], ""),
        # Nothing stands out where all of it answers.
        ("- One.\n- **Two**.\n", ["- One.\n- **Two**."], ""),
        ("| a | b |\n|--|--|\n| c | d |\n| e | f |\n\n- g\n- h\n", ["| c | d |", "- h"], "cdh"),
    ],
)
def test_what_answers_is_underlined_beside_what_does_not(text, answers, underlined):
    assert "".join(styled(cited(text, answers=answers), UNDERLINED)) == underlined


@pytest.mark.parametrize("sentence", ["Two is 5 kg.", "Two is **5 kg** of *this*."])
def test_what_answers_directly_is_in_bold(sentence):
    citation = cited(f"One has 5 kg. {sentence}", answers=[sentence], short="5 kg")
    start = citation.answer_spans[0][0]
    place = citation.quote.index("5 kg", start)
    assert styled(replace(citation, span=(place, place + 4)), BOLD) == ["5 kg"]


def test_code_beside_the_answer_is_dimmed():
    text = "Run this:\n\n```\nstart\n```\n"
    assert styled(cited(text, answers=["Run this:"]), DIM) == ["start"]
    assert styled(cited(text, answers=["```\nstart\n```"]), DIM) == []


def test_what_an_encoding_lacks_is_replaced():
    text = "\u6c49 \u00e9\n\n| \u00e9 | b |\n|-|-|\n| c | d |\n"
    out = drawn(cited(text, cut=(True, True)), encoding="ascii")
    assert out == "? ? ?\n\n? | b\n--+--\nc | d\n?\n"


# Any notes

WORD = st.text("abcdef\u00e9\u6c49", min_size=1, max_size=7)
MARKED = st.sampled_from(
    [
        *("{}", "**{}**", "*{}*", "_{}_", "`{}`", "=={}==", "[{}](http://1.2/3)", "<b>{}</b>"),
        *("{}<br>", "{}&nbsp;", "{}[^1]", "{}{{.x-1}}", "{{{{ 0 }}}} {}", "[[#{}]]", "[[9#8|{}]]"),
        *("![](1.png) {}", "***{}***", "**`{}`**", "[`{}`](<1>)", ":mdi-x: {}", "\\*{}\\*"),
    ]
)
FORMS = ["{}", "- {}\n  - {}", "1. {}\n- [1]: {}", "| {} |\n|--|\n| {} |", "```\n1 {}\n```"]
FORMS += ["## {}", "> {}", "> [!1] {}", "{} {}."]


@st.composite
def block(draw):
    """Some Markdown and its words."""
    form, words = draw(st.sampled_from(FORMS)), []

    def prose():
        said = draw(st.lists(WORD, min_size=1, max_size=5))
        words.extend(said)
        return " ".join(word if "```" in form else draw(MARKED).format(word) for word in said)

    return form.format(*(prose() for _ in range(form.count("{}")))), words


@given(st.lists(block(), min_size=1, max_size=5))
def test_no_word_of_a_note_is_lost_and_none_is_added(blocks):
    shown = plain(cited("\n\n".join(text for text, _ in blocks)))
    expected = [word for _, words in blocks for word in words]
    assert re.findall(r"[a-f\u00e9\u6c49]+", shown) == expected


SAID = MARKDOWN | NASTY | st.lists(NASTY, max_size=4).map("\n\n".join) | st.text(max_size=120)
PLACES = st.tuples(st.integers(0, 120), st.integers(0, 120))


@st.composite
def citations(draw):
    """A citation of any text."""
    places = tuple(draw(st.lists(PLACES, max_size=3)))
    return replace(
        cited(draw(SAID)),
        answer_spans=places,
        span=places[0] if places else None,
        cut=draw(st.builds(Cut, st.booleans(), st.booleans())),
    )


@given(citations(), st.integers(20, 200), st.booleans())
def test_any_excerpt_is_drawn_and_steers_nothing(citation, width, terminal):
    out = drawn(citation, width=width, terminal=terminal)
    assert safe_text(out) == out
    coloured = drawn(citation, width=width, colour=True)
    assert STEER.sub("", coloured) == drawn(citation, width=width)


@given(MARKDOWN, st.integers(20, 200), st.integers(0, 6))
def test_no_word_is_lost_in_any_width_and_none_added(text, width, indent):
    out = drawn(cited(text), width=width, indent=indent)
    assert sorted(filter(str.isalnum, out)) == sorted(filter(str.isalnum, plain(cited(text))))
