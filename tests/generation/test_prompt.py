"""What an LLM is given."""

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ragqa.generation import request_for
from ragqa.types import Hit, Kind, Passage, Unit


def hit(text):
    passage = Passage(1, 1, "note.md", "Note", 0, len(text), (1, 1), ("Note",), text, (), "0")
    return Hit(passage, 1.0, 0.5, 2.0)


def request(*texts, question="what?", max_tokens=3000, **more):
    return request_for(question, [hit(text) for text in texts], max_tokens=max_tokens, **more)


def test_passages_are_numbered_between_lines_that_carry_a_key():
    message = request("Cats sleep.", "Dogs bark.", key="k1").prompt.message
    assert "--- begin k1 passage 1\nNote\n\nCats sleep.\n--- end k1\n" in message
    assert "--- begin k1 passage 2\nNote\n\nDogs bark.\n--- end k1\n" in message
    assert message.count("what?") == 2


def test_passages_that_do_not_fit_are_left_out_from_the_end():
    texts = ("cats " * 50, "dogs " * 50, "cows " * 50)
    whole = request(*texts, key="k1")
    assert whole.left_out == 0
    less = request(*texts, key="k1", max_tokens=whole.tokens - 1)
    assert (len(less.hits), less.left_out) == (2, 1)
    assert less.tokens < whole.tokens
    assert "cows" not in less.prompt.message


def test_a_text_that_stands_twice_is_given_once():
    assert len(request("Cats sleep.", "Cats sleep.", "Dogs bark.").hits) == 2


def test_a_row_comes_with_the_header_of_its_table():
    row = hit("| 3 | 4 |")
    units = (Unit(Kind.ROW, 0, 9, context="| a | b |"),)
    given = replace(row, passage=replace(row.passage, units=units))
    message = request_for("what?", [given], max_tokens=3000).prompt.message
    assert "Note\n| a | b |\n\n| 3 | 4 |" in message


@given(st.text(max_size=200), st.text(min_size=1, max_size=60))
def test_what_is_sent_can_be_read_and_holds_no_other_line_with_the_key(text, question):
    message = request(f"a{text}", question=question, key="k" * 16).prompt.message
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\U000e0000-\U000e007f]", message)
    assert len(re.findall("^--- (?:begin|end) k{16}", message, flags=re.MULTILINE)) == 2
