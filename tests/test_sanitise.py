"""What is printed can never steer the terminal."""

import re

from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from ragqa.render import emit, stdout
from ragqa.safe import safe_line, safe_text

UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u206f\ud800-\udfff\U000e0000-\U000e007f]"
)
SELECTORS = "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
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


@given(
    st.text(
        st.characters(exclude_categories=["C", "Zl", "Zp"], exclude_characters=SELECTORS),
        max_size=60,
    )
)
def test_ordinary_text_is_left_alone(text):
    assert safe_text(text) == text
    assert safe_line(text) == text


def test_joiners_and_direction_marks_that_scripts_need_are_kept():
    assert safe_text("نمی\u200cخواهم \u200f👩\u200d💻") == "نمی\u200cخواهم \u200f👩\u200d💻"


def test_a_variation_selector_is_kept_where_it_means_something():
    text = (
        "1\ufe0f\u20e3 \u2764\ufe0f \u00a9\ufe0f 👁\ufe0f\u200d🗨\ufe0f 葛\U000e0100城 \u2229\ufe00"
    )
    assert safe_text(text) == text


@given(st.binary(min_size=1, max_size=20), st.sampled_from(["", "a", " ", "\u00e9", "\u3002"]))
def test_bytes_hidden_in_variation_selectors_are_written_out(data, carrier):
    hidden = "".join(SELECTORS[byte] for byte in data)
    kept = 1 if carrier == "\u3002" else 0
    assert not any(one in safe_text(f"{carrier}{hidden}.")[1 + kept :] for one in SELECTORS)


def test_what_is_replaced_stays_visible():
    assert safe_text("a\x1b[31mb") == "a\\x1b[31mb"
    assert safe_line("one\ntwo\x9b\u202e") == "one\\ntwo\\x9b\\u202e"
    assert safe_line("caf\udce9.md") == "caf\\xe9.md"


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
