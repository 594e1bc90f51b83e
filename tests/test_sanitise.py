"""What is printed can never steer the terminal."""

import re

from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from ragqa.render import safe_line, safe_text
from ragqa.render.screen import emit, stdout

UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\U000e0000-\U000e007f]"
)
ANYTHING = st.text(alphabet=st.characters(), max_size=60)
NASTY = st.lists(
    st.sampled_from(
        [
            "\x1b]52;c;aGk=\x07",
            "\x9b31m",
            "\u202e",
            "\U000e0041",
            "[x]",
            "[red]",
            "[/]",
            ":smile:",
            "\r",
            "\n",
            "\t",
            "\x00",
            "�",
            "a",
            "\u200d",
            "[link=https://evil.example]",
        ]
    ),
    max_size=12,
).map("".join)


@given(ANYTHING | NASTY)
def test_no_control_character_gets_through(text):
    assert not UNSAFE.search(safe_text(text))
    assert not UNSAFE.search(safe_line(text))
    assert "\n" not in safe_line(text)


@given(st.text(alphabet=st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=60))
def test_ordinary_text_is_left_alone(text):
    assert safe_text(text) == text
    assert safe_line(text) == text


def test_joiners_and_direction_marks_that_scripts_need_are_kept():
    assert safe_text("نمی\u200cخواهم \u200f👩\u200d💻") == "نمی\u200cخواهم \u200f👩\u200d💻"


def test_what_is_replaced_stays_visible():
    assert safe_text("a\x1b[31mb") == "a\\x1b[31mb"
    assert safe_line("one\ntwo\x9b\u202e") == "one\\ntwo\\x9b\\u202e"
    assert safe_line("caf\udce9.md") == "caf\\xe9.md"


def test_line_ends_of_all_systems_become_one():
    assert safe_text("a\r\nb\rc\nd") == "a\nb\nc\nd"


@given(NASTY)
def test_emitted_text_keeps_brackets_and_holds_no_control_byte(text):
    import io
    import sys

    held, sys.stdout = sys.stdout, io.StringIO()
    try:
        emit(stdout(), Text(safe_text(text)), indent=3)
        printed = sys.stdout.getvalue()
    finally:
        sys.stdout = held
    assert not UNSAFE.search(printed)
    for mark in ("[x]", "[red]", ":smile:", "[link=https://evil.example]"):
        assert printed.count(mark) == safe_text(text).count(mark)
